/**
 * @module
 * The state's rows in LevelDB.
 *
 * Rows go through a chained batch: 1.5 µs of the thread a row, where `batch(array)` takes 5 to 7. Between write
 * buffers of 16, 32 and 64 MiB no difference stood out of the noise, so it is the one that costs least memory and
 * that the numbered rows surely cover (src/kv/meta.ts).
 */

import { Level } from "level";
import { StorageError } from "../../errors/balsa-error.ts";
import type { RowChange } from "../../kv/row.ts";
import type { SpacedRows } from "./dropped-space.ts";
import type { Row, RowRange, StateSnapshot, StateStorage } from "./state-storage.ts";

export type StateDatabase = Level<Uint8Array, Uint8Array>;

export interface StateDatabaseOptions {
  readonly keyEncoding: "view";
  readonly valueEncoding: "view";
  readonly multithreading: true;
  readonly writeBufferSize: number;
  readonly cacheSize: number;
  readonly compression: boolean;
  readonly blockSize: number;
}

/**
 * For every handle on a generation of the state, in any thread. LevelDB takes buffer and cache of the first
 * one that opens a path, which is main's.
 */
export const stateDatabaseOptions: StateDatabaseOptions = {
  keyEncoding: "view",
  valueEncoding: "view",
  multithreading: true,
  writeBufferSize: 16 * 1024 * 1024,
  cacheSize: 16 * 1024 * 1024,
  compression: false,
  // Compaction writes each block by a system call of its own; a cold read fetches one.
  blockSize: 16 * 1024,
};

const rowsAtOnce = 1000;
const readAheadBytes = 1024 * 1024;

/** `path` is a real path whose keeper main has opened, and stays open longer than this handle. */
export async function openStateDatabase(path: string): Promise<StateDatabase> {
  const database: StateDatabase = new Level(path, { ...stateDatabaseOptions });
  await failing(`cannot open the state in ${path}`, () => database.open());
  return database;
}

/**
 * The types of `level` leave out what browsers lack; on Node it is a ClassicLevel. It takes a key that is no Buffer for
 * an empty one here, and an empty one for no bound.
 */
interface FiledDatabase {
  approximateSize(from: Buffer, to: Buffer): Promise<number>;
  compactRange(from: Buffer, to: Buffer): Promise<void>;
}

export class LevelStateStorage implements StateStorage, SpacedRows {
  readonly #database: StateDatabase;
  #writtenBytes = 0;
  /** Once a write was rejected, nothing is written on this handle any more. */
  #failed = false;

  /** `database` is open, and closed with this. */
  constructor(database: StateDatabase) {
    this.#database = database;
  }

  /** As `openStateDatabase`. */
  static async open(path: string): Promise<LevelStateStorage> {
    return new LevelStateStorage(await openStateDatabase(path));
  }

  get(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.#database.getSync(key);
    } catch (cause) {
      throw new StorageError(`cannot read the state in ${this.#database.location}`, { cause });
    }
  }

  async write(rows: readonly RowChange[]): Promise<void> {
    await this.#write(rows, false);
  }

  /** As `write`, and outlives the machine when it resolves. */
  async writeSynced(rows: readonly RowChange[]): Promise<void> {
    await this.#write(rows, true);
  }

  async read({ from, to, rowsMax, bytesMax, order = "asc" }: RowRange): Promise<readonly Row[]> {
    return failing(`cannot read the state in ${this.#database.location}`, async () => {
      const reverse = order === "desc";
      const iterator = this.#database.iterator({ gte: from, lt: to, reverse, highWaterMarkBytes: readAheadBytes });
      try {
        const found: Row[] = [];
        for (let bytes = 0; found.length < rowsMax && bytes < bytesMax; ) {
          // Rows here may be large: few at a time, so that the bound on bytes is one.
          const entries = await iterator.nextv(Math.min(rowsMax - found.length, 16));
          if (entries.length === 0) break;
          for (const [key, value] of entries) {
            if (found.length > 0 && bytes >= bytesMax) break;
            found.push({ key, value });
            bytes += key.byteLength + value.byteLength;
          }
        }
        return found;
      } finally {
        await iterator.close();
      }
    });
  }

  async *keys(from: Uint8Array, to: Uint8Array): AsyncIterable<readonly Uint8Array[]> {
    const what = `cannot read the state in ${this.#database.location}`;
    const iterator = this.#database.keys({ gte: from, lt: to, highWaterMarkBytes: readAheadBytes });
    try {
      for (;;) {
        const keys = await failing(what, () => iterator.nextv(rowsAtOnce * 4));
        if (keys.length === 0) return;
        yield keys;
      }
    } finally {
      await iterator.close();
    }
  }

  snapshot(): StateSnapshot {
    return new LevelStateSnapshot(this.#database);
  }

  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  async filedBytes(from: Uint8Array, to: Uint8Array): Promise<number> {
    const database = this.#database as unknown as FiledDatabase;
    return failing(`cannot measure the state in ${this.#database.location}`, () =>
      database.approximateSize(bufferOf(from), bufferOf(to)),
    );
  }

  async reclaim(from: Uint8Array, to: Uint8Array): Promise<void> {
    const database = this.#database as unknown as FiledDatabase;
    await failing(`cannot compact the state in ${this.#database.location}`, () =>
      database.compactRange(bufferOf(from), bufferOf(to)),
    );
  }

  async close(): Promise<void> {
    await failing(`cannot close the state in ${this.#database.location}`, () => this.#database.close());
  }

  async #write(rows: readonly RowChange[], sync: boolean): Promise<void> {
    if (this.#failed) throw new StorageError("a write of the state has failed before: nothing is written after it");
    const batch = this.#database.batch();
    for (const { key, value } of rows) {
      if (value === null) batch.del(key);
      else batch.put(key, value);
      this.#writtenBytes += key.byteLength + (value?.byteLength ?? 0);
    }
    try {
      await batch.write({ sync });
    } catch (cause) {
      this.#failed = true;
      throw new StorageError(`cannot write the state in ${this.#database.location}`, { cause });
    }
  }
}

interface RowIterator {
  nextv(size: number): Promise<[Uint8Array, Uint8Array][]>;
  close(): Promise<void>;
}

class LevelStateSnapshot implements StateSnapshot {
  readonly #database: StateDatabase;
  readonly #snapshot: ReturnType<StateDatabase["snapshot"]>;
  readonly #iterator: RowIterator;

  constructor(database: StateDatabase) {
    this.#database = database;
    this.#snapshot = database.snapshot();
    this.#iterator = database.iterator({ snapshot: this.#snapshot, highWaterMarkBytes: readAheadBytes });
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#database.getSync(key, { snapshot: this.#snapshot });
  }

  async next(bytesMax: number): Promise<readonly Row[]> {
    return failing(`cannot read the state in ${this.#database.location}`, async () => {
      const rows: Row[] = [];
      for (let bytes = 0; bytes < bytesMax; ) {
        const entries = await this.#iterator.nextv(rowsAtOnce);
        if (entries.length === 0) break;
        for (const [key, value] of entries) {
          rows.push({ key, value });
          bytes += key.byteLength + value.byteLength;
        }
      }
      return rows;
    });
  }

  async close(): Promise<void> {
    await this.#iterator.close();
    await this.#snapshot.close();
  }
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

async function failing<Result>(what: string, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof StorageError) throw cause;
    throw new StorageError(what, { cause });
  }
}
