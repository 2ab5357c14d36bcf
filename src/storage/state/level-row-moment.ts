/**
 * @module
 * The rows of one moment in LevelDB: a snapshot of it, and iterators on that snapshot.
 */

import { StorageError } from "../../errors/balsa-error.ts";
import type { Row, Scan } from "../../kv/row.ts";
import { MomentClosedError } from "../../kv/state-view.ts";
import { errorCode } from "../files.ts";
import type { StateDatabase } from "./level-state-storage.ts";
import { cursorBytes, type RowCursor, type RowMoment } from "./state-storage.ts";

interface RowIterator {
  nextv(size: number): Promise<[Uint8Array, Uint8Array][]>;
  close(): Promise<void>;
}

/** What LevelDB says once the database was closed, and with it all that was open on it. */
const closedCodes: ReadonlySet<string> = new Set([
  "LEVEL_DATABASE_NOT_OPEN",
  "LEVEL_ITERATOR_NOT_OPEN",
  "LEVEL_SNAPSHOT_NOT_OPEN",
]);

export class LevelRowMoment implements RowMoment {
  readonly #database: StateDatabase;
  readonly #snapshot: ReturnType<StateDatabase["snapshot"]>;

  constructor(database: StateDatabase) {
    this.#database = database;
    this.#snapshot = reading(database, () => database.snapshot());
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return reading(this.#database, () => this.#database.getSync(key, { snapshot: this.#snapshot }));
  }

  scan({ from, to, order }: Scan): RowCursor {
    const options = { gte: from, lt: to, reverse: order === "desc", highWaterMarkBytes: cursorBytes };
    const iterator: RowIterator = reading(this.#database, () =>
      this.#database.iterator({ ...options, snapshot: this.#snapshot }),
    );
    return new LevelRowCursor(this.#database, iterator);
  }

  async close(): Promise<void> {
    await this.#snapshot.close();
  }
}

class LevelRowCursor implements RowCursor {
  readonly #database: StateDatabase;
  readonly #iterator: RowIterator;

  constructor(database: StateDatabase, iterator: RowIterator) {
    this.#database = database;
    this.#iterator = iterator;
  }

  async next(rowsMax: number): Promise<readonly Row[]> {
    try {
      const entries = await this.#iterator.nextv(rowsMax);
      return entries.map(([key, value]) => ({ key, value }));
    } catch (cause) {
      throw readError(this.#database, cause);
    }
  }

  async close(): Promise<void> {
    await this.#iterator.close();
  }
}

function reading<Result>(database: StateDatabase, read: () => Result): Result {
  try {
    return read();
  } catch (cause) {
    throw readError(database, cause);
  }
}

function readError(database: StateDatabase, cause: unknown): Error {
  if (closedCodes.has(errorCode(cause))) return new MomentClosedError();
  return new StorageError(`cannot read the state in ${database.location}`, { cause });
}
