/**
 * @module
 * How many bytes a stretch of the log takes, roughly: a sample every so many entries, straight lines between.
 */

import type { LogIndex } from "../../raft/types.ts";

const entriesPerSample = 256;

interface Sample {
  readonly index: LogIndex;
  /** Bytes of all entries up to and with `index`, counted from where the ruler began. */
  readonly bytes: number;
}

/** Exact at its ends, an estimate where a stretch was cut off between two samples. */
export class ByteRuler {
  /** Ascending, never empty; the first is at or below the start. */
  #samples: Sample[];
  #start: Sample;
  #last: Sample;

  constructor(startIndex: LogIndex) {
    this.#start = { index: startIndex, bytes: 0 };
    this.#last = this.#start;
    this.#samples = [this.#start];
  }

  /** Bytes of the entries above the start. */
  get bytes(): number {
    return this.#last.bytes - this.#start.bytes;
  }

  /** Counts the entry after the last one. */
  append(bytes: number): void {
    this.#last = { index: this.#last.index + 1, bytes: this.#last.bytes + bytes };
    if (this.#last.index % entriesPerSample === 0) this.#samples.push(this.#last);
  }

  /** Drops the entries from `fromIndex` on. */
  truncate(fromIndex: LogIndex): void {
    if (fromIndex > this.#last.index) return;
    this.#last = this.#sampleAt(fromIndex - 1);
    this.#samples = this.#samples.filter(({ index }) => index < fromIndex);
  }

  /** Moves the start up to `index`. */
  compact(index: LogIndex): void {
    this.#start = this.#sampleAt(index);
    const kept = this.#samples.findLastIndex((sample) => sample.index <= index);
    this.#samples = this.#samples.slice(Math.max(0, kept));
  }

  #sampleAt(index: LogIndex): Sample {
    const below = this.#samples.findLast((sample) => sample.index <= index) ?? this.#start;
    const above = this.#samples.find((sample) => sample.index > index) ?? this.#last;
    if (above.index <= below.index) return { index, bytes: below.bytes };
    const share = (index - below.index) / (above.index - below.index);
    return { index, bytes: Math.round(below.bytes + share * (above.bytes - below.bytes)) };
  }
}
