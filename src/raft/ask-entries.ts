/**
 * @module
 * Asking the disk for entries that are no longer in memory. Only what waits for them waits.
 */

import type { RaftState } from "./state.ts";
import type { LogIndex } from "./types.ts";

/** Asks for entries of [from, to), as many as one append takes. Answered by `entriesRead` with the same `from`. */
export function askEntries(state: RaftState, from: LogIndex, to: LogIndex): void {
  const asked = state.outbox.readEntries.some((ask) => ask.from === from);
  if (!asked) state.outbox.readEntries.push({ from, to, bytesMax: state.options.appendBytesMax });
}
