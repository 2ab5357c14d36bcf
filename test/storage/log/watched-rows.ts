/**
 * @module
 * Rows in memory that note what is asked of them, and in which a write or a sweep can be held.
 */

import type { KeyRange } from "../../../src/storage/log/key.ts";
import { MemoryRows } from "../../../src/storage/log/memory-rows.ts";
import type { RowBatch, RowCursor } from "../../../src/storage/log/row-store.ts";

export interface Held {
  readonly reached: Promise<void>;
  readonly release: () => void;
}

/** Waits in `pass` until it is released. */
function gate(): Held & { readonly pass: () => Promise<void> } {
  let reach = (): void => undefined;
  let release = (): void => undefined;
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const pass = (): Promise<void> => {
    reach();
    return released;
  };
  return { reached, release, pass };
}

export class WatchedRows extends MemoryRows {
  /** How each batch was written: whether synced. */
  readonly writes: boolean[] = [];
  readonly reclaimed: KeyRange[] = [];
  /** Where each search for keys began. */
  readonly soughtFrom: Buffer[] = [];
  /** The bytes that each cursor was to read at once. */
  readonly bytesPerRead: number[] = [];
  openCursors = 0;
  /** How often a cursor was asked for its next rows. */
  cursorReads = 0;
  /** How many rows the last batch has put and deleted. */
  lastBatchRows = 0;
  #heldWrite: ReturnType<typeof gate> | null = null;
  #heldClear: ReturnType<typeof gate> | null = null;

  /** The next write is on disk, and answered when it is released. */
  holdNextAnswer(): Held {
    this.#heldWrite = gate();
    return this.#heldWrite;
  }

  /** The next range that is cleared goes when it is released. */
  holdNextClear(): Held {
    this.#heldClear = gate();
    return this.#heldClear;
  }

  override batch(): RowBatch {
    const batch = super.batch();
    let changes = 0;
    return {
      put: (key, value) => {
        changes += 1;
        batch.put(key, value);
      },
      del: (key) => {
        changes += 1;
        batch.del(key);
      },
      write: async (options) => {
        this.writes.push(options.sync);
        this.lastBatchRows = changes;
        await batch.write(options);
        const held = this.#heldWrite;
        this.#heldWrite = null;
        await held?.pass();
      },
    };
  }

  override rows(range: KeyRange, bytesPerReadMax = 0): RowCursor {
    const cursor = super.rows(range);
    this.bytesPerRead.push(bytesPerReadMax);
    this.openCursors += 1;
    const close = (): Promise<void> => {
      this.openCursors -= 1;
      return cursor.close();
    };
    const next = (): ReturnType<RowCursor["next"]> => {
      this.cursorReads += 1;
      return cursor.next();
    };
    return { next, close };
  }

  override keys(range: KeyRange, limit: number): Promise<readonly Buffer[]> {
    this.soughtFrom.push(range.from);
    return super.keys(range, limit);
  }

  override async clear(range: KeyRange): Promise<void> {
    const held = this.#heldClear;
    this.#heldClear = null;
    await held?.pass();
    await super.clear(range);
  }

  override reclaim(range: KeyRange = { from: Buffer.alloc(0), to: Buffer.alloc(0) }): Promise<void> {
    this.reclaimed.push(range);
    return super.reclaim();
  }
}
