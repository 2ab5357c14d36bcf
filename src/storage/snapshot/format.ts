/**
 * @module
 * The bytes of a snapshot file (§7).
 *
 * | part | |
 * |---|---|
 * | head | `BALSASNP`; version of the format (4 bytes); length of the header (4); header |
 * | header | CBOR: `[lastIncludedIndex, lastIncludedTerm, lastIncludedTime, configuration, meta row]` |
 * | blocks | length of the deflated bytes (4), of the inflated ones (4), count of rows (4), sha-256 of the deflated bytes (first 16), the deflated bytes |
 * | trailer | 0 (4); blocks (4); rows (8); sha-256 of head, all heads of blocks and the trailer so far (32) |
 *
 * Inflated, a block is rows: length of key (4), length of value (4), key, value. Each block is verified by
 * itself, by any thread; the sum of their heads in the trailer verifies the whole without a second pass.
 */

import { crc32 } from "node:zlib";
import { decode, encode } from "../../codec/codec.ts";
import { rowPrefixes } from "../../kv/keys.ts";
import { decodeMeta, encodeMeta, type StateMeta } from "../../kv/meta.ts";
import { RecordFormatError } from "../../kv/record.ts";
import type { SnapshotMetadata } from "../../raft/types.ts";
import type { Row } from "../state/state-storage.ts";

/** What a snapshot stands for, and where the state in it stands. */
export interface SnapshotHeader {
  readonly metadata: SnapshotMetadata;
  /** Of the copy that it was made from. */
  readonly meta: StateMeta;
}

export interface BlockHead {
  readonly deflatedBytes: number;
  readonly inflatedBytes: number;
  readonly rows: number;
  readonly digest: Uint8Array;
}

export interface Totals {
  readonly blocks: number;
  readonly rows: number;
}

/** Thrown for bytes that are not a whole, undamaged snapshot of a format that this version knows. */
export class SnapshotFormatError extends Error {
  constructor(what: string) {
    super(`not a whole snapshot: ${what}`);
    this.name = "SnapshotFormatError";
  }
}

export const fixedHeadBytes = 16;
export const blockHeadBytes = 28;
/** After the 4 bytes of 0 that end the blocks. */
export const trailerRestBytes = 44;
export const blockDigestBytes = 16;
/** Rows of one block, inflated; one row may exceed it. */
export const blockBytesTarget: number = 1024 * 1024;
const formatVersion = 1;
const headerBytesMax = 4 * 1024 * 1024;
const magic = new TextEncoder().encode("BALSASNP");

/** Whether a row goes with a snapshot: all of the state, but not where the copy stands that it was made from. */
export function isCarried(rowKey: Uint8Array): boolean {
  return rowKey[0] !== rowPrefixes.batch && rowKey[0] !== rowPrefixes.meta;
}

/** Head and header. */
export function encodeHead({ metadata, meta }: SnapshotHeader): Uint8Array {
  const { lastIncludedIndex, lastIncludedTerm, lastIncludedTime, configuration } = metadata;
  const header = encode([
    lastIncludedIndex,
    lastIncludedTerm,
    lastIncludedTime,
    configuration,
    encodeMeta(meta, crc32),
  ]);
  const head = new Uint8Array(fixedHeadBytes + header.byteLength);
  head.set(magic);
  const view = new DataView(head.buffer);
  view.setUint32(8, formatVersion);
  view.setUint32(12, header.byteLength);
  head.set(header, fixedHeadBytes);
  return head;
}

/** The length of the header that follows the first `fixedHeadBytes`. Throws `SnapshotFormatError`. */
export function headerBytesOf(fixedHead: Uint8Array): number {
  if (fixedHead.byteLength !== fixedHeadBytes || magic.some((byte, at) => fixedHead[at] !== byte))
    throw new SnapshotFormatError("it does not begin as one");
  const view = new DataView(fixedHead.buffer, fixedHead.byteOffset);
  const version = view.getUint32(8);
  if (version !== formatVersion) throw new SnapshotFormatError(`its format is ${version}, this version knows 1`);
  const bytes = view.getUint32(12);
  if (bytes > headerBytesMax) throw new SnapshotFormatError(`its header has ${bytes} bytes`);
  return bytes;
}

/** Throws `SnapshotFormatError`. */
export function decodeHeader(header: Uint8Array): SnapshotHeader {
  const parts = decodedArray(header);
  const [index, term, time, configuration, row] = parts;
  if (parts.length !== 5 || !isWhole(index) || !isWhole(term) || !isWhole(time) || !isConfiguration(configuration))
    throw new SnapshotFormatError("its header is not one");
  const meta = metaOf(row);
  if (meta.appliedIndex !== index || meta.appliedTerm !== term)
    throw new SnapshotFormatError("its header does not say where its state stands");
  return {
    metadata: { lastIncludedIndex: index, lastIncludedTerm: term, lastIncludedTime: time, configuration },
    meta,
  };
}

export function encodeBlockHead(head: BlockHead): Uint8Array {
  const bytes = new Uint8Array(blockHeadBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, head.deflatedBytes);
  view.setUint32(4, head.inflatedBytes);
  view.setUint32(8, head.rows);
  bytes.set(head.digest, 12);
  return bytes;
}

export function decodeBlockHead(bytes: Uint8Array): BlockHead {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    deflatedBytes: view.getUint32(0),
    inflatedBytes: view.getUint32(4),
    rows: view.getUint32(8),
    digest: bytes.subarray(12, blockHeadBytes),
  };
}

/** The trailer up to its digest. */
export function encodeTotals({ blocks, rows }: Totals): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, blocks);
  view.setBigUint64(8, BigInt(rows));
  return bytes;
}

export function packRows(rows: readonly Row[]): Uint8Array<ArrayBuffer> {
  const bytes = rows.reduce((total, row) => total + 8 + row.key.byteLength + row.value.byteLength, 0);
  const packed = new Uint8Array(bytes);
  const view = new DataView(packed.buffer);
  let offset = 0;
  for (const { key, value } of rows) {
    view.setUint32(offset, key.byteLength);
    view.setUint32(offset + 4, value.byteLength);
    packed.set(key, offset + 8);
    packed.set(value, offset + 8 + key.byteLength);
    offset += 8 + key.byteLength + value.byteLength;
  }
  return packed;
}

/** The inverse of `packRows`; rows are views of `packed`. Throws `SnapshotFormatError`. */
export function unpackRows(packed: Uint8Array): Row[] {
  const rows: Row[] = [];
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  let offset = 0;
  while (offset < packed.byteLength) {
    if (offset + 8 > packed.byteLength) throw new SnapshotFormatError("a row is cut off");
    const valueStart = offset + 8 + view.getUint32(offset);
    const end = valueStart + view.getUint32(offset + 4);
    if (end > packed.byteLength) throw new SnapshotFormatError("a row is cut off");
    rows.push({ key: packed.subarray(offset + 8, valueStart), value: packed.subarray(valueStart, end) });
    offset = end;
  }
  return rows;
}

function decodedArray(bytes: Uint8Array): readonly unknown[] {
  let decoded: unknown;
  try {
    decoded = decode(bytes);
  } catch {
    throw new SnapshotFormatError("its header cannot be decoded");
  }
  if (!Array.isArray(decoded)) throw new SnapshotFormatError("its header is not one");
  return decoded;
}

function metaOf(row: unknown): StateMeta {
  if (!(row instanceof Uint8Array)) throw new SnapshotFormatError("its header does not say where its state stands");
  try {
    return decodeMeta(row, crc32);
  } catch (error) {
    if (error instanceof RecordFormatError) throw new SnapshotFormatError(error.message);
    throw error;
  }
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** The shape only: what it says was agreed on by the cluster, and the digest holds it together. */
function isConfiguration(value: unknown): value is SnapshotMetadata["configuration"] {
  if (typeof value !== "object" || value === null) return false;
  const fields: Partial<Record<string, unknown>> = { ...value };
  const lists = [fields["voters"], fields["votersOutgoing"], fields["learners"], fields["learnersNext"]];
  return (
    lists.every((list) => Array.isArray(list) && list.every((id) => typeof id === "string")) &&
    typeof fields["autoLeave"] === "boolean" &&
    typeof fields["members"] === "object" &&
    fields["members"] !== null
  );
}
