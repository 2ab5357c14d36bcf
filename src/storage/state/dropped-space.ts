/**
 * @module
 * The space of rows that were dropped, and how it comes back. LevelDB keeps a deleted row in its tables until it merges
 * them, and it merges only as more is written: a store at rest would keep for ever what it has dropped.
 *
 * One merge of a range does it in small steps of LevelDB's own, between which a full write buffer comes first. It has one
 * thread for that in the whole process, the log's included, and merges of its own choice wait behind. So a range is merged
 * in pieces, and none while so much is written that LevelDB merges anyway.
 */

import { afterRevision, compareBytes, historyKey, rangeOf, rowPrefixes } from "../../kv/keys.ts";
import type { StateStorage } from "./state-storage.ts";

/** Rows in files, and what is to be known of these. */
export interface SpacedRows extends Pick<StateStorage, "write"> {
  /** Of all rows written on this handle. */
  readonly writtenBytes: number;
  /** Roughly what rows with keys in [from, to) take in files, deleted ones included; what is still in memory is not counted. */
  filedBytes(from: Uint8Array, to: Uint8Array): Promise<number>;
  /** Merges the files that have keys in [from, to), so that what was deleted leaves them, unless an open snapshot still shows it. */
  reclaim(from: Uint8Array, to: Uint8Array): Promise<void>;
}

export interface SpaceBounds {
  /** Less than that is left where it is. */
  readonly bytesMin: number;
  /** What is merged at once, in bytes of files. */
  readonly stepBytesMax: number;
  /** When more was written since the last step, LevelDB merges by itself. */
  readonly busyBytesMin: number;
}

/** A step of 32 MiB took 190 ms at most; a synced write of the log beside it 5 ms, a batch of the state 24 ms. */
const spaceBounds: SpaceBounds = {
  bytesMin: 16 * 1024 * 1024,
  stepBytesMax: 32 * 1024 * 1024,
  busyBytesMin: 16 * 1024 * 1024,
};

/** Where rows are larger than a step, or all in one place, a piece is larger, or the next one smaller. */
const halvingsMax = 64;

/** `later`: there is something to do, and this is not the time for it. */
export type SpaceStep = "done" | "more" | "later";

interface Range {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

export class DroppedSpace {
  readonly #rows: SpacedRows;
  readonly #bounds: SpaceBounds;
  #historyFrom: number;
  /** Of keys whose rows were dropped since all current rows were merged last, as long as this process knows. */
  #deletedBytes = 0;
  /** While current rows are being merged: those below are done. */
  #mergedTo: Uint8Array | null = null;
  #writtenBytes: number;

  constructor(rows: SpacedRows, historyFrom: number, bounds: SpaceBounds = spaceBounds) {
    this.#rows = rows;
    this.#bounds = bounds;
    this.#historyFrom = historyFrom;
    this.#writtenBytes = rows.writtenBytes;
  }

  /** `deletedBytes`: what those keys held whose rows are dropped together with this history. */
  onDropped(historyFrom: number, deletedBytes: number): void {
    this.#historyFrom = historyFrom;
    this.#deletedBytes += deletedBytes;
  }

  /** Merges one piece at most; one call at a time. Rejects with a StorageError. */
  async step(): Promise<SpaceStep> {
    const written = this.#rows.writtenBytes - this.#writtenBytes;
    this.#writtenBytes += written;
    if (written >= this.#bounds.busyBytesMin) return "later";
    const history = await this.#stepOfHistory();
    return history === "done" ? this.#stepOfCurrent() : history;
  }

  /** All chunks below `historyFrom` are dropped, so what lies there in files is nothing but dropped rows. */
  async #stepOfHistory(): Promise<SpaceStep> {
    const { from } = rangeOf(rowPrefixes.history);
    const to = historyKey({ revision: this.#historyFrom, ordinal: 0 });
    if ((await this.#rows.filedBytes(from, to)) < this.#bounds.bytesMin) return "done";
    const piece = await this.#pieceOf({ from, to });
    if (await this.#reclaimMost(piece)) return "more";
    // These were merged already while a snapshot or a listing still showed them. LevelDB merges its last level only with
    // what lies above, so something has to: deletions of nothing, at both ends.
    const last = piece.to === to ? historyKey(afterRevision(this.#historyFrom - 1)) : piece.to;
    await this.#rows.write([
      { key: piece.from, value: null },
      { key: last, value: null },
    ]);
    return (await this.#reclaimMost(piece)) ? "more" : "later";
  }

  /** Gives whether less than half of it is left. */
  async #reclaimMost({ from, to }: Range): Promise<boolean> {
    const before = await this.#rows.filedBytes(from, to);
    await this.#rows.reclaim(from, to);
    return (await this.#rows.filedBytes(from, to)) < before / 2;
  }

  /** Live rows among the dropped ones have to be written anew: done only where that is the lesser part. */
  async #stepOfCurrent(): Promise<SpaceStep> {
    const { from, to } = rangeOf(rowPrefixes.current);
    if (this.#mergedTo === null) {
      if (this.#deletedBytes < this.#bounds.bytesMin) return "done";
      if (this.#deletedBytes < (await this.#rows.filedBytes(from, to)) / 2) return "done";
      this.#deletedBytes = 0;
    }
    const piece = await this.#pieceOf({ from: this.#mergedTo ?? from, to });
    await this.#rows.reclaim(piece.from, piece.to);
    this.#mergedTo = compareBytes(piece.to, to) < 0 ? piece.to : null;
    return this.#mergedTo === null ? "done" : "more";
  }

  /** The beginning of a range, about as much of it as may be merged at once. */
  async #pieceOf(range: Range): Promise<Range> {
    const { stepBytesMax } = this.#bounds;
    const bytesUpTo = (to: Uint8Array): Promise<number> => this.#rows.filedBytes(range.from, to);
    if ((await bytesUpTo(range.to)) <= stepBytesMax) return range;
    let [low, high] = [range.from, range.to];
    for (let round = 0; round < halvingsMax; round++) {
      const middle = between(low, high);
      if (middle === null) break;
      const bytes = await bytesUpTo(middle);
      if (bytes > stepBytesMax) high = middle;
      else low = middle;
      if (bytes > stepBytesMax / 2 && bytes <= stepBytesMax) break;
    }
    return { from: range.from, to: low === range.from ? high : low };
  }
}

/** Bytes of keys that are taken for digits at once. */
const digits = 6;

/** A key about half-way from one to the other, as if bytes were digits; null when they are too close for that. */
export function between(low: Uint8Array, high: Uint8Array): Uint8Array | null {
  let shared = 0;
  while (shared < high.byteLength && (low[shared] ?? 0) === high[shared]) shared++;
  const number = (key: Uint8Array): number => {
    let value = 0;
    for (let at = shared; at < shared + digits; at++) value = value * 256 + (key[at] ?? 0);
    return value;
  };
  const [from, to] = [number(low), number(high)];
  let middle = Math.floor((from + to) / 2);
  if (middle <= from) return null;
  const key = new Uint8Array(shared + digits);
  key.set(high.subarray(0, shared));
  for (let at = shared + digits - 1; at >= shared; at--) {
    key[at] = middle % 256;
    middle = Math.floor(middle / 256);
  }
  return key;
}
