/**
 * @module
 * Entries come back from disk: for a follower that lags, for the state machine, for the scan at the start.
 */

import { takeReadForApply } from "./apply.ts";
import { assert, itemAt } from "./assert.ts";
import { scanRead } from "./boot-scan.ts";
import { makeDue } from "./progress.ts";
import { sendReadEntries } from "./replication.ts";
import type { RaftState } from "./state.ts";
import { termAt } from "./term-runs.ts";
import type { Entry, LogIndex } from "./types.ts";

/** Empty entries say that the log starts above `from` now, or is being replaced. */
export function onEntriesRead(state: RaftState, from: LogIndex, entries: readonly Entry[]): void {
  const current = areCurrent(state, from, entries) ? entries : [];
  takeReadForApply(state, from, current);
  scanRead(state, from, current);
  for (const progress of state.progress) {
    if (progress.awaitedFrom !== from) continue;
    progress.awaitedFrom = 0;
    if (current.length > 0 && progress.nextIndex === from) sendReadEntries(state, progress, current);
    // Without entries it is asked again only when a heartbeat is answered, unless a snapshot is due.
    if (current.length > 0 || from <= state.log.startIndex) makeDue(progress, "entries");
  }
}

/** An answer from before a tail was overwritten is of another log: its last entry tells (§5.3, Log Matching). */
function areCurrent(state: RaftState, from: LogIndex, entries: readonly Entry[]): boolean {
  if (entries.length === 0) return false;
  const last = itemAt(entries, entries.length - 1);
  assert(itemAt(entries, 0).index === from, "the disk answers from the entry that was asked for");
  assert(last.index === from + entries.length - 1, "entries follow each other without a gap");
  return termAt(state.log, last.index) === last.term && from > state.log.startIndex;
}
