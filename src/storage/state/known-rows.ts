/**
 * @module
 * Rows as commands read them: those that were written lately out of memory, those that surely are not there not at all, all
 * others from disk.
 *
 * To find that a key is new, LevelDB looks into a file of each level and into every one of its lowest, and counts that
 * against them: after a thousand such looks a file is merged with the next level, long before it would have to be. So puts
 * of new keys cost twice the compaction of puts over known ones. A filter in memory knows better. The same holds, to a smaller degree, of
 * keys that are there and were written some time ago.
 */

import { rangeOf, rowPrefixes } from "../../kv/keys.ts";
import type { RowChange, RowReader } from "../../kv/row.ts";
import { BloomFilter } from "./bloom-filter.ts";
import { hashOfKey } from "./key-hash.ts";
import { RecentRows } from "./recent-rows.ts";

/** Rows that clients name: only these are asked for before they are made. */
const coveredPrefixes: readonly number[] = [rowPrefixes.current, rowPrefixes.session];

export interface KnownRowsLimits {
  /** Of memory; a state with more keys than fit is read without a filter. */
  readonly filterBytesMax: number;
  /** On disk, of the rows that are covered: reading more for their keys would keep the disk from others for too long. */
  readonly learnBytesMax: number;
  /** Rows that went before the filter is made anew, when they are also half of those that came. */
  readonly removedMin: number;
  /** Of memory, for rows that were written last; a power of two, from 8 KiB on. */
  readonly recentBytes: number;
}

export const knownRowsDefaults: KnownRowsLimits = {
  filterBytesMax: 16 * 1024 * 1024,
  learnBytesMax: 1024 * 1024 * 1024,
  removedMin: 100_000,
  recentBytes: 4 * 1024 * 1024,
};

export interface KnownRowsStorage extends RowReader {
  /** The rows are among `keys` that are asked for once it has resolved. */
  write(rows: readonly RowChange[]): Promise<void>;
  keys(from: Uint8Array, to: Uint8Array): AsyncIterable<readonly Uint8Array[]>;
  /** In files; what is in memory yet does not count. */
  filedBytes(from: Uint8Array, to: Uint8Array): Promise<number>;
}

export class KnownRows implements RowReader {
  readonly #storage: KnownRowsStorage;
  readonly #limits: KnownRowsLimits;
  readonly #fail: (cause: unknown) => void;
  readonly #recent: RecentRows;
  /** Holds the key of every covered row; null while it does not. */
  #whole: BloomFilter | null = null;
  /** Will hold them once all have been read. */
  #learning: BloomFilter | null = null;
  /** Never rejects. */
  #learnt: Promise<void> = Promise.resolve();
  /** Settles once all writes so far have; never rejects. */
  #written: Promise<void> = Promise.resolve();
  #removed = 0;
  #isClosed = false;

  /** Begins to read the keys. No write may be under way; `fail` is told when the keys cannot be read. */
  constructor(storage: KnownRowsStorage, fail: (cause: unknown) => void, limits: KnownRowsLimits = knownRowsDefaults) {
    this.#storage = storage;
    this.#fail = fail;
    this.#limits = limits;
    this.#recent = new RecentRows(limits.recentBytes);
    this.#learn();
  }

  get(key: Uint8Array): Uint8Array | undefined {
    if (!isCovered(key)) return this.#storage.get(key);
    const hash = hashOfKey(key);
    const recent = this.#recent.get(key, hash);
    if (recent !== undefined) return recent;
    if (this.#whole !== null && !this.#whole.mayHold(hash)) return undefined;
    return this.#storage.get(key);
  }

  /** Writes the rows. Rows that clients name are written nowhere else. */
  async write(rows: readonly RowChange[]): Promise<void> {
    // Before these rows are noted, so that they are noted in what is learnt, too: they may be written while it is.
    if (this.#isWorn()) this.#learn();
    this.#note(rows);
    const writing = this.#storage.write(rows);
    // Resolved with nothing: what `allSettled` gives would hold that of every write before.
    this.#written = Promise.allSettled([this.#written, writing]).then(() => undefined);
    await writing;
  }

  #note(rows: readonly RowChange[]): void {
    for (const { key, value } of rows) {
      if (!isCovered(key)) continue;
      const hash = hashOfKey(key);
      this.#recent.set(key, hash, value);
      if (value === null) this.#removed += 1;
      else this.#add(hash);
    }
  }

  /** Resolves once every key has been read, or none is any more. */
  learnt(): Promise<void> {
    return this.#learnt;
  }

  /** Resolves once nothing is read from the storage here any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#learnt;
  }

  /** Whether so many keys are in it whose rows went that it says little of those that are left. */
  #isWorn(): boolean {
    if (this.#whole === null || this.#learning !== null) return false;
    return this.#removed >= Math.max(this.#limits.removedMin, this.#whole.size / 2);
  }

  #learn(): void {
    this.#learning = new BloomFilter();
    this.#removed = 0;
    this.#learnt = this.#readKeys(this.#written).catch((cause: unknown) => {
      this.#giveUp();
      if (!this.#isClosed) this.#fail(cause);
    });
  }

  /** `written`: what was written before, and is in the new filter only by being read. */
  async #readKeys(written: Promise<void>): Promise<void> {
    await written;
    const ranges = coveredPrefixes.map(rangeOf);
    let bytes = 0;
    for (const { from, to } of ranges) bytes += await this.#storage.filedBytes(from, to);
    if (bytes > this.#limits.learnBytesMax) return this.#giveUp();
    for (const { from, to } of ranges) {
      for await (const keys of this.#storage.keys(from, to)) {
        if (this.#isClosed || this.#learning === null) return;
        for (const key of keys) this.#add(hashOfKey(key));
      }
    }
    this.#whole = this.#learning;
    this.#learning = null;
  }

  #add(hash: number): void {
    this.#whole?.add(hash);
    this.#learning?.add(hash);
    const { filterBytesMax } = this.#limits;
    if ((this.#learning ?? this.#whole ?? none).bytes > filterBytesMax) this.#giveUp();
  }

  /** From now on every row is asked for. */
  #giveUp(): void {
    this.#whole = null;
    this.#learning = null;
  }
}

const none = { bytes: 0 };

function isCovered(key: Uint8Array): boolean {
  return coveredPrefixes.includes(key[0] ?? 0);
}
