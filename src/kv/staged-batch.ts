/**
 * @module
 * A batch while it is made: what the commands of one batch see of each other, and the rows that come out of it.
 */

import { type Change, changeBytes, chunkBytesTarget, encodeChunk } from "./history.ts";
import { batchKey, type ChangePosition, currentKey, keyName, metaKey } from "./keys.ts";
import { batchRowsKept, encodeBatchRow, encodeMeta, exchangeHash, type StateMeta } from "./meta.ts";
import {
  type Crc32,
  type CurrentRecord,
  decodeRecord,
  type EncodedRecord,
  encodeDeleted,
  encodeValue,
  type ValueRecord,
} from "./record.ts";
import type { RowChange, RowReader } from "./row.ts";
import type { KeyRecord } from "./state-view.ts";
import type { Trim } from "./trim.ts";

/** A key that the batch has looked at. */
interface Staged {
  readonly key: Uint8Array;
  readonly rowKey: Uint8Array;
  row: Uint8Array | null;
  record: CurrentRecord | null;
  changed: boolean;
}

export class StagedBatch {
  readonly #reader: RowReader;
  readonly #crc32: Crc32;
  readonly #staged = new Map<string, Staged>();
  readonly #rows: RowChange[] = [];
  #chunk: Change[] = [];
  #chunkBytes = 0;
  #chunkFirst: ChangePosition = { revision: 0, ordinal: 0 };
  #historyBytes: number;
  #historyFrom: number;
  #stateHash: number;

  constructor(before: StateMeta, reader: RowReader, crc32: Crc32) {
    this.#reader = reader;
    this.#crc32 = crc32;
    this.#historyBytes = before.historyBytes;
    this.#historyFrom = before.historyFrom;
    this.#stateHash = before.stateHash;
  }

  /** The key's record as the commands so far have left it; undefined when it is not there. */
  present(key: Uint8Array): ValueRecord | undefined {
    const { record } = this.#look(key);
    return record?.kind === "value" ? record : undefined;
  }

  put(key: Uint8Array, value: Uint8Array, leaseId: number, position: ChangePosition, time: number): void {
    const staged = this.#look(key);
    const old = staged.record?.kind === "value" ? staged.record : undefined;
    const record: KeyRecord = {
      value,
      createRevision: old?.createRevision ?? position.revision,
      modRevision: position.revision,
      version: (old?.version ?? 0) + 1,
      leaseId,
    };
    const encoded = encodeValue(key, record, this.#crc32);
    this.#change(staged, encoded, { ...record, kind: "value", hash: encoded.hash }, position, time);
  }

  /** The key must be there. */
  delete(key: Uint8Array, position: ChangePosition, time: number): void {
    const encoded = encodeDeleted(key, position.revision, this.#crc32);
    this.#change(this.#look(key), encoded, { kind: "deleted", modRevision: position.revision }, position, time);
  }

  putRow(row: RowChange): void {
    this.#rows.push(row);
  }

  /** Drops chunks, and what is left of keys whose deletion was in them. */
  trim(trim: Trim): void {
    for (const key of trim.chunkKeys) this.#rows.push({ key, value: null });
    this.#historyBytes -= trim.bytes;
    this.#historyFrom = trim.historyFrom;
    for (const { key, revision } of trim.deletions) {
      const staged = this.#look(key);
      if (staged.record?.kind !== "deleted" || staged.record.modRevision !== revision) continue;
      staged.row = null;
      staged.record = null;
      staged.changed = true;
    }
  }

  /** The rows of the whole batch, and where the state stands after it. */
  finish(after: Omit<StateMeta, "stateHash" | "batch" | "historyBytes" | "historyFrom">, batch: number): Finished {
    this.#closeChunk(after.time);
    for (const staged of this.#staged.values())
      if (staged.changed) this.#rows.push({ key: staged.rowKey, value: staged.row });
    const meta: StateMeta = {
      ...after,
      stateHash: this.#stateHash,
      batch,
      historyBytes: this.#historyBytes,
      historyFrom: this.#historyFrom,
    };
    this.#rows.push({ key: metaKey, value: encodeMeta(meta, this.#crc32) });
    this.#rows.push({ key: batchKey(batch), value: encodeBatchRow(batch, meta.appliedIndex, this.#crc32) });
    if (batch > batchRowsKept) this.#rows.push({ key: batchKey(batch - batchRowsKept), value: null });
    return { rows: this.#rows, meta };
  }

  #look(key: Uint8Array): Staged {
    const name = keyName(key);
    const known = this.#staged.get(name);
    if (known !== undefined) return known;
    const rowKey = currentKey(key);
    const row = this.#reader.get(rowKey) ?? null;
    const record = row === null ? null : decodeRecord(key, row, this.#crc32);
    const staged: Staged = { key, rowKey, row, record, changed: false };
    this.#staged.set(name, staged);
    return staged;
  }

  #change(staged: Staged, encoded: EncodedRecord, record: CurrentRecord, position: ChangePosition, time: number): void {
    const change: Change = { key: staged.key, after: encoded.row, before: staged.row };
    if (this.#chunk.length === 0) this.#chunkFirst = position;
    this.#chunk.push(change);
    this.#chunkBytes += changeBytes(change);
    const removed = staged.record?.kind === "value" ? staged.record.hash : 0;
    const added = record.kind === "value" ? encoded.hash : 0;
    this.#stateHash = exchangeHash(this.#stateHash, removed, added);
    staged.row = encoded.row;
    staged.record = record;
    staged.changed = true;
    if (this.#chunkBytes >= chunkBytesTarget) this.#closeChunk(time);
  }

  #closeChunk(time: number): void {
    if (this.#chunk.length === 0) return;
    const row = encodeChunk(this.#chunkFirst, this.#chunk, time, this.#crc32);
    this.#rows.push(row);
    this.#historyBytes += row.value.byteLength;
    this.#chunk = [];
    this.#chunkBytes = 0;
  }
}

interface Finished {
  readonly rows: readonly RowChange[];
  readonly meta: StateMeta;
}
