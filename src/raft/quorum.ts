/**
 * @module
 * Majorities, and joint ones: what is decided must be decided by both halves (§6, dissertation §4.3).
 */

import { itemAt } from "./assert.ts";
import type { Configuration, NodeId } from "./types.ts";

export type VoteResult = "pending" | "lost" | "won";

type Halves = Pick<Configuration, "voters" | "votersOutgoing">;

/** How far a node has acknowledged; undefined when it never has, which counts as 0. */
type Acknowledged = (nodeId: NodeId) => number | undefined;

/** The highest number that a majority has reached; Infinity when there is nobody to ask. */
export function majorityReached(voters: readonly NodeId[], acknowledged: Acknowledged): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  const reached: number[] = [];
  for (const voter of voters) insertAscending(reached, acknowledged(voter) ?? 0);
  return itemAt(reached, voters.length - majorityOf(voters.length));
}

/** The highest number that a majority of each half has reached. */
export function quorumReached(halves: Halves, acknowledged: Acknowledged): number {
  const incoming = majorityReached(halves.voters, acknowledged);
  return halves.votersOutgoing.length === 0
    ? incoming
    : Math.min(incoming, majorityReached(halves.votersOutgoing, acknowledged));
}

/** What the votes given so far decide; nobody to ask decides in favour. */
export function majorityVote(voters: readonly NodeId[], votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  if (voters.length === 0) return "won";
  let granted = 0;
  let missing = 0;
  for (const voter of voters) {
    const vote = votes.get(voter);
    if (vote === undefined) missing += 1;
    else if (vote) granted += 1;
  }
  const majority = majorityOf(voters.length);
  if (granted >= majority) return "won";
  return granted + missing >= majority ? "pending" : "lost";
}

/** Won when both halves have won, lost as soon as one has lost. */
export function quorumVote(halves: Halves, votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  const incoming = majorityVote(halves.voters, votes);
  const outgoing = majorityVote(halves.votersOutgoing, votes);
  if (incoming === outgoing) return incoming;
  return incoming === "lost" || outgoing === "lost" ? "lost" : "pending";
}

function majorityOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

function insertAscending(numbers: number[], inserted: number): void {
  let position = numbers.length;
  while (position > 0 && itemAt(numbers, position - 1) > inserted) {
    numbers[position] = itemAt(numbers, position - 1);
    position -= 1;
  }
  numbers[position] = inserted;
}
