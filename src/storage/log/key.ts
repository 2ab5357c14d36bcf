/**
 * @module
 * The keys of the log's rows: meta rows under the prefix 0, records under the prefix of their lane.
 *
 * A lane is the prefix byte of one life of the log. Dropping every entry is a move to the next lane, named in
 * the start row: one small write, however many rows there were. Rows of other lanes are never looked at, only
 * swept.
 */

import type { LogIndex } from "../../raft/types.ts";
import { readU64, writeU64 } from "./record.ts";

/** The prefix byte of records; from `firstLane` to `lastLane`, then from the first again. */
export type Lane = number;

export const firstLane: Lane = 0x10;
export const lastLane: Lane = 0xfe;

export const hardStateKey: Buffer = Buffer.from([0, 1]);
export const startKey: Buffer = Buffer.from([0, 2]);

export function nextLane(lane: Lane): Lane {
  return lane === lastLane ? firstLane : lane + 1;
}

export const entryKeyBytes = 9;

/** Of the record that begins with the entry; sorts as (lane, index). */
export function entryKey(lane: Lane, index: LogIndex): Buffer {
  const key = Buffer.allocUnsafe(entryKeyBytes);
  key[0] = lane;
  writeU64(key, 1, index);
  return key;
}

/** Keys in [from, to). */
export interface KeyRange {
  readonly from: Buffer;
  readonly to: Buffer;
}

export function laneRange(lane: Lane): KeyRange {
  return { from: Buffer.from([lane]), to: Buffer.from([lane + 1]) };
}

/** Above `key`, by about so many entries of its lane, whose end it may be: a damaged key is long, short, or of no index. */
export function keyAfter(key: Buffer, entries: number): Buffer {
  const whole = Buffer.alloc(entryKeyBytes);
  key.copy(whole);
  const lane = whole.readUInt8(0);
  const index = readU64(whole, 1) + entries;
  return Number.isSafeInteger(index) ? entryKey(lane, index) : laneRange(lane).to;
}

/** Every record, dead or alive. */
export const allEntries: KeyRange = { from: Buffer.from([firstLane]), to: Buffer.from([lastLane + 1]) };

/** The records that no longer count when the log is in `lane` and starts after `startIndex`, where one of them ends. */
export function deadRanges(lane: Lane, startIndex: LogIndex): readonly [below: KeyRange, above: KeyRange] {
  return [
    { from: allEntries.from, to: entryKey(lane, startIndex + 1) },
    { from: laneRange(lane).to, to: allEntries.to },
  ];
}
