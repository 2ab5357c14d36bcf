/**
 * @module
 * What a leader learns from its followers' answers (§5.3; Figure 2, rules for leaders).
 */

import { advanceCommit, progressOfMember } from "./commit.ts";
import { noticeDue } from "./commit-notice.ts";
import type { AppendEntriesMatched, AppendEntriesRejected, HeartbeatResponse } from "./message.ts";
import {
  advanceMatch,
  becomeProbe,
  becomeReplicate,
  freeWindow,
  makeDue,
  markHeard,
  type Progress,
  stepBack,
} from "./progress.ts";
import { grantConfirmed } from "./read-index.ts";
import type { RaftState } from "./state.ts";
import { lastEntryAtOrBelowTerm } from "./term-runs.ts";
import { completeTransfer } from "./transfer.ts";

export function onAppendEntriesMatched(state: RaftState, answer: AppendEntriesMatched): void {
  const progress = heardFrom(state, answer.from);
  if (progress === undefined) return;
  const hasAdvanced = advanceMatch(progress, answer.matchIndex);
  const meets = progress.kind === "probe" && progress.matchIndex === answer.matchIndex;
  if (!hasAdvanced && !meets) return;

  if (progress.kind === "replicate") freeWindow(progress);
  else if (progress.kind === "probe" || progress.matchIndex >= state.log.startIndex) becomeReplicate(progress);

  const hasCommitted = advanceCommit(state);
  if (!hasCommitted) makeDue(progress, noticeDue(state, progress));
  completeTransfer(state, progress);
}

export function onAppendEntriesRejected(state: RaftState, answer: AppendEntriesRejected): void {
  const progress = heardFrom(state, answer.from);
  if (progress === undefined) return;
  const { prevLogIndex, hint } = answer;
  // Of the leader's log, too, only what is not of a later term than the hint can be where they meet.
  const probe = hint.term === 0 ? hint : lastEntryAtOrBelowTerm(state.log, hint.index, hint.term);
  if (!stepBack(progress, prevLogIndex, probe.index)) return;
  if (progress.kind === "replicate") becomeProbe(progress);
  makeDue(progress, "always");
}

/** Any answer to a heartbeat says that messages arrive again: a probe or a full window is tried anew. */
export function onHeartbeatResponse(state: RaftState, answer: HeartbeatResponse): void {
  const progress = heardFrom(state, answer.from);
  if (progress === undefined) return;
  progress.paused = false;
  if (progress.matchIndex < state.log.lastIndex || progress.kind === "probe") makeDue(progress, "always");
  if (answer.readRound <= progress.ackedRound) return;
  progress.ackedRound = answer.readRound;
  grantConfirmed(state);
}

/** The member is alive. Undefined when this node does not lead, or no longer counts the sender. */
function heardFrom(state: RaftState, nodeId: string): Progress | undefined {
  if (state.role !== "leader") return undefined;
  const progress = progressOfMember(state, nodeId);
  if (progress !== undefined) markHeard(progress);
  return progress;
}
