/**
 * @module
 * When an entry is committed (§5.3, §5.4.2).
 */

import { assert } from "./assert.ts";
import { noticeDue } from "./commit-notice.ts";
import { appliableIndex } from "./log.ts";
import { makeDue, type Progress } from "./progress.ts";
import { quorumReached } from "./quorum.ts";
import type { RaftState } from "./state.ts";
import { termAt } from "./term-runs.ts";
import type { LogIndex, NodeId } from "./types.ts";

/**
 * Commits what a quorum holds durably, provided that it ends in the leader's own term: entries of older
 * terms are never committed by counting (Figure 8). True when the commit index has moved.
 */
export function advanceCommit(state: RaftState): boolean {
  assert(state.role === "leader", "only a leader counts");
  const { log, configuration } = state;
  const index = quorumReached(configuration, (nodeId) => progressOfMember(state, nodeId)?.matchIndex);
  if (index <= log.commitIndex || termAt(log, index) !== state.currentTerm) return false;
  log.commitIndex = index;
  const isEager = state.options.commitNotice === "eager";
  for (const progress of state.progress) makeDue(progress, isEager ? "always" : noticeDue(state, progress));
  return true;
}

/** Follows the leader's commit index, as far as the log is known to equal the leader's. */
export function followCommit(state: RaftState, commitIndex: LogIndex): void {
  const { log } = state;
  if (commitIndex <= log.commitIndex) return;
  assert(commitIndex <= log.lastIndex, "what the leader says is committed here is in this log");
  log.commitIndex = commitIndex;
}

/** Has this term committed anything? Before that a leader does not know what is committed (§8). */
export function hasCommittedInTerm(state: RaftState): boolean {
  return termAt(state.log, state.log.commitIndex) === state.currentTerm;
}

/** Is there something that could be applied and is not? */
export function isApplyBehind(state: RaftState): boolean {
  return state.log.appliedIndex < appliableIndex(state.log);
}

export function progressOfMember(state: RaftState, nodeId: NodeId): Progress | undefined {
  return state.progress.find((progress) => progress.id === nodeId);
}

/** The voter, heard lately, whose log reaches furthest: the best to lead next. */
export function furthestFollower(state: RaftState): Progress | null {
  let furthest: Progress | null = null;
  for (const progress of state.progress) {
    const { id, matchIndex, recentActive } = progress;
    if (id === state.id || !recentActive || !state.configuration.voters.includes(id)) continue;
    if (furthest === null || matchIndex > furthest.matchIndex) furthest = progress;
  }
  return furthest;
}
