/**
 * @module
 * Where the records of the log begin, and how many bytes they take.
 */

import { assert } from "../../errors/assert.ts";
import type { LogIndex } from "../../raft/types.ts";

/**
 * The records above the start, which follow each other without a gap. 16 bytes a record: less than half of what the
 * smallest one takes on disk, and 16 KiB for 64 MiB of full ones.
 */
export class RecordStarts {
  /** The first index of each, ascending. */
  #firsts: LogIndex[] = [];
  /** Bytes up to the end of each, counted from where this began. */
  #bytesTo: number[] = [];
  #lastIndex: LogIndex;
  /** Bytes up to the start. */
  #bytesBelow = 0;

  constructor(startIndex: LogIndex) {
    this.#lastIndex = startIndex;
  }

  /** Bytes of all records. */
  get bytes(): number {
    return this.#bytesUpTo(this.#firsts.length) - this.#bytesBelow;
  }

  /** The record after the last one, with its entries up to `lastIndex`. */
  append(lastIndex: LogIndex, bytes: number): void {
    assert(lastIndex > this.#lastIndex, "a record holds an entry");
    this.#bytesTo.push(this.#bytesUpTo(this.#firsts.length) + bytes);
    this.#firsts.push(this.#lastIndex + 1);
    this.#lastIndex = lastIndex;
  }

  /** The first index of the record that holds the entry. */
  firstOf(index: LogIndex): LogIndex {
    const first = this.#firsts[this.#positionOf(index)];
    assert(first !== undefined && index <= this.#lastIndex, "a record holds every entry above the start");
    return first;
  }

  /** Does a record begin with this entry? */
  has(first: LogIndex): boolean {
    return this.#firsts[this.#positionOf(first)] === first;
  }

  /** Where the log can start, at or below `index`: where a record ends. */
  endAtOrBelow(index: LogIndex): LogIndex {
    return index >= this.#lastIndex ? this.#lastIndex : this.firstOf(index + 1) - 1;
  }

  /** Drops the record that begins with `first` and all after it. Gives their first indices. */
  dropFrom(first: LogIndex): readonly LogIndex[] {
    assert(this.has(first), "whole records are dropped");
    const position = this.#positionOf(first);
    this.#bytesTo.length = position;
    this.#lastIndex = first - 1;
    return this.#firsts.splice(position);
  }

  /** Moves the start up to `index`, where a record ends. */
  compact(index: LogIndex): void {
    assert(index === this.endAtOrBelow(index), "whole records are compacted");
    const count = index === this.#lastIndex ? this.#firsts.length : this.#positionOf(index + 1);
    this.#bytesBelow = this.#bytesUpTo(count);
    this.#firsts = this.#firsts.slice(count);
    this.#bytesTo = this.#bytesTo.slice(count);
  }

  /** Bytes up to the end of the first `count` records. */
  #bytesUpTo(count: number): number {
    return count === 0 ? this.#bytesBelow : (this.#bytesTo[count - 1] ?? 0);
  }

  /** Of the last record that begins at or below `index`; -1 when none does. */
  #positionOf(index: LogIndex): number {
    let from = 0;
    let to = this.#firsts.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#firsts[middle] ?? 0) <= index) from = middle + 1;
      else to = middle;
    }
    return from - 1;
  }
}
