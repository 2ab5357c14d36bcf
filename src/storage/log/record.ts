/**
 * @module
 * A run of log entries as a row on disk: a versioned envelope whose chain hash is its checksum too.
 *
 *     0       1                9                25
 *     version first index u64  chain hash (16)  the run, as `encodePacked` packs it …
 *
 * Big-endian. The chain hash is the first 16 bytes of SHA-256 over the row with the predecessor's chain hash
 * in its own place. So it stands for every byte of the log up to its row.
 */

import { hash } from "node:crypto";
import { decodePacked, encodePackedBehind, type PackedEntry } from "../../codec/entries.ts";
import { assert } from "../../errors/assert.ts";
import type { ClusterTime, EntryId, LogIndex } from "../../raft/types.ts";

/** Of a digest, these first bytes are kept. */
export const checksumBytes = 16;
const recordVersion = 2;
const firstIndexOffset = 1;
const chainHashOffset = 9;
const runOffset = 25;

/** What a record holds at most, unless a single entry is larger: so much is read for one entry, or to replace one. */
export const recordBytesMax: number = 64 * 1024;

/** What an entry takes in a packed run beside its payload, at most: five heads, of them two doubles. */
const entryOverheadBytes = 25;

/** Where a record stands in the chain: what the next one is sealed and verified by. */
export interface ChainPoint {
  /** Of the record's last entry. */
  readonly index: LogIndex;
  /** 16 bytes. */
  readonly chainHash: Uint8Array;
}

/** A point of the chain with all that is known of its entry. */
export interface ChainLink extends EntryId, ChainPoint {
  readonly time: ClusterTime;
}

/** What a record says, once it was sealed here or verified. */
export interface Run {
  readonly firstIndex: LogIndex;
  /** At least one; payloads are views of the record. */
  readonly entries: readonly PackedEntry[];
  /** Of the last entry; the hash is a view of the record. */
  readonly link: ChainLink;
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

/** How the entries are divided among records: in order, each as many as one holds. */
export function splitRun(entries: readonly PackedEntry[]): readonly (readonly PackedEntry[])[] {
  const pieces: (readonly PackedEntry[])[] = [];
  let from = 0;
  let bytes = 0;
  for (let at = 0; at < entries.length; at += 1) {
    const entryBytes = entryOverheadBytes + (entries[at]?.[3].byteLength ?? 0);
    if (at > from && bytes + entryBytes > recordBytesMax) {
      pieces.push(entries.slice(from, at));
      from = at;
      bytes = 0;
    }
    bytes += entryBytes;
  }
  if (entries.length > 0) pieces.push(from === 0 ? entries : entries.slice(from));
  return pieces;
}

/** The row of the entries that follow `previous`, at least one; payloads are copied. */
export function sealRecord(previous: ChainPoint, entries: readonly PackedEntry[]): Buffer {
  assert(entries.length > 0, "a record holds an entry");
  const record = Buffer.from(encodePackedBehind(runOffset, entries).buffer);
  record[0] = recordVersion;
  writeU64(record, firstIndexOffset, previous.index + 1);
  record.set(previous.chainHash, chainHashOffset);
  record.write(checksumText(record), chainHashOffset, checksumBytes, "binary");
  return record;
}

/** Where the chain stands after a record that was sealed from these entries, or holds them. */
export function linkOf(record: Buffer, entries: readonly PackedEntry[]): ChainLink {
  const last = entries.at(-1);
  assert(last !== undefined, "a record holds an entry");
  const [term, time] = last;
  return { index: readU64(record, firstIndexOffset) + entries.length - 1, term, time, chainHash: chainHashOf(record) };
}

/** What a record that was sealed here or verified says. */
export function openRecord(record: Buffer): Run {
  const entries = decodePacked(record.subarray(runOffset));
  return { firstIndex: readU64(record, firstIndexOffset), entries, link: linkOf(record, entries) };
}

/** A view of the record. */
export function chainHashOf(record: Buffer): Uint8Array {
  return record.subarray(chainHashOffset, runOffset);
}

/**
 * Why `record` cannot be the one that follows `previous`; null when it is.
 *
 * The record is the same afterwards, but is written to meanwhile: nobody else may be reading it.
 */
export function findFault(previous: ChainPoint, record: Buffer): string | null {
  const fault = findFaultAlone(previous.index + 1, record);
  if (fault !== null) return fault;
  return isChained(previous, record) ? null : "its chain hash differs";
}

/** As `findFault` for a record whose predecessor is not at hand: its chain hash is verified by what follows it, the rest is not. */
export function findFaultAlone(firstIndex: LogIndex, record: Buffer): string | null {
  if (record.byteLength <= runOffset) return `it is cut off after ${record.byteLength} bytes`;
  if (record[0] !== recordVersion) return `its format version is ${record[0]}, this node reads ${recordVersion}`;
  const found = readU64(record, firstIndexOffset);
  return found === firstIndex ? null : `it begins with entry ${found}`;
}

/** By the first index in a record's row key, for a record too damaged to be read. */
export function describeFault(firstIndex: LogIndex, fault: string): string {
  return `entry ${firstIndex} does not verify: ${fault}`;
}

function isChained(previous: ChainPoint, record: Buffer): boolean {
  const stored = Buffer.from(chainHashOf(record));
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
