/**
 * @module
 * When a server campaigns, and when it has won (§5.2; pre-votes: dissertation §9.6).
 */

import { assert } from "./assert.ts";
import { isVoter } from "./configuration.ts";
import { isVoteBound } from "./lease.ts";
import { committedEntryId, lastEntryId } from "./log.ts";
import type { Message, PreVoteResponse, RequestVoteResponse } from "./message.ts";
import { quorumVote } from "./quorum.ts";
import { isToldRemoved, mayBeNeeded } from "./removal.ts";
import { becomeCandidate, becomeLeader, becomePreCandidate, expectSplitVote, giveUp } from "./role.ts";
import { send } from "./send.ts";
import type { RaftState } from "./state.ts";

/** An election timeout has passed, or the owner says so. Ignored by those who must not lead, or have given their word. */
export function campaign(state: RaftState): void {
  if (state.role === "leader" || !mayCampaign(state) || isVoteBound(state)) return;
  if (state.options.preVote) beginPreElection(state);
  else beginElection(state, { leadershipTransfer: false });
}

/** The leader hands over: at once and without a pre-vote, which its live followers would refuse. */
export function onTimeoutNowRequest(state: RaftState): void {
  if (state.role === "follower" && mayCampaign(state)) beginElection(state, { leadershipTransfer: true });
}

export function onPreVoteResponse(state: RaftState, response: PreVoteResponse): void {
  if (state.role !== "preCandidate") return;
  // A grant repeats the term that was asked for; one of an older campaign proves nothing.
  if (response.voteGranted && response.term !== state.currentTerm + 1) return;
  countVote(state, response.from, response.voteGranted);
}

export function onRequestVoteResponse(state: RaftState, response: RequestVoteResponse): void {
  if (state.role !== "candidate") return;
  const { from, voteGranted } = response;
  // Without a pre-vote it may be behind the others' logs, and lose as often as it asks.
  if (!voteGranted && state.options.preVote && !isRefused(state)) expectSplitVote(state);
  countVote(state, from, voteGranted);
}

/** Has a voter refused this campaign? */
function isRefused({ votes }: RaftState): boolean {
  for (const voteGranted of votes.values()) if (!voteGranted) return true;
  return false;
}

/** A candidate's vote for itself counts once it cannot be forgotten. */
export function countOwnVote(state: RaftState): void {
  if (state.role !== "candidate" || state.writes.durableTerm !== state.currentTerm) return;
  if (!state.votes.has(state.id)) countVote(state, state.id, true);
}

/**
 * Voters alone campaign, but for a leader that has yet to take its leave; and not while members that this node does
 * not count with yet may be in force: a change that is committed but not applied, or one that is not found yet in
 * the log of before the start.
 */
export function mayCampaign(state: RaftState): boolean {
  if (isToldRemoved(state) || !(isVoter(state.configuration, state.id) || mayBeNeeded(state))) return false;
  return state.installing === null && state.bootScan === null && !hasUnappliedChange(state);
}

function hasUnappliedChange(state: RaftState): boolean {
  const { log, applying } = state;
  if (applying.changes.length > 0) return true;
  const from = log.emittedIndex + 1;
  if (from > log.commitIndex) return false;
  // What is on disk only is not known; it will be when it has gone to the state machine.
  if (from < log.tailFirst) return true;
  for (let index = from; index <= log.commitIndex; index += 1) {
    if (log.tail[index - log.tailBase]?.kind === "configuration") return true;
  }
  return false;
}

function beginPreElection(state: RaftState): void {
  becomePreCandidate(state);
  countVote(state, state.id, true);
  // The only voter has won by now.
  if (state.role !== "preCandidate") return;
  const lastLog = lastEntryId(state.log);
  askVoters(state, {
    kind: "preVoteRequest",
    from: state.id,
    to: state.id,
    term: state.currentTerm + 1,
    lastLogIndex: lastLog.index,
    lastLogTerm: lastLog.term,
    committed: committedEntryId(state.log),
  });
}

function beginElection(state: RaftState, { leadershipTransfer }: { readonly leadershipTransfer: boolean }): void {
  becomeCandidate(state);
  const lastLog = lastEntryId(state.log);
  askVoters(state, {
    kind: "requestVoteRequest",
    from: state.id,
    to: state.id,
    term: state.currentTerm,
    lastLogIndex: lastLog.index,
    lastLogTerm: lastLog.term,
    committed: committedEntryId(state.log),
    leadershipTransfer,
  });
}

function askVoters(state: RaftState, request: Message): void {
  const { voters, votersOutgoing } = state.configuration;
  for (const to of new Set([...voters, ...votersOutgoing].sort())) {
    if (to !== state.id) send(state, { ...request, to });
  }
}

function countVote(state: RaftState, from: string, voteGranted: boolean): void {
  if (!state.votes.has(from)) state.votes.set(from, voteGranted);
  switch (quorumVote(state.configuration, state.votes)) {
    case "won":
      if (state.role === "preCandidate") return beginElection(state, { leadershipTransfer: false });
      assert(state.writes.durableTerm === state.currentTerm, "an elected leader's term is durable");
      return becomeLeader(state);
    case "lost":
      // Its term may be behind no more than others' logs: it waits to be asked, or for its next timeout.
      return giveUp(state);
    case "pending":
  }
}
