/**
 * @module
 * The passing of time: election timeouts, heartbeats, and whether the quorum still answers (§5.2, dissertation §6.2).
 */

import { tickPace } from "./commit-notice.ts";
import { isOnlyVoter } from "./configuration.ts";
import { campaign, mayCampaign } from "./election.ts";
import { broadcastHeartbeat } from "./heartbeat-request.ts";
import { beginLeaseRound, isVoteBound } from "./lease.ts";
import { changeByItself } from "./membership.ts";
import { quorumVote } from "./quorum.ts";
import { tickReads } from "./read-index.ts";
import { becomeFollower, expectNewLeader } from "./role.ts";
import { tickStall } from "./stall.ts";
import type { RaftState } from "./state.ts";
import type { NodeId } from "./types.ts";

export function onTick(state: RaftState): void {
  if (state.role === "leader") tickLeader(state);
  else tickFollower(state);
  tickReads(state);
}

/** The leader's connection was reset: it is probably dead, and waiting longer than that helps nobody. */
export function onPeerDisconnected(state: RaftState, peer: NodeId): void {
  // Its followers are bound by their word: who would ask them early is not answered.
  if (state.role !== "follower" || peer !== state.leaderId || state.lease !== null) return;
  if (state.configuration.voters.includes(state.id)) expectNewLeader(state);
}

/** The only voter has nobody to wait for. */
export function campaignIfAlone(state: RaftState): void {
  if (state.role !== "follower" || state.leaderId !== null) return;
  if (isOnlyVoter(state.configuration, state.id)) campaign(state);
}

function tickFollower(state: RaftState): void {
  state.electionElapsedTicks += 1;
  campaignIfAlone(state);
  // On a node that must not campaign the count goes on, lest it stay loyal to a leader that is long silent.
  if (state.electionElapsedTicks < state.randomizedTimeoutTicks || !mayCampaign(state) || isVoteBound(state)) return;
  state.electionElapsedTicks = 0;
  campaign(state);
}

function tickLeader(state: RaftState): void {
  const { options } = state;
  state.ticksSinceElected += 1;
  state.heartbeatElapsedTicks += 1;
  state.electionElapsedTicks += 1;
  tickPace(state);
  for (const progress of state.progress) if (progress.id !== state.id) progress.quietTicks += 1;
  const isTimeout = state.electionElapsedTicks >= options.electionTimeoutTicks;
  if (options.checkQuorum === "eachTick" || isTimeout) {
    const mayStay = options.checkQuorum === false || isQuorumActive(state);
    if (!mayStay) return becomeFollower(state, state.currentTerm, null);
    forgetSilent(state);
  }
  if (isTimeout) {
    state.electionElapsedTicks = 0;
    // The target of a transfer has had its time (dissertation §3.10).
    state.transferee = null;
  }
  tickStall(state);
  changeByItself(state);
  if (state.heartbeatElapsedTicks < options.heartbeatTicks || state.progress.length === 0) return;
  state.heartbeatElapsedTicks = 0;
  beginLeaseRound(state);
  broadcastHeartbeat(state);
}

/** Has a quorum been heard since the last check, or, when it is checked each tick, within an election timeout? */
function isQuorumActive({ progress, configuration, options }: RaftState): boolean {
  const isEachTick = options.checkQuorum === "eachTick";
  const heard = new Map<NodeId, boolean>();
  for (const { id, recentActive, quietTicks } of progress) {
    heard.set(id, isEachTick ? quietTicks < options.electionTimeoutTicks : recentActive);
  }
  return quorumVote(configuration, heard) === "won";
}

/** What was heard counts until the next check, or for an election timeout. */
function forgetSilent({ id, progress, options }: RaftState): void {
  const quietTicksMax = options.checkQuorum === "eachTick" ? options.electionTimeoutTicks : 0;
  for (const member of progress) {
    if (member.id !== id && member.quietTicks >= quietTicksMax) member.recentActive = false;
  }
}
