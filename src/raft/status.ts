/**
 * @module
 * What an observer may see of a core.
 */

import type { Status } from "./effect.ts";
import type { ProgressKind } from "./progress.ts";
import { isRemoved } from "./removal.ts";
import type { RaftState } from "./state.ts";
import type { LogIndex, NodeId } from "./types.ts";

export interface ProgressView {
  readonly id: NodeId;
  readonly matchIndex: LogIndex;
  /** Heard since the leader last checked its quorum, at most an election timeout ago. */
  readonly recentActive: boolean;
  readonly kind: ProgressKind;
}

export function statusOf(state: RaftState): Status {
  return {
    role: state.role,
    term: state.currentTerm,
    leaderId: state.leaderId,
    commitIndex: state.log.commitIndex,
    lastLogIndex: state.log.lastIndex,
    configuration: state.configuration,
    removed: isRemoved(state),
  };
}

/** A leader's view of all members, itself among them, sorted by id; empty on every other node. */
export function progressOf(state: RaftState): ProgressView[] {
  return state.progress.map(({ id, matchIndex, recentActive, kind }) => ({ id, matchIndex, recentActive, kind }));
}
