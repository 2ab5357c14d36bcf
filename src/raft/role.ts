/**
 * @module
 * The roles of a server and the changes between them (§5.1, Figure 4).
 */

import { appendNoop } from "./append-own.ts";
import { assert } from "./assert.ts";
import { noPace } from "./commit-notice.ts";
import { isVoter, memberIds } from "./configuration.ts";
import { dropLease } from "./lease.ts";
import { lastEntryId } from "./log.ts";
import { createProgress } from "./progress.ts";
import { drawBelow, drawElectionTimeout } from "./random.ts";
import { askLeaderAgain, dropConfirming, takeOverReads } from "./read-index.ts";
import { noStall, type RaftState } from "./state.ts";
import type { NodeId, Term } from "./types.ts";

/** While campaigns are early: after 1 to that many ticks. */
const earlyTimeoutTicksMax = 3;

/** A candidate whose vote is split waits for less: between so much of an election timeout and twice that. */
const splitVotePart = 0.3;

/** Follows `leaderId`, or nobody yet. The only way into a term that another node has begun. */
export function becomeFollower(state: RaftState, term: Term, leaderId: NodeId | null): void {
  const wasLeader = state.role === "leader";
  enterTerm(state, term);
  state.role = "follower";
  if (wasLeader) dropConfirming(state);
  if (leaderId !== null) followLeader(state, leaderId);
}

/** The leader of the current term has made itself known. */
export function followLeader(state: RaftState, leaderId: NodeId): void {
  assert(state.role === "follower", "only a follower has another node as its leader");
  state.leaderId = leaderId;
  state.earlyTimeoutsLeft = 0;
  state.randomizedTimeoutTicks = drawTimeout(state);
  askLeaderAgain(state);
}

/** Asks whether it could win, without a new term and without a vote (dissertation §9.6). */
export function becomePreCandidate(state: RaftState): void {
  assert(state.role !== "leader", "a leader does not campaign");
  state.role = "preCandidate";
  state.leaderId = null;
  state.votes.clear();
  state.randomizedTimeoutTicks = drawTimeout(state);
}

/** Begins a term and votes for itself (§5.2). The vote counts once it is durable. */
export function becomeCandidate(state: RaftState): void {
  assert(state.role !== "leader", "a leader does not campaign");
  enterTerm(state, state.currentTerm + 1);
  state.role = "candidate";
  state.votedFor = state.id;
}

/**
 * A voter has refused this candidate, to whom a majority would have given its vote a moment ago: votes are being split.
 * Those that have not answered may never, the leader that fell among them. So the campaign ends sooner: after as long
 * again as this answer took, for the votes that are on their way, and some ticks that are drawn, lest all ask again at
 * the same time.
 *
 * Each term that brought this log no entry adds to that, until it is a whole timeout again: terms do not run away
 * where votes are lost for another reason.
 */
export function expectSplitVote(state: RaftState): void {
  const { options, currentTerm, log, electionElapsedTicks } = state;
  const ticksMin = Math.ceil(options.electionTimeoutTicks * splitVotePart) * (currentTerm - lastEntryId(log).term);
  const endTicks = 2 * electionElapsedTicks + ticksMin + drawBelow(state.random, ticksMin);
  state.randomizedTimeoutTicks = Math.min(state.randomizedTimeoutTicks, endTicks);
}

/** Ends a campaign without a leader; the next begins when the timeout that began with this one is over. */
export function giveUp(state: RaftState): void {
  assert(state.role === "preCandidate" || state.role === "candidate", "only a campaign can be given up");
  state.role = "follower";
}

/** Takes the lead of its term: every follower's log is unknown, and an entry of its own goes first (§8). */
export function becomeLeader(state: RaftState): void {
  const { log, options } = state;
  assert(state.role === "candidate", "only a candidate is elected");
  enterTerm(state, state.currentTerm);
  state.role = "leader";
  state.leaderId = state.id;
  state.earlyTimeoutsLeft = 0;
  const window = { messagesMax: options.inflightMessagesMax, bytesMax: options.inflightBytesMax };
  state.progress = memberIds(state.configuration).map((nodeId) => createProgress(nodeId, log.lastIndex + 1, window));
  for (const progress of state.progress) {
    if (progress.id !== state.id) continue;
    progress.kind = "replicate";
    progress.matchIndex = log.persistedIndex;
    progress.recentActive = true;
  }
  // Any of them may hold a change of members; none is added before all are applied.
  state.pendingConfigurationIndex = log.lastIndex;
  state.electedAt = log.lastTime;
  state.ticksSinceElected = 0;
  appendNoop(state);
  state.takenForwards.term = state.currentTerm;
  state.takenForwards.lastIds.clear();
  // It came back to take its leave.
  if (!isVoter(state.configuration, state.id)) state.leavingIndex = log.lastIndex;
  takeOverReads(state);
}

function enterTerm(state: RaftState, term: Term): void {
  assert(term >= state.currentTerm, "terms only grow (§5.1)");
  if (term !== state.currentTerm) {
    state.currentTerm = term;
    state.votedFor = null;
  }
  state.leaderId = null;
  state.electionElapsedTicks = 0;
  state.heartbeatElapsedTicks = 0;
  state.randomizedTimeoutTicks = drawTimeout(state);
  state.votes.clear();
  state.progress = [];
  state.transferee = null;
  state.pendingConfigurationIndex = 0;
  state.leavingIndex = 0;
  state.uncommittedBytes = 0;
  state.pace = noPace();
  state.stall = noStall();
  dropLease(state);
}

function drawTimeout(state: RaftState): number {
  if (state.earlyTimeoutsLeft > 0) {
    state.earlyTimeoutsLeft -= 1;
    return 1 + drawBelow(state.random, earlyTimeoutTicksMax);
  }
  return drawElectionTimeout(state.random, state.options.electionTimeoutTicks);
}

/** Owes a leader nothing any more: this follower grants votes again, and its election timeout runs on. */
export function forgetLeader(state: RaftState): void {
  if (state.role === "follower") state.leaderId = null;
}

/**
 * The leader is probably dead: forgets it, and lets the next few time-outs be short. A live leader is put
 * back by its next heartbeat, and pre-votes keep its followers loyal meanwhile.
 */
export function expectNewLeader(state: RaftState): void {
  forgetLeader(state);
  state.earlyTimeoutsLeft = 4;
  state.electionElapsedTicks = 0;
  state.randomizedTimeoutTicks = drawTimeout(state);
}
