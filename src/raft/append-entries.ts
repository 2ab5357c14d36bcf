/**
 * @module
 * How a follower takes a leader's entries (§5.3; Figure 2, AppendEntries RPC, receiver).
 */

import { assert, itemAt } from "./assert.ts";
import { shortenBootScan } from "./boot-scan.ts";
import { followCommit } from "./commit.ts";
import { bindVote } from "./lease.ts";
import { appendToLog, isFarewell, truncateLog } from "./log.ts";
import type { AppendEntriesRequest, HeartbeatRequest } from "./message.ts";
import { becomeFollower, followLeader } from "./role.ts";
import { send, sendAfterWrite } from "./send.ts";
import type { RaftState } from "./state.ts";
import { lastEntryAtOrBelowTerm, termAt } from "./term-runs.ts";
import type { Entry, LogIndex, NodeId } from "./types.ts";
import { uncoverPendingWrites } from "./writes.ts";

export function onAppendEntriesRequest(state: RaftState, request: AppendEntriesRequest): void {
  hearLeader(state, request.from);
  // The log is being replaced by a snapshot, and nothing may touch it before it is.
  if (state.installing !== null) return;
  const { log } = state;
  const { from, prevLogIndex, prevLogTerm, entries } = request;
  if (prevLogIndex < log.commitIndex) return acknowledge(state, from, log.commitIndex);
  if (termAt(log, prevLogIndex) !== prevLogTerm) return reject(state, request);

  assertContiguous(request);
  takeEntries(state, entries);
  const matchIndex = prevLogIndex + entries.length;
  followCommit(state, Math.min(request.leaderCommit, matchIndex));
  acknowledge(state, from, matchIndex);
}

/** Heartbeats prove nothing about the log, so that their commit index is one the leader knows to be there. */
export function onHeartbeatRequest(state: RaftState, request: HeartbeatRequest): void {
  hearLeader(state, request.from);
  if (state.installing === null) followCommit(state, request.leaderCommit);
  const { from, readRound } = request;
  send(state, { kind: "heartbeatResponse", from: state.id, to: from, term: state.currentTerm, readRound });
}

/** A message that only the leader of this term sends has come (§5.2: candidates give way to it). */
export function hearLeader(state: RaftState, leaderId: NodeId): void {
  assert(state.role !== "leader", "at most one leader is elected in a term (§5.2)");
  assert(state.leaderId === null || state.leaderId === leaderId, "at most one leader is elected in a term (§5.2)");
  if (state.role !== "follower") becomeFollower(state, state.currentTerm, leaderId);
  else if (state.leaderId === null) followLeader(state, leaderId);
  state.electionElapsedTicks = 0;
  bindVote(state);
  state.removalNoticeIndex = 0;
}

/** Says, once all of it is durable, that the log equals the leader's up to `matchIndex`. */
export function acknowledge(state: RaftState, to: NodeId, matchIndex: LogIndex): void {
  sendAfterWrite(state, { kind: "appendEntriesMatched", from: state.id, to, term: state.currentTerm, matchIndex });
}

/**
 * Says where the logs may still meet: the last entry at or below the leader's previous one whose term is not
 * above that one's (§5.3, the optimisation at its end).
 */
function reject(state: RaftState, { from, prevLogIndex, prevLogTerm }: AppendEntriesRequest): void {
  const { log } = state;
  const hint = lastEntryAtOrBelowTerm(log, Math.min(prevLogIndex, log.lastIndex), prevLogTerm);
  const { id, currentTerm: term } = state;
  sendAfterWrite(state, { kind: "appendEntriesRejected", from: id, to: from, term, prevLogIndex, hint });
}

/** Overwrites from the first entry that conflicts, and never what matches: the request may be an old one. */
function takeEntries(state: RaftState, entries: readonly Entry[]): void {
  const { log } = state;
  let position = 0;
  while (position < entries.length) {
    const { index, term } = itemAt(entries, position);
    if (index > log.lastIndex || termAt(log, index) !== term) break;
    position += 1;
  }
  if (position === entries.length) return;
  const { index } = itemAt(entries, position);
  if (index <= log.lastIndex) {
    uncoverPendingWrites(state, index);
    shortenBootScan(state, index);
    truncateLog(log, index);
    if (index <= state.farewellIndex) state.farewellIndex = 0;
  }
  for (; position < entries.length; position += 1) {
    const entry = itemAt(entries, position);
    if (isFarewell(log, entry)) state.farewellIndex = entry.index;
    appendToLog(log, entry);
  }
}

function assertContiguous({ prevLogIndex, entries }: AppendEntriesRequest): void {
  if (entries.length === 0) return;
  const isContiguous =
    itemAt(entries, 0).index === prevLogIndex + 1 &&
    itemAt(entries, entries.length - 1).index === prevLogIndex + entries.length;
  assert(isContiguous, "entries of a request follow its previous one without a gap");
}
