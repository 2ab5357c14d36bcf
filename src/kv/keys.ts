/**
 * @module
 * The keys of the rows that the state is stored in: one prefix byte, then what orders the rows of that kind.
 *
 * | prefix | then | row |
 * |---|---|---|
 * | `c` | – | the configuration as of `appliedIndex` |
 * | `h` | first revision (8 bytes), place in its command (4) | a chunk of history (`history.ts`) |
 * | `k` | the user's key | its current record, or what is left of a deleted one (`record.ts`) |
 * | `m` | – | where the state stands (`meta.ts`) |
 * | `n` | number of the batch (8 bytes) | that this batch is there (`meta.ts`) |
 *
 * Numbers are big-endian, so that bytewise order is theirs.
 */

import { allocate } from "./arena.ts";

export const rowPrefixes = { configuration: 0x63, history: 0x68, current: 0x6b, meta: 0x6d, batch: 0x6e } as const;

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
  const row = allocate(9);
  row[0] = rowPrefixes.batch;
  writeWhole(viewOf(row), 1, batch);
  return row;
}

export function numberOfBatch(row: Uint8Array): number {
  return readWhole(viewOf(row), 1);
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
