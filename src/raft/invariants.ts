/**
 * @module
 * What must hold between any two turns, checked in production: each check costs a few comparisons.
 */

import { assert } from "./assert.ts";
import { appliableIndex } from "./log.ts";
import type { RaftState } from "./state.ts";

/** Ends the node, by an assertion, when the state is one that no sequence of inputs may lead to. */
export function checkInvariants(state: RaftState): void {
  const { log, writes, options } = state;
  assert(log.startIndex <= log.appliedIndex, "what is compacted has been applied");
  assert(log.appliedIndex <= log.emittedIndex, "what is applied was handed on");
  assert(log.emittedIndex <= appliableIndex(log), "what is handed on is committed and durable");
  assert(log.commitIndex <= log.lastIndex, "what is committed is in the log");
  assert(log.persistedIndex <= log.writtenIndex, "what is durable was handed to the disk");
  assert(log.writtenIndex === log.lastIndex, "everything is with the disk when a turn ends");
  assert(log.tailFirst <= log.persistedIndex + 1, "what is not durable is in memory");
  assert(writes.durableTerm <= state.currentTerm, "the disk is never ahead of memory");
  assert(state.role !== "leader" || writes.durableTerm === state.currentTerm, "a leader's term is durable");
  assert(state.role === "leader" || state.progress.length === 0, "only a leader keeps progress");
  assert((state.leaderId === state.id) === (state.role === "leader"), "a node leads exactly when it says so");
  assert(state.reads.local.length <= options.pendingReadsMax, "reads that wait are bounded");
  for (const { nextIndex, matchIndex } of state.progress) {
    assert(matchIndex <= log.lastIndex && matchIndex < nextIndex, "what is to be sent lies above what matches");
  }
}
