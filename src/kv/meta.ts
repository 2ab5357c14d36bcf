/**
 * @module
 * Where the state stands: written with every batch, in the same atomic write; and the numbered rows, one a
 * batch, that show a gap.
 *
 * The state's writes are not synced. After a power loss LevelDB can open without error and miss writes from
 * the middle; since each batch writes a row of its own number and deletes the one 262 144 before, a batch that
 * is missing leaves a hole among the numbers. (Unsynced are at most two memtables of 16 MiB. The smallest batch,
 * which changes nothing, takes 130 bytes there: 100 of rows, and 10 a row for LevelDB's lengths and tag. So two
 * memtables hold 258 111 batches at most. A test repeats this sum.)
 */

import { allocate } from "./arena.ts";
import { batchKey, readWhole, viewOf, writeWhole } from "./keys.ts";
import { type Crc32, RecordFormatError } from "./record.ts";

export interface StateMeta {
  readonly appliedIndex: number;
  readonly appliedTerm: number;
  /** Cluster time of the last applied entry, in milliseconds. */
  readonly time: number;
  /** Of the whole store: +1 for each command that changed keys. */
  readonly revision: number;
  /** Sum of the hashes of all current records (deleted ones excluded), modulo 2^48: the order of puts does not show in it. */
  readonly stateHash: number;
  /** Number of the last batch, from 1. Counts this copy's writes: differs from node to node. */
  readonly batch: number;
  /** Bytes of the chunks of history that this copy holds. */
  readonly historyBytes: number;
  /** Every change above this revision is in the history of this copy. Not above `compactedRevision`. */
  readonly historyFrom: number;
  /** The oldest revision that can be asked for: by commands, so the same on every node. */
  readonly compactedRevision: number;
  /** Cluster time of the first entry of the term of the last applied entry. */
  readonly termStartTime: number;
  readonly leases: number;
  /** As `SessionCounters`. */
  readonly sessionsFrom: number;
  readonly sessionsEnd: number;
  readonly sessionBytes: number;
}

export const emptyMeta: StateMeta = {
  appliedIndex: 0,
  appliedTerm: 0,
  time: 0,
  revision: 0,
  stateHash: 0,
  batch: 0,
  historyBytes: 0,
  historyFrom: 0,
  compactedRevision: 0,
  termStartTime: 0,
  leases: 0,
  sessionsFrom: 1,
  sessionsEnd: 1,
  sessionBytes: 0,
};

/** How many numbered rows stand. */
export const batchRowsKept = 262_144;

const formatVersion = 2;
const fields = [
  "appliedIndex",
  "appliedTerm",
  "time",
  "revision",
  "stateHash",
  "batch",
  "historyBytes",
  "historyFrom",
  "compactedRevision",
  "termStartTime",
  "leases",
  "sessionsFrom",
  "sessionsEnd",
  "sessionBytes",
] as const satisfies readonly (keyof StateMeta)[];
const rowBytes = 5 + fields.length * 8;
const hashModulus = 2 ** 48;

export function encodeMeta(meta: StateMeta, crc32: Crc32): Uint8Array {
  const row = allocate(rowBytes);
  const view = viewOf(row);
  row[4] = formatVersion;
  let offset = 5;
  for (const field of fields) {
    writeWhole(view, offset, meta[field]);
    offset += 8;
  }
  view.setUint32(0, crc32(row.subarray(4)));
  return row;
}

/** Throws `RecordFormatError` when the row does not verify. */
export function decodeMeta(row: Uint8Array, crc32: Crc32): StateMeta {
  const view = viewOf(row);
  if (row.byteLength < 5 || view.getUint32(0) !== crc32(row.subarray(4)))
    throw new RecordFormatError("the checksum of the row that says where the state stands is wrong");
  if (row[4] !== formatVersion || row.byteLength !== rowBytes)
    throw new RecordFormatError(`a state of format ${row[4] ?? 0}, this version knows ${formatVersion}`);
  const numbers = fields.map((_, place) => readWhole(view, 5 + place * 8));
  const at = (place: number): number => numbers[place] ?? Number.NaN;
  return {
    appliedIndex: at(0),
    appliedTerm: at(1),
    time: at(2),
    revision: at(3),
    stateHash: at(4),
    batch: at(5),
    historyBytes: at(6),
    historyFrom: at(7),
    compactedRevision: at(8),
    termStartTime: at(9),
    leases: at(10),
    sessionsFrom: at(11),
    sessionsEnd: at(12),
    sessionBytes: at(13),
  };
}

/** What the numbered row of a batch holds: the index applied by it, and a checksum with its number. */
export function encodeBatchRow(batch: number, appliedIndex: number, crc32: Crc32): Uint8Array {
  const row = allocate(12);
  const view = viewOf(row);
  writeWhole(view, 4, appliedIndex);
  view.setUint32(0, crc32(row.subarray(4), crc32(batchKey(batch))));
  return row;
}

/** The index applied by that batch. Throws `RecordFormatError` when the row does not verify. */
export function decodeBatchRow(batch: number, row: Uint8Array, crc32: Crc32): number {
  const view = viewOf(row);
  if (row.byteLength !== 12 || view.getUint32(0) !== crc32(row.subarray(4), crc32(batchKey(batch))))
    throw new RecordFormatError(`the checksum of the row of batch ${batch} is wrong`);
  return readWhole(view, 4);
}

/** The state's hash after one record took another's place; 0 stands for no record. */
export function exchangeHash(stateHash: number, removed: number, added: number): number {
  return (stateHash - removed + added + hashModulus) % hashModulus;
}
