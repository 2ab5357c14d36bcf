/**
 * @module
 * Leases of leaders (dissertation §6.4.1): who answers a leader's heartbeat gives its word that it will elect nobody for
 * `voteHoldMs`; until a part of that has passed, a leader with the word of a quorum answers reads alone.
 *
 * All times are of the node's own monotonic clock, in milliseconds, as `clock` inputs bring them: ticks would not do,
 * since several that were held up may come at once, and none comes while a process stands still.
 */

import { assert } from "./assert.ts";
import { hasCommittedInTerm, progressOfMember } from "./commit.ts";
import type { RaftOptions } from "./options.ts";
import { quorumReached } from "./quorum.ts";
import type { RaftState } from "./state.ts";
import type { Term } from "./types.ts";

/** Of a follower's word, so much is a leader's lease: their clocks may differ in rate by the rest. */
const leasePart = 0.9;

interface LeaseRound {
  readonly round: number;
  readonly sentAtMs: number;
}

export interface Lease {
  /** As of the last `clock`; null before the first. */
  nowMs: number | null;
  /** This node elects nobody before; infinite until a clock says when that is. */
  boundUntilMs: number;
  /** A leader's rounds of heartbeats that may still carry a lease, ascending. */
  rounds: LeaseRound[];
  /** A voter was told to campaign in this term, and the others will not refuse it: no lease until the next. */
  isGivenAway: boolean;
}

/** Null without leases. A node that has been in a term may have given its word just before it ended. */
export function createLease(options: RaftOptions, currentTerm: Term): Lease | null {
  if (options.voteHoldMs === 0) return null;
  const boundUntilMs = currentTerm === 0 ? 0 : Number.POSITIVE_INFINITY;
  return { nowMs: null, boundUntilMs, rounds: [], isGivenAway: false };
}

export function onClock({ lease, options }: RaftState, nowMs: number): void {
  if (lease === null) return;
  assert(nowMs >= (lease.nowMs ?? 0), "a monotonic clock does not go back");
  lease.nowMs = nowMs;
  if (lease.boundUntilMs === Number.POSITIVE_INFINITY) lease.boundUntilMs = nowMs + options.voteHoldMs;
}

/** The leader was heard: its lease may rest on this node. */
export function bindVote({ lease, options }: RaftState): void {
  if (lease === null) return;
  lease.boundUntilMs = lease.nowMs === null ? Number.POSITIVE_INFINITY : lease.nowMs + options.voteHoldMs;
}

/** Has this node given its word to elect nobody, itself included, before now is over? */
export function isVoteBound({ lease }: RaftState): boolean {
  return lease !== null && (lease.nowMs ?? 0) < lease.boundUntilMs;
}

/** Before the heartbeats of a tick: what a quorum answers to them counts from now, when they are sent. */
export function beginLeaseRound(state: RaftState): void {
  const { lease, reads, options } = state;
  if (lease === null || lease.nowMs === null) return;
  reads.round += 1;
  const own = progressOfMember(state, state.id);
  if (own !== undefined) own.ackedRound = reads.round;
  const oldestMs = lease.nowMs - leaseMs(options);
  lease.rounds = lease.rounds.filter(({ sentAtMs }) => sentAtMs > oldestMs);
  lease.rounds.push({ round: reads.round, sentAtMs: lease.nowMs });
}

/** May this leader answer a read at its commit index without asking anybody? */
export function holdsLease(state: RaftState): boolean {
  const { lease, configuration, options } = state;
  if (lease === null || lease.nowMs === null || lease.isGivenAway || !hasCommittedInTerm(state)) return false;
  // By the members of now: a quorum of those shares one with every quorum that could elect.
  const answered = quorumReached(configuration, (nodeId) => progressOfMember(state, nodeId)?.ackedRound);
  const newest = lease.rounds.findLast(({ round }) => round <= answered);
  return newest !== undefined && lease.nowMs < newest.sentAtMs + leaseMs(options);
}

/** Before a voter is told to campaign at once. What was told may arrive at any time, and the lease does not come back. */
export function giveLeaseAway({ lease }: RaftState): void {
  if (lease !== null) lease.isGivenAway = true;
}

/** A term begins, or the lead is lost. */
export function dropLease({ lease }: RaftState): void {
  if (lease === null) return;
  lease.rounds = [];
  lease.isGivenAway = false;
}

function leaseMs(options: RaftOptions): number {
  return options.voteHoldMs * leasePart;
}
