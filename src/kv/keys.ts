/**
 * @module
 * The keys of the rows that the state is stored in: one prefix byte, then what orders the rows of that kind.
 *
 * | prefix | then | row |
 * |---|---|---|
 * | `a` | lease (8 bytes), the user's key | that the key is attached to the lease (empty) |
 * | `c` | – | the configuration as of `appliedIndex` |
 * | `d` | cluster time (8), lease (8) | that the lease is due then, unless a later term gives it more (empty) |
 * | `h` | first revision (8 bytes), place in its command (4) | a chunk of history (`history.ts`) |
 * | `k` | the user's key | its current record, or what is left of a deleted one (`record.ts`) |
 * | `l` | lease (8 bytes) | the lease (`lease.ts`) |
 * | `m` | – | where the state stands (`meta.ts`) |
 * | `n` | number of the batch (8 bytes) | that this batch is there (`meta.ts`) |
 * | `q` | number of the session (8 bytes) | whose session it is, the oldest first (`session.ts`) |
 * | `s` | an idempotency key | its session: what became of the command that had it (`session.ts`) |
 *
 * Numbers are big-endian, so that bytewise order is theirs.
 */

import { allocate } from "./arena.ts";
import type { Scan } from "./row.ts";
import type { KeyRange, Order } from "./transaction.ts";

export const rowPrefixes = {
  attachment: 0x61,
  configuration: 0x63,
  due: 0x64,
  history: 0x68,
  current: 0x6b,
  lease: 0x6c,
  meta: 0x6d,
  batch: 0x6e,
  sessionQueue: 0x71,
  session: 0x73,
} as const;

export const metaKey: Uint8Array = Uint8Array.of(rowPrefixes.meta);
export const configurationKey: Uint8Array = Uint8Array.of(rowPrefixes.configuration);

/** Where a change stands in the history: its revision, and its place in the command, from 0. */
export interface ChangePosition {
  readonly revision: number;
  readonly ordinal: number;
}

/** The end of a revision: what comes after it is of later commands. */
export function afterRevision(revision: number): ChangePosition {
  return { revision, ordinal: 2 ** 32 - 1 };
}

export function currentKey(key: Uint8Array): Uint8Array {
  const row = allocate(1 + key.byteLength);
  row[0] = rowPrefixes.current;
  row.set(key, 1);
  return row;
}

/** The user's key in the key of a current row. */
export function keyOfCurrent(row: Uint8Array): Uint8Array {
  return row.subarray(1);
}

export function historyKey(position: ChangePosition): Uint8Array {
  const row = allocate(13);
  row[0] = rowPrefixes.history;
  const view = viewOf(row);
  writeWhole(view, 1, position.revision);
  view.setUint32(9, position.ordinal);
  return row;
}

export function positionOfHistory(row: Uint8Array): ChangePosition {
  const view = viewOf(row);
  return { revision: readWhole(view, 1), ordinal: view.getUint32(9) };
}

export function batchKey(batch: number): Uint8Array {
  return numberedKey(rowPrefixes.batch, batch);
}

export function leaseKey(leaseId: number): Uint8Array {
  return numberedKey(rowPrefixes.lease, leaseId);
}

export function sessionQueueKey(number: number): Uint8Array {
  return numberedKey(rowPrefixes.sessionQueue, number);
}

function numberedKey(prefix: number, number: number): Uint8Array {
  const row = allocate(9);
  row[0] = prefix;
  writeWhole(viewOf(row), 1, number);
  return row;
}

/** The number in the key of a row that has one right after its prefix. */
export function numberOfKey(row: Uint8Array): number {
  return readWhole(viewOf(row), 1);
}

export function sessionKey(idempotencyKey: Uint8Array): Uint8Array {
  const row = allocate(1 + idempotencyKey.byteLength);
  row[0] = rowPrefixes.session;
  row.set(idempotencyKey, 1);
  return row;
}

export function dueKey(time: number, leaseId: number): Uint8Array {
  const row = allocate(17);
  row[0] = rowPrefixes.due;
  const view = viewOf(row);
  writeWhole(view, 1, time);
  writeWhole(view, 9, leaseId);
  return row;
}

/** The parts of a `dueKey`. */
export function dueOfKey(row: Uint8Array): { readonly time: number; readonly leaseId: number } {
  const view = viewOf(row);
  return { time: readWhole(view, 1), leaseId: readWhole(view, 9) };
}

/** `key` may be empty: below the first key of the lease. */
export function attachmentKey(leaseId: number, key: Uint8Array): Uint8Array {
  const row = allocate(9 + key.byteLength);
  row[0] = rowPrefixes.attachment;
  writeWhole(viewOf(row), 1, leaseId);
  row.set(key, 9);
  return row;
}

/** The user's key in an `attachmentKey`. */
export function keyOfAttachment(row: Uint8Array): Uint8Array {
  return row.subarray(9);
}

/** The rows of all keys in the range, those of deleted ones included. */
export function currentScan({ from, to }: KeyRange, order: Order): Scan {
  return { from: currentKey(from), to: to === null ? rangeOf(rowPrefixes.current).to : currentKey(to), order };
}

/** The rows of all keys attached to the lease. */
export function attachmentScan(leaseId: number): Scan {
  const nothing = new Uint8Array(0);
  return { from: attachmentKey(leaseId, nothing), to: attachmentKey(leaseId + 1, nothing), order: "asc" };
}

/** All rows of a kind: [from, to). */
export function rangeOf(prefix: number): { readonly from: Uint8Array; readonly to: Uint8Array } {
  return { from: Uint8Array.of(prefix), to: Uint8Array.of(prefix + 1) };
}

/** A string that two keys share only when their bytes are the same. */
export function keyName(key: Uint8Array): string {
  // Arguments of one call are limited; most keys are short, so that this is one call.
  if (key.byteLength <= 1024) return String.fromCharCode.apply(null, key as unknown as number[]);
  let name = "";
  for (let at = 0; at < key.byteLength; at += 1024)
    name += String.fromCharCode.apply(null, key.subarray(at, at + 1024) as unknown as number[]);
  return name;
}

/** Bytewise order, as LevelDB has it. */
export function compareBytes(one: Uint8Array, other: Uint8Array): number {
  const shared = Math.min(one.byteLength, other.byteLength);
  for (let at = 0; at < shared; at++) {
    const difference = (one[at] ?? 0) - (other[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return one.byteLength - other.byteLength;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A whole number below 2^53 in 8 bytes, big-endian. */
export function writeWhole(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, Math.floor(value / 2 ** 32));
  view.setUint32(offset + 4, value >>> 0);
}

/** The inverse of `writeWhole`. What is 2^53 or above is damaged: NaN, which equals and orders like nothing. */
export function readWhole(view: DataView, offset: number): number {
  const value = view.getUint32(offset) * 2 ** 32 + view.getUint32(offset + 4);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}
