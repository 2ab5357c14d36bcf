/**
 * @module
 * The term of every entry of the whole log, as runs: a few numbers where entries themselves are on disk.
 */

import { assert, itemAt } from "./assert.ts";
import type { EntryId, LogIndex, Term, TermRun } from "./types.ts";

/** Where the runs begin and end. Entries are those in (startIndex, lastIndex]. */
export interface TermRuns {
  /** The entry before the first one, by index and term; 0 and 0 on a whole log. */
  startIndex: LogIndex;
  startTerm: Term;
  /** Ascending in both fields; empty when there are no entries. */
  runs: TermRun[];
  lastIndex: LogIndex;
}

/** The term at an index from `startIndex` to `lastIndex`; null elsewhere. */
export function termAt(log: TermRuns, index: LogIndex): Term | null {
  if (index > log.lastIndex || index < log.startIndex) return null;
  if (index === log.startIndex) return log.startTerm;
  return itemAt(log.runs, positionOf(log.runs, index)).term;
}

export function lastTermOf(log: TermRuns): Term {
  return log.runs.at(-1)?.term ?? log.startTerm;
}

/** Adds one entry at the end. */
export function addTerm(log: TermRuns, id: EntryId): void {
  assert(id.index === log.lastIndex + 1, "entries follow each other without a gap");
  const term = lastTermOf(log);
  assert(id.term >= term, "terms never decrease along a log");
  if (id.term !== term || log.runs.length === 0) log.runs.push({ term: id.term, firstIndex: id.index });
  log.lastIndex = id.index;
}

/** Forgets the entries from `index` on. */
export function truncateTerms(log: TermRuns, index: LogIndex): void {
  while ((log.runs.at(-1)?.firstIndex ?? 0) >= index) log.runs.pop();
  log.lastIndex = index - 1;
}

/** Forgets the entries up to and with `index`. */
export function compactTerms(log: TermRuns, index: LogIndex): void {
  const term = termAt(log, index);
  assert(term !== null, "a log is compacted at one of its entries");
  const kept = index === log.lastIndex ? [] : log.runs.slice(positionOf(log.runs, index + 1));
  const first = kept[0];
  if (first !== undefined) kept[0] = { term: first.term, firstIndex: Math.max(first.firstIndex, index + 1) };
  log.runs = kept;
  log.startIndex = index;
  log.startTerm = term;
}

/**
 * The last entry at or below `from` whose term is at most `term`: above it, no log that holds `term` there
 * can agree with this one. Beyond the known log it gives the index itself, with term 0 for "unknown".
 */
export function lastEntryAtOrBelowTerm(log: TermRuns, from: LogIndex, term: Term): EntryId {
  if (from > log.lastIndex || from < log.startIndex) return { index: from, term: 0 };
  let index = from;
  for (let position = index > log.startIndex ? positionOf(log.runs, index) : -1; position >= 0; position -= 1) {
    const run = itemAt(log.runs, position);
    if (run.term <= term) return { index, term: run.term };
    index = run.firstIndex - 1;
  }
  if (log.startTerm <= term) return { index: log.startIndex, term: log.startTerm };
  return { index: Math.max(log.startIndex - 1, 0), term: 0 };
}

/** The run that holds `index`, which must be an entry's; nearly always the last one. */
function positionOf(runs: readonly TermRun[], index: LogIndex): number {
  let low = 0;
  let high = runs.length - 1;
  if (itemAt(runs, high).firstIndex <= index) return high;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (itemAt(runs, middle).firstIndex <= index) low = middle;
    else high = middle - 1;
  }
  return low;
}
