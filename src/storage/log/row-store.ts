/**
 * @module
 * Ordered rows of bytes, as far as the log needs them: LevelDB on a disk, a map in memory.
 */

import type { KeyRange } from "./key.ts";

export interface Row {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Puts and deletes that are written together; later ones win. Bytes are copied when given. */
export interface RowBatch {
  put(key: Buffer, value: Buffer): void;
  del(key: Buffer): void;
  /** Atomic. Durable when it resolves if `sync`. */
  write(options: { readonly sync: boolean }): Promise<void>;
}

/** Reads the rows as they stood when it was made. */
export interface RowCursor {
  /** The next rows, in order of keys; none at the end. */
  next(): Promise<readonly Row[]>;
  close(): Promise<void>;
}

export interface RowStore {
  /** Names the rows to an operator: the directory. */
  readonly place: string;
  open(): Promise<void>;
  get(key: Buffer): Buffer | undefined;
  batch(): RowBatch;
  /** A row at a time when `bytesPerReadMax` is small, many when it is large. Close it. */
  rows(range: KeyRange, bytesPerReadMax: number): RowCursor;
  /** The first keys of the range, at most `limit`. */
  keys(range: KeyRange, limit: number): Promise<readonly Buffer[]>;
  /** Removes what the range holds; not synced, and not at one moment. */
  clear(range: KeyRange): Promise<void>;
  /** Gives back the space of deleted rows in the range: deletes alone only add to it. Reads and writes go on. */
  reclaim(range: KeyRange): Promise<void>;
  close(): Promise<void>;
}
