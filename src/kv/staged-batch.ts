/**
 * @module
 * A batch while it is made: what the commands of one batch see of each other, and the rows that come out of it.
 */

import { type Change, changeBytes, chunkBytesTarget, encodeChunk } from "./history.ts";
import { batchKey, type ChangePosition, currentKey, currentScan, keyName, keyOfCurrent, metaKey } from "./keys.ts";
import { LeaseTable } from "./lease.ts";
import { batchRowsKept, encodeBatchRow, encodeMeta, exchangeHash, type StateMeta } from "./meta.ts";
import { isBefore, overlaid, type ReadAhead } from "./read-ahead.ts";
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
import { changesWithin, StagedRows } from "./staged-rows.ts";
import type { KeyRange, Order } from "./transaction.ts";
import type { Trim } from "./trim.ts";

/** A key that the batch has looked at. */
interface Staged {
  readonly key: Uint8Array;
  readonly rowKey: Uint8Array;
  row: Uint8Array | null;
  record: CurrentRecord | null;
  changed: boolean;
}

/** Where the rows of a batch are read. */
export interface BatchSource {
  readonly reader: RowReader;
  readonly readAhead: ReadAhead;
  readonly crc32: Crc32;
}

export class StagedBatch {
  readonly leases: LeaseTable;
  /** What the batch does to rows beside the users' keys. */
  readonly rows: StagedRows;
  readonly #reader: RowReader;
  readonly #readAhead: ReadAhead;
  readonly #crc32: Crc32;
  readonly #staged = new Map<string, Staged>();
  readonly #rows: RowChange[] = [];
  #chunk: Change[] = [];
  #chunkBytes = 0;
  #chunkFirst: ChangePosition = { revision: 0, ordinal: 0 };
  #historyBytes: number;
  #historyFrom: number;
  #stateHash: number;
  #changes = 0;

  constructor(before: StateMeta, { reader, readAhead, crc32 }: BatchSource) {
    this.#reader = reader;
    this.#readAhead = readAhead;
    this.#crc32 = crc32;
    this.rows = new StagedRows(reader, readAhead);
    this.leases = new LeaseTable(this.rows, crc32, before.leases);
    this.#historyBytes = before.historyBytes;
    this.#historyFrom = before.historyFrom;
    this.#stateHash = before.stateHash;
  }

  /** Changes of keys so far. */
  get changes(): number {
    return this.#changes;
  }

  /** Of the state as the commands so far have left it. */
  get stateHash(): number {
    return this.#stateHash;
  }

  /** The key's record as the commands so far have left it; undefined when it is not there. */
  present(key: Uint8Array): ValueRecord | undefined {
    const { record } = this.#look(key);
    return record?.kind === "value" ? record : undefined;
  }

  put(key: Uint8Array, value: Uint8Array, leaseId: number, position: ChangePosition, time: number): void {
    const staged = this.#look(key);
    const old = staged.record?.kind === "value" ? staged.record : undefined;
    const oldBytes = staged.row?.byteLength ?? 0;
    const createRevision = old?.createRevision ?? position.revision;
    const modRevision = position.revision;
    const version = (old?.version ?? 0) + 1;
    const encoded = encodeValue(key, { value, createRevision, modRevision, version, leaseId }, this.#crc32);
    const { hash } = encoded;
    const record: ValueRecord = { kind: "value", hash, createRevision, modRevision, version, leaseId, value };
    this.#change(staged, encoded, record, position, time);
    const oldLeaseId = old?.leaseId ?? 0;
    if (oldLeaseId === 0 && leaseId === 0) return;
    const bytes = encoded.row.byteLength;
    if (oldLeaseId === leaseId) return this.leases.resize(leaseId, bytes - oldBytes);
    if (leaseId !== 0) this.leases.attach(leaseId, key, leaseBytesOf(key, bytes));
    if (oldLeaseId !== 0) this.leases.detach(oldLeaseId, key, leaseBytesOf(key, oldBytes));
  }

  /** The key must be there. */
  delete(key: Uint8Array, position: ChangePosition, time: number): void {
    const staged = this.#look(key);
    const { record, row } = staged;
    const encoded = encodeDeleted(key, position.revision, this.#crc32);
    this.#change(staged, encoded, { kind: "deleted", modRevision: position.revision }, position, time);
    if (record?.kind !== "value" || record.leaseId === 0) return;
    this.leases.detach(record.leaseId, key, leaseBytesOf(key, row?.byteLength ?? 0));
  }

  /** The keys in the range that are there, in order. Throws `RowsMissingError` where their rows have not been read. */
  *records(range: KeyRange, order: Order): Generator<{ readonly key: Uint8Array; readonly value: ValueRecord }> {
    const scan = currentScan(range, order);
    const changed: RowChange[] = [];
    for (const { rowKey, row, changed: isChanged } of this.#staged.values())
      if (isChanged) changed.push({ key: rowKey, value: row });
    const rows = overlaid(this.#readAhead.rows(scan), changesWithin(scan, changed), isBefore(order));
    for (const row of rows) {
      const key = keyOfCurrent(row.key);
      const record = decodeRecord(key, row.value, this.#crc32);
      if (record.kind === "value") yield { key, value: record };
    }
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
  finish(after: Omit<StateMeta, OwnFields>, batch: number): Finished {
    this.#closeChunk(after.time);
    for (const row of this.rows.changes()) this.#rows.push(row);
    for (const staged of this.#staged.values())
      if (staged.changed) this.#rows.push({ key: staged.rowKey, value: staged.row });
    // Field by field: to spread the others takes longer than all the rest of a small batch.
    const meta: StateMeta = {
      appliedIndex: after.appliedIndex,
      appliedTerm: after.appliedTerm,
      time: after.time,
      revision: after.revision,
      stateHash: this.#stateHash,
      batch,
      historyBytes: this.#historyBytes,
      historyFrom: this.#historyFrom,
      compactedRevision: after.compactedRevision,
      termStartTime: after.termStartTime,
      leases: this.leases.count,
      sessionsFrom: after.sessionsFrom,
      sessionsEnd: after.sessionsEnd,
      sessionBytes: after.sessionBytes,
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
    this.#changes++;
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

/** What of the meta the staged batch knows itself. */
type OwnFields = "stateHash" | "batch" | "historyBytes" | "historyFrom" | "leases";

/** What a key counts in its lease, by the bytes of its row. */
export function leaseBytesOf(key: Uint8Array, rowBytes: number): number {
  return key.byteLength + rowBytes;
}

interface Finished {
  readonly rows: readonly RowChange[];
  readonly meta: StateMeta;
}
