/**
 * @module
 * The record of a key as its current row holds it, with a checksum over key and record.
 *
 * | bytes | |
 * |---|---|
 * | 0–3 | crc-32 of the key, then of all that follows |
 * | 4 | version of the format |
 * | 5 | 1: a value; 2: the key was deleted (kept while the history can still ask for what it was) |
 * | 6–13 | createRevision; 0 when deleted |
 * | 14–21 | modRevision: of the put, or of the deletion |
 * | 22–29 | version: puts since it was created; 0 when deleted |
 * | 30–37 | leaseId; 0: none |
 * | 38– | the value |
 */

import { allocate } from "./arena.ts";
import { readWhole, viewOf, writeWhole } from "./keys.ts";
import type { KeyRecord } from "./state-view.ts";

/** CRC-32 of `bytes`, continued from that of what came before. Node's is `zlib.crc32`. */
export type Crc32 = (bytes: Uint8Array, before?: number) => number;

/** A key that is there. `hash` is its checksum: what the state's hash sums. */
export interface ValueRecord extends KeyRecord {
  readonly kind: "value";
  readonly hash: number;
}

/** A key that is not there any more. */
export interface DeletedRecord {
  readonly kind: "deleted";
  readonly modRevision: number;
}

export type CurrentRecord = ValueRecord | DeletedRecord;

export interface EncodedRecord {
  readonly row: Uint8Array;
  readonly hash: number;
}

/** Thrown for a row that is not what was written: it must never be answered. */
export class RecordFormatError extends Error {
  constructor(what: string) {
    super(`damaged row: ${what}`);
    this.name = "RecordFormatError";
  }
}

const formatVersion = 1;
const kinds = { value: 1, deleted: 2 } as const;
const headerBytes = 38;
const nothing = new Uint8Array(0);

export function encodeValue(key: Uint8Array, record: KeyRecord, crc32: Crc32): EncodedRecord {
  const row = allocate(headerBytes + record.value.byteLength);
  const view = viewOf(row);
  row[4] = formatVersion;
  row[5] = kinds.value;
  writeWhole(view, 6, record.createRevision);
  writeWhole(view, 14, record.modRevision);
  writeWhole(view, 22, record.version);
  writeWhole(view, 30, record.leaseId);
  row.set(record.value, headerBytes);
  return sealed(key, row, view, crc32);
}

export function encodeDeleted(key: Uint8Array, modRevision: number, crc32: Crc32): EncodedRecord {
  const row = allocate(headerBytes);
  const view = viewOf(row);
  row[4] = formatVersion;
  row[5] = kinds.deleted;
  writeWhole(view, 14, modRevision);
  return sealed(key, row, view, crc32);
}

/** Verifies the row against its key and itself. The value is a view of it. Throws `RecordFormatError`. */
export function decodeRecord(key: Uint8Array, row: Uint8Array, crc32: Crc32): CurrentRecord {
  if (row.byteLength < headerBytes) throw new RecordFormatError(`a record of ${row.byteLength} bytes`);
  const view = viewOf(row);
  const hash = view.getUint32(0);
  if (hash !== crc32(row.subarray(4), crc32(key))) throw new RecordFormatError("the checksum of a record is wrong");
  if (row[4] !== formatVersion) throw new RecordFormatError(`a record of format ${row[4] ?? 0}`);
  const modRevision = readWhole(view, 14);
  if (row[5] === kinds.deleted) return { kind: "deleted", modRevision };
  if (row[5] !== kinds.value) throw new RecordFormatError(`a record of kind ${row[5] ?? 0}`);
  return {
    kind: "value",
    hash,
    createRevision: readWhole(view, 6),
    modRevision,
    version: readWhole(view, 22),
    leaseId: readWhole(view, 30),
    value: row.byteLength === headerBytes ? nothing : row.subarray(headerBytes),
  };
}

/** Of a row that this process encoded, or that was verified. */
export function isDeletedRow(row: Uint8Array): boolean {
  return row[5] === kinds.deleted;
}

/** Of a row that this process encoded, or that was verified. */
export function modRevisionOfRow(row: Uint8Array): number {
  return readWhole(viewOf(row), 14);
}

function sealed(key: Uint8Array, row: Uint8Array, view: DataView, crc32: Crc32): EncodedRecord {
  const hash = crc32(row.subarray(4), crc32(key));
  view.setUint32(0, hash);
  return { row, hash };
}
