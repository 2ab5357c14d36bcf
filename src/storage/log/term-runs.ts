/**
 * @module
 * The terms of a whole log in little memory: terms only grow along it, so a few runs say them all (§5.3).
 */

import { assert } from "../../errors/assert.ts";
import type { EntryId, LogIndex, Term, TermRun } from "../../raft/types.ts";

/** Runs of the entries above `start`, ascending; each entry's term is that of the last run at or before it. */
export class TermRuns {
  #start: EntryId;
  #runs: TermRun[] = [];
  #lastIndex: LogIndex;

  constructor(start: EntryId) {
    this.#start = start;
    this.#lastIndex = start.index;
  }

  toArray(): readonly TermRun[] {
    return [...this.#runs];
  }

  append({ index, term }: EntryId): void {
    assert(index === this.#lastIndex + 1, "entries are appended without a gap");
    const lastTerm = this.#runs.at(-1)?.term ?? this.#start.term;
    assert(term >= lastTerm, "terms never fall along a log (§5.3)");
    if (this.#runs.length === 0 || term > lastTerm) this.#runs.push({ term, firstIndex: index });
    this.#lastIndex = index;
  }

  /** The term at `index`, from the start's own to the last entry's. */
  termAt(index: LogIndex): Term {
    assert(index >= this.#start.index && index <= this.#lastIndex, "the log knows the term of what it holds");
    if (index === this.#start.index) return this.#start.term;
    const run = this.#runs.findLast(({ firstIndex }) => firstIndex <= index);
    assert(run !== undefined, "every entry above the start is in a run");
    return run.term;
  }

  /** Drops the entries from `fromIndex` on. */
  truncate(fromIndex: LogIndex): void {
    assert(fromIndex > this.#start.index, "only entries above the start can be dropped");
    this.#runs = this.#runs.filter(({ firstIndex }) => firstIndex < fromIndex);
    this.#lastIndex = Math.min(this.#lastIndex, fromIndex - 1);
  }

  /** Moves the start up to `index`. */
  compact(index: LogIndex): void {
    this.#start = { index, term: this.termAt(index) };
    const above = this.#runs.filter(({ firstIndex }) => firstIndex > index + 1);
    const first = this.#lastIndex > index ? [{ term: this.#termOfFirst(index + 1), firstIndex: index + 1 }] : [];
    this.#runs = [...first, ...above];
  }

  #termOfFirst(index: LogIndex): Term {
    const run = this.#runs.findLast(({ firstIndex }) => firstIndex <= index);
    assert(run !== undefined, "every entry above the start is in a run");
    return run.term;
  }
}
