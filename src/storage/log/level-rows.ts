/**
 * @module
 * The rows of a log in LevelDB.
 *
 * Chained batches, since an array of operations costs twice as much in the calling thread. No compression: a
 * log is written once and hardly read. 8 MiB of write buffer, of which two may be in memory.
 */

import { Level } from "level";
import { StorageError } from "../../errors/balsa-error.ts";
import { explainOpenFailure } from "../data-directory.ts";
import { errorCode, makeDirectoryDurably } from "../files.ts";
import type { KeyRange } from "./key.ts";
import type { Row, RowBatch, RowCursor, RowStore } from "./row-store.ts";

const options = {
  keyEncoding: "buffer",
  valueEncoding: "buffer",
  compression: false,
  writeBufferSize: 8 * 1024 * 1024,
  // A table is written block by block, a system call each, and read from end to end.
  blockSize: 64 * 1024,
  cacheSize: 1024 * 1024,
} as const;

/** Rows that one read of a cursor gives at most. */
const rowsPerRead = 1000;

export class LevelRows implements RowStore {
  readonly place: string;
  readonly #level: Level<Buffer, Buffer>;

  /** `directory` is a real path: two spellings of one directory would be two databases on it. */
  constructor(directory: string) {
    this.place = directory;
    this.#level = new Level<Buffer, Buffer>(directory, options);
  }

  /** Throws `StartError` when another process has it open, `StorageError` when it cannot be opened. */
  async open(): Promise<void> {
    await makeDirectoryDurably(this.place);
    try {
      await this.#level.open();
    } catch (cause) {
      throw explainOpenFailure(this.place, cause);
    }
  }

  async close(): Promise<void> {
    await this.#orStorageError("cannot be closed", () => this.#level.close());
  }

  get(key: Buffer): Buffer | undefined {
    try {
      return this.#level.getSync(key);
    } catch (cause) {
      throw this.#failure("cannot be read", cause);
    }
  }

  batch(): RowBatch {
    const batch = this.#level.batch();
    return {
      put: (key, value) => void batch.put(key, value),
      del: (key) => void batch.del(key),
      write: (writeOptions) => this.#orStorageError("cannot be written", () => batch.write(writeOptions)),
    };
  }

  rows({ from, to }: KeyRange, bytesPerReadMax: number): RowCursor {
    const iterator = this.#level.iterator({ gte: from, lt: to, highWaterMarkBytes: bytesPerReadMax });
    return {
      next: async () => {
        const read = await this.#orStorageError("cannot be read", () => iterator.nextv(rowsPerRead));
        return read.map(([key, value]): Row => ({ key, value }));
      },
      close: () => this.#orStorageError("cannot be read", () => iterator.close()),
    };
  }

  async keys({ from, to }: KeyRange, limit: number): Promise<readonly Buffer[]> {
    return this.#orStorageError("cannot be read", () => this.#level.keys({ gte: from, lt: to, limit }).all());
  }

  /** LevelDB's binding does it on a thread of its pool: no key comes to this one. */
  async clear({ from, to }: KeyRange): Promise<void> {
    await this.#orStorageError("cannot be written", () => this.#level.clear({ gte: from, lt: to }));
  }

  async reclaim({ from, to }: KeyRange): Promise<void> {
    // The types of `level` leave out what browsers lack; on Node it is a ClassicLevel.
    const level = this.#level as unknown as { compactRange(from: Buffer, to: Buffer): Promise<void> };
    await this.#orStorageError("cannot be compacted", () => level.compactRange(from, to));
  }

  async #orStorageError<Result>(what: string, call: () => Promise<Result>): Promise<Result> {
    try {
      return await call();
    } catch (cause) {
      throw this.#failure(what, cause);
    }
  }

  #failure(what: string, cause: unknown): StorageError {
    const text = cause instanceof Error ? cause.message : String(cause);
    return new StorageError(`${this.place} ${what}: ${errorCode(cause)} ${text}`, { cause });
  }
}
