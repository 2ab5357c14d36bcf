/**
 * @module
 * The records that the disk holds: read, and believed once they verify.
 */

import { StorageError } from "../../errors/balsa-error.ts";
import type { LogIndex } from "../../raft/types.ts";
import { entryKey, type Lane, laneRange } from "./key.ts";
import {
  type ChainPoint,
  chainHashOf,
  describeFault,
  findFault,
  findFaultAlone,
  openRecord,
  type Run,
} from "./record.ts";
import type { RowStore } from "./row-store.ts";

/** Records that follow each other. */
export interface Stretch {
  readonly lane: Lane;
  /** Where the first of them begins. */
  readonly first: LogIndex;
  /** The point that it follows; or where the record before it begins, which is then read for its chain hash. */
  readonly follows: ChainPoint | LogIndex;
  /** They reach at least to the entry before; null to have all that are there. */
  readonly to: LogIndex | null;
  readonly bytesPerReadMax: number;
}

/** Whatever does not verify is a `StorageError` that names the place and the record's first entry. */
export class RecordReader {
  readonly #rows: RowStore;

  constructor(rows: RowStore) {
    this.#rows = rows;
  }

  /** The record that begins with `first`, at once; of what it says, nothing but that is verified. */
  get(lane: Lane, first: LogIndex): Buffer {
    const record = this.#rows.get(entryKey(lane, first));
    if (record === undefined) throw this.#fault(first, "it is missing");
    return this.#alone(first, record);
  }

  /** What `record` says, which has to follow `previous`. */
  open(previous: ChainPoint, record: Buffer): Run {
    const fault = findFault(previous, record);
    if (fault !== null) throw this.#fault(previous.index + 1, fault);
    return openRecord(record);
  }

  /**
   * Hands what each record says, and its bytes, to `visit` once it is verified, until that says false. The cursor is
   * made before this first waits.
   */
  async walk(stretch: Stretch, visit: (run: Run, recordBytes: number) => boolean): Promise<void> {
    const { lane, first, follows, to } = stretch;
    let next = typeof follows === "number" ? follows : first;
    let previous = typeof follows === "number" ? null : follows;
    const range = { from: entryKey(lane, next), to: to === null ? laneRange(lane).to : entryKey(lane, to) };
    const cursor = this.#rows.rows(range, stretch.bytesPerReadMax);
    try {
      for (let rows = await cursor.next(); rows.length > 0; rows = await cursor.next()) {
        for (const { key, value } of rows) {
          const place = Buffer.compare(key, entryKey(lane, next));
          if (place < 0) throw this.#fault(next, "a row that is no record of this log stands before it");
          if (place > 0) throw this.#fault(next, "it is missing");
          if (previous === null) {
            previous = { index: first - 1, chainHash: chainHashOf(this.#alone(next, value)) };
          } else {
            const run = this.open(previous, value);
            if (!visit(run, value.byteLength)) return;
            previous = run.link;
          }
          next = previous.index + 1;
        }
      }
    } finally {
      await cursor.close();
    }
    if (to !== null && next < to) throw this.#fault(next, "it is missing");
  }

  #alone(first: LogIndex, record: Buffer): Buffer {
    const fault = findFaultAlone(first, record);
    if (fault !== null) throw this.#fault(first, fault);
    return record;
  }

  #fault(first: LogIndex, fault: string): StorageError {
    return new StorageError(`${this.#rows.place}: ${describeFault(first, fault)}`);
  }
}
