/**
 * @module
 * What the log store keeps in memory of the log on disk: its ends, its terms, where its records begin.
 */

import type { HardState } from "../../raft/types.ts";
import { entryKeyBytes, firstLane } from "./key.ts";
import type { LogStart } from "./meta.ts";
import { type ChainLink, firstLink, type Run } from "./record.ts";
import { RecordStarts } from "./record-starts.ts";
import { TermRuns } from "./term-runs.ts";

/** Changed by the one write under way; start ≤ last. */
export interface LogImage {
  hardState: HardState;
  start: LogStart;
  /** The last entry, the start when there is none. */
  last: ChainLink;
  terms: TermRuns;
  starts: RecordStarts;
}

/** A log with no entries: a new one, or one whose entries are still to be read. */
export function initialImage(
  start: LogStart = { lane: firstLane, link: firstLink({ index: 0, term: 0, time: 0 }), snapshot: null },
  hardState: HardState = { currentTerm: 0, votedFor: null },
): LogImage {
  const { link } = start;
  return { hardState, start, last: link, terms: new TermRuns(link), starts: new RecordStarts(link.index) };
}

/** The log ends with this record now, which follows the last one. */
export function addRecord(image: LogImage, { firstIndex, entries, link }: Run, recordBytes: number): void {
  for (const [offset, [term]] of entries.entries()) image.terms.append({ index: firstIndex + offset, term });
  image.starts.append(link.index, recordBytes + entryKeyBytes);
  image.last = link;
}
