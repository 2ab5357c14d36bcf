/**
 * @module
 * The passing of time: election timeouts, heartbeats, and whether the quorum still answers (§5.2, dissertation §6.2).
 */

import { isOnlyVoter } from "./configuration.ts";
import { campaign, mayCampaign } from "./election.ts";
import { broadcastHeartbeat } from "./heartbeat-request.ts";
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
  if (state.role !== "follower" || peer !== state.leaderId) return;
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
  if (state.electionElapsedTicks < state.randomizedTimeoutTicks || !mayCampaign(state)) return;
  state.electionElapsedTicks = 0;
  campaign(state);
}

function tickLeader(state: RaftState): void {
  const { options } = state;
  state.ticksSinceElected += 1;
  state.heartbeatElapsedTicks += 1;
  state.electionElapsedTicks += 1;
  if (state.electionElapsedTicks >= options.electionTimeoutTicks) {
    state.electionElapsedTicks = 0;
    if (options.checkQuorum && !isQuorumActive(state)) return becomeFollower(state, state.currentTerm, null);
    for (const progress of state.progress) progress.recentActive = progress.id === state.id;
    // The target of a transfer has had its time (dissertation §3.10).
    state.transferee = null;
  }
  tickStall(state);
  changeByItself(state);
  if (state.heartbeatElapsedTicks < options.heartbeatTicks || state.progress.length === 0) return;
  state.heartbeatElapsedTicks = 0;
  broadcastHeartbeat(state);
}

/** Has a quorum been heard since the last check? */
function isQuorumActive(state: RaftState): boolean {
  const heard = new Map<NodeId, boolean>();
  for (const progress of state.progress) heard.set(progress.id, progress.recentActive);
  return quorumVote(state.configuration, heard) === "won";
}
