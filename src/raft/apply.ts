/**
 * @module
 * Handing committed entries to the state machine, in order and once each (§5.3), within a bound.
 */

import { askEntries } from "./ask-entries.ts";
import { assert, itemAt } from "./assert.ts";
import { appliableIndex, bytesOf, sliceLog } from "./log.ts";
import { onConfigurationApplied } from "./membership.ts";
import type { RaftState } from "./state.ts";
import { termAt } from "./term-runs.ts";
import type { Entry, LogIndex } from "./types.ts";

const nothing: readonly Entry[] = [];

/** Entries that are ready are held back for more to come, when nobody waits for them, below this many. */
const patientEntriesMax = 128;
/** And below this many while the disk writes others: what a leader waits for goes first on a processor that is shared. */
const patientWhileWritingMax = 512;

/**
 * The next entries to execute: committed and durable here, and no more than may be under way.
 *
 * A patient one waits while fewer than 128 are ready, 512 while a write of the log is under way, and the log goes on
 * above them under a leader, so that another commit is due: each handing on costs the state machine a batch. It waits no
 * longer than there is room for it in the tail. When the next commit does not come, somebody has to ask impatiently.
 * Without a leader none comes, and a campaign may wait for what is committed to be applied.
 */
export function takeApply(state: RaftState, patient: boolean): readonly Entry[] {
  const { log, applying, options } = state;
  const end = appliableIndex(log) + 1;
  const from = log.emittedIndex + 1;
  if (state.installing !== null || from >= end || applying.bytes >= options.applyingBytesMax) return nothing;
  const isCommitDue = end <= log.lastIndex && state.leaderId !== null;
  const heldMax = state.writes.pending.length > 0 ? patientWhileWritingMax : patientEntriesMax;
  // Held back further, what fills the tail would have to be read back from disk.
  const isTailFull = from <= log.tailFirst && log.tailBytes > options.tailBytesMax / 2;
  if (patient && isCommitDue && !isTailFull && end - from < heldMax) return nothing;
  const entries = readyEntries(state, from, end);
  if (entries.length === 0) return nothing;

  const lastIndex = from + entries.length - 1;
  const bytes = bytesOf(entries);
  log.emittedIndex = lastIndex;
  applying.chunks.push({ lastIndex, bytes });
  applying.bytes += bytes;
  for (const entry of entries) if (entry.kind === "configuration") applying.changes.push(entry);
  return entries;
}

/** Is there something that could be executed and was not handed on, for want of room or because it is being read back? */
export function hasMoreToApply({ log }: RaftState): boolean {
  return log.emittedIndex < appliableIndex(log);
}

/** Takes what was read back from disk, when it is what comes next. */
export function takeReadForApply(state: RaftState, from: LogIndex, entries: readonly Entry[]): void {
  const { log, applying } = state;
  if (applying.awaitedFrom !== from) return;
  applying.awaitedFrom = 0;
  if (from === log.emittedIndex + 1) applying.read = entries;
}

/** The state machine has come to `index`. Changes of members count from here on. */
export function onApplied(state: RaftState, index: LogIndex): void {
  const { log, applying } = state;
  // An installed snapshot may have overtaken what was still being executed.
  if (index <= log.appliedIndex) return;
  assert(index <= log.emittedIndex, "only what was handed on is applied");
  log.appliedIndex = index;
  while (applying.chunks.length > 0 && itemAt(applying.chunks, 0).lastIndex <= index) {
    const { bytes } = itemAt(applying.chunks, 0);
    applying.chunks.shift();
    applying.bytes -= bytes;
    // Entries of older terms were never counted here, so that it may be less.
    state.uncommittedBytes = Math.max(0, state.uncommittedBytes - bytes);
  }
  while (applying.changes.length > 0 && itemAt(applying.changes, 0).index <= index) {
    const { change } = itemAt(applying.changes, 0);
    applying.changes.shift();
    onConfigurationApplied(state, change);
  }
}

/** Nothing that was handed on or read back counts any more: a snapshot has replaced it. */
export function forgetApplying(state: RaftState): void {
  Object.assign(state.applying, { chunks: [], bytes: 0, changes: [], awaitedFrom: 0, read: [] });
}

function readyEntries(state: RaftState, from: LogIndex, end: LogIndex): readonly Entry[] {
  const { log, applying, options } = state;
  const { read } = applying;
  applying.read = nothing;
  if (from >= log.tailFirst) return sliceLog(log, from, end, options.applyingBytesMax - applying.bytes);
  if (read.length > 0) {
    assert(itemAt(read, 0).index === from, "what was read back is what comes next");
    const ready = from + read.length <= end ? read : read.slice(0, end - from);
    // While it was held back a leader may have overwritten its end, which was not committed then.
    const last = itemAt(ready, ready.length - 1);
    if (termAt(log, last.index) === last.term) return ready;
  }
  if (applying.awaitedFrom !== from) {
    applying.awaitedFrom = from;
    askEntries(state, from, Math.min(log.tailFirst, end));
  }
  return nothing;
}
