/**
 * @module
 * One log entry as a row on disk: a versioned envelope whose chain hash is its checksum too.
 *
 *     0       1     2         10         18        26               42
 *     version type  term u64  index u64  time f64  chain hash (16)  payload …
 *
 * Big-endian. The chain hash is the first 16 bytes of SHA-256 over the row with the predecessor's chain hash
 * in its own place. So two logs whose hashes agree at an index agree in every byte up to it (§5.3).
 */

import { hash } from "node:crypto";
import type { PackedEntry } from "../../codec/entries.ts";
import type { ClusterTime, EntryId, LogIndex } from "../../raft/types.ts";

/** Of a digest, these first bytes are kept. */
export const checksumBytes = 16;
const recordVersion = 1;
const termOffset = 2;
const indexOffset = 10;
const timeOffset = 18;
const chainHashOffset = 26;
const payloadOffset = 42;

/** Bytes of a row beside its payload, key included: what an entry costs. */
export const recordOverheadBytes = 51;

/** What the next record is chained to. */
export interface ChainLink extends EntryId {
  readonly time: ClusterTime;
  /** 16 bytes. */
  readonly chainHash: Uint8Array;
}

/** The link before the first entry of a log that starts at `index` with nothing known below it. */
export function firstLink(start: EntryId & { readonly time: ClusterTime }): ChainLink {
  const seed = `balsa log after index ${start.index} of term ${start.term}`;
  return { index: start.index, term: start.term, time: start.time, chainHash: checksum(seed) };
}

/** The first 16 bytes of SHA-256: the checksum of every row of the log. */
export function checksum(bytes: Uint8Array | string): Buffer {
  return hash("sha256", bytes, "buffer").subarray(0, checksumBytes);
}

/** As `checksum`, in one character a byte and more of them than count: inside the heap, at half the price of a buffer. */
export function checksumText(bytes: Uint8Array): string {
  return hash("sha256", bytes, "binary");
}

/** The row of the entry that follows `previous`; the payload is copied. */
export function sealRecord(previous: ChainLink, [term, time, type, payload]: PackedEntry): Buffer {
  const record = Buffer.allocUnsafe(payloadOffset + payload.byteLength);
  record[0] = recordVersion;
  record[1] = type;
  writeU64(record, termOffset, term);
  writeU64(record, indexOffset, previous.index + 1);
  record.writeDoubleBE(time, timeOffset);
  record.set(previous.chainHash, chainHashOffset);
  record.set(payload, payloadOffset);
  record.write(checksumText(record), chainHashOffset, checksumBytes, "binary");
  return record;
}

/** Where the chain stands after a record that was sealed here or verified. */
export function linkOf(record: Buffer): ChainLink {
  return {
    index: readU64(record, indexOffset),
    term: readU64(record, termOffset),
    time: record.readDoubleBE(timeOffset),
    chainHash: record.subarray(chainHashOffset, payloadOffset),
  };
}

/** The entry in a record that was verified; its payload is a view of `record`. */
export function openRecord(record: Buffer): PackedEntry {
  const { term, time } = linkOf(record);
  return [term, time, record[1] ?? 0, record.subarray(payloadOffset)];
}

/**
 * Why `record` cannot be the entry that follows `previous`; null when it is.
 *
 * The record is the same afterwards, but is written to meanwhile: nobody else may be reading it.
 */
export function findFault(previous: ChainLink, record: Buffer): string | null {
  if (record.byteLength < payloadOffset) return `it is cut off after ${record.byteLength} bytes`;
  if (record[0] !== recordVersion) return `its format version is ${record[0]}, this node reads ${recordVersion}`;
  if (!isChained(previous, record)) return "its chain hash differs";
  const { index, term } = linkOf(record);
  if (index !== previous.index + 1) return `it holds entry ${index}`;
  if (term < previous.term) return `its term ${term} is below ${previous.term}, the term before it`;
  return null;
}

/** The index in a record's row key, for a record too damaged to be read. */
export function describeFault(index: LogIndex, fault: string): string {
  return `entry ${index} does not verify: ${fault}`;
}

function isChained(previous: ChainLink, record: Buffer): boolean {
  const stored = Buffer.from(record.subarray(chainHashOffset, payloadOffset));
  record.set(previous.chainHash, chainHashOffset);
  const expected = checksum(record);
  record.set(stored, chainHashOffset);
  return stored.equals(expected);
}

/** Whole numbers up to 2^53. */
export function writeU64(bytes: Buffer, offset: number, value: number): void {
  bytes.writeUInt32BE(Math.floor(value / 0x1_0000_0000), offset);
  bytes.writeUInt32BE(value % 0x1_0000_0000, offset + 4);
}

export function readU64(bytes: Buffer, offset: number): number {
  return bytes.readUInt32BE(offset) * 0x1_0000_0000 + bytes.readUInt32BE(offset + 4);
}
