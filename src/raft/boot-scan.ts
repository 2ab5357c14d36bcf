/**
 * @module
 * What a log that was found at the start says about changes of members.
 *
 * Changes count when they are applied, and the commit index is not stored. So a node whose state fell back
 * behind its log could campaign with voters of long ago. But a leader appends a change only after it has
 * applied the one before: all changes of a log but its last are committed for certain, and that one too when the
 * farewell of a leader follows, which it says once it has applied its own removal. The scan finds them,
 * and no campaign begins before they are applied, so that the quorum counted with is at most one change old.
 */

import { askEntries } from "./ask-entries.ts";
import { followCommit } from "./commit.ts";
import { isFarewell } from "./log.ts";
import type { BootScan, RaftState } from "./state.ts";
import type { Entry, LogIndex } from "./types.ts";

/** Asks for what is to be looked at next. Once a turn. */
export function continueBootScan(state: RaftState): void {
  const scan = state.bootScan;
  if (scan === null || state.installing !== null) return;
  if (scan.nextIndex > scan.lastIndex) return finish(state, scan);
  if (scan.awaitedFrom === scan.nextIndex) return;
  scan.awaitedFrom = scan.nextIndex;
  askEntries(state, scan.nextIndex, scan.lastIndex + 1);
}

export function scanRead(state: RaftState, from: LogIndex, entries: readonly Entry[]): void {
  const scan = state.bootScan;
  if (scan === null || from !== scan.awaitedFrom) return;
  scan.awaitedFrom = 0;
  if (from !== scan.nextIndex) return;
  for (const entry of entries) {
    if (entry.index > scan.lastIndex) break;
    if (entry.kind === "configuration") scan.found.push(entry.index);
    if (isFarewell(state.log, entry)) {
      state.farewellIndex = entry.index;
      scan.committed = scan.found.length;
    }
    scan.nextIndex = entry.index + 1;
  }
}

/** Entries from `index` on are overwritten by a leader's: what is left was there at the start. */
export function shortenBootScan(state: RaftState, index: LogIndex): void {
  const scan = state.bootScan;
  if (scan === null || index > scan.lastIndex) return;
  scan.lastIndex = index - 1;
  scan.found = scan.found.filter((found) => found < index);
  scan.committed = Math.min(scan.committed, scan.found.length);
}

function finish(state: RaftState, scan: BootScan): void {
  state.bootScan = null;
  const committed = scan.found[Math.max(scan.found.length - 1, scan.committed) - 1];
  if (committed !== undefined) followCommit(state, committed);
}
