/**
 * @module
 * Marks of the state: how it stood after an entry that every node picks alike, so that nodes can compare.
 */

import type { ClusterTime, LogIndex } from "../raft/types.ts";

/** The same on every node that has applied the log up to `index`. */
export interface StateMark {
  readonly index: LogIndex;
  readonly revision: number;
  readonly stateHash: number;
}

/** Cluster time between two marks while entries come in. */
export const markPeriodMs = 10_000;

/** Whether the state is marked after an entry with the stamp `time` that follows one with the stamp `previous`. */
export function isMarked(previous: ClusterTime, time: ClusterTime): boolean {
  return Math.floor(time / markPeriodMs) > Math.floor(previous / markPeriodMs);
}
