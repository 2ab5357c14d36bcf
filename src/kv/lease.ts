/**
 * @module
 * Leases: rows that end together, with the keys attached to them, when nobody keeps them alive.
 *
 * A lease's row: crc-32 of its key and of all that follows (4 bytes); version of the format (1); 1 when it is
 * implicit, else 0 (1); time to live in ms (8); cluster time of its last renewal (8); how often it was renewed (8);
 * keys attached (8); bytes of these keys and their records (8).
 *
 * Time is the entries' stamps alone. A lease may end once its time to live has passed since it was renewed and since
 * the present term began: a new leader cannot know how long the old one has kept clients waiting.
 */

import { allocate } from "./arena.ts";
import {
  attachmentKey,
  attachmentScan,
  dueKey,
  keyOfAttachment,
  leaseKey,
  readWhole,
  viewOf,
  writeWhole,
} from "./keys.ts";
import { type Crc32, RecordFormatError } from "./record.ts";
import type { StagedRows } from "./staged-rows.ts";
import type { Lease } from "./state-view.ts";

export interface LeaseRecord {
  readonly ttlMs: number;
  /** Granted with a put, for its key alone: it goes with that key. */
  readonly implicit: boolean;
  /** Cluster time in ms. */
  readonly renewedTime: number;
  readonly renewal: number;
  readonly keys: number;
  readonly bytes: number;
}

const formatVersion = 1;
const rowBytes = 46;
const attached = new Uint8Array(0);

export function encodeLease(rowKey: Uint8Array, lease: LeaseRecord, crc32: Crc32): Uint8Array {
  const row = allocate(rowBytes);
  const view = viewOf(row);
  row[4] = formatVersion;
  row[5] = lease.implicit ? 1 : 0;
  writeWhole(view, 6, lease.ttlMs);
  writeWhole(view, 14, lease.renewedTime);
  writeWhole(view, 22, lease.renewal);
  writeWhole(view, 30, lease.keys);
  writeWhole(view, 38, lease.bytes);
  view.setUint32(0, crc32(row.subarray(4), crc32(rowKey)));
  return row;
}

/** Throws `RecordFormatError` when the row does not verify. */
export function decodeLease(rowKey: Uint8Array, row: Uint8Array, crc32: Crc32): LeaseRecord {
  const view = viewOf(row);
  if (row.byteLength !== rowBytes || view.getUint32(0) !== crc32(row.subarray(4), crc32(rowKey)))
    throw new RecordFormatError("the checksum of a lease is wrong");
  if (row[4] !== formatVersion) throw new RecordFormatError(`a lease of format ${row[4] ?? 0}`);
  return {
    implicit: row[5] === 1,
    ttlMs: readWhole(view, 6),
    renewedTime: readWhole(view, 14),
    renewal: readWhole(view, 22),
    keys: readWhole(view, 30),
    bytes: readWhole(view, 38),
  };
}

/** Cluster time from which the lease may end, in a term that began at `termStartTime`. */
export function dueTimeOf({ renewedTime, ttlMs }: LeaseRecord, termStartTime: number): number {
  return Math.max(renewedTime, termStartTime) + ttlMs;
}

/** As readers are shown it. */
export function leaseOf(leaseId: number, lease: LeaseRecord, termStartTime: number): Lease {
  const { ttlMs, renewal, keys, implicit } = lease;
  return { leaseId, ttlMs, dueTime: dueTimeOf(lease, termStartTime), renewal, keys, implicit };
}

/** The leases as the commands of a batch so far have left them. */
export class LeaseTable {
  readonly #rows: StagedRows;
  readonly #crc32: Crc32;
  /** Implicit leases that the present command has taken the last key from. */
  readonly #emptied: number[] = [];
  /** How many there are. */
  count: number;
  /** The earliest time at which a lease that the batch has granted or renewed can end. */
  earliestDue: number = Number.POSITIVE_INFINITY;

  constructor(rows: StagedRows, crc32: Crc32, count: number) {
    this.#rows = rows;
    this.#crc32 = crc32;
    this.count = count;
  }

  get(leaseId: number): LeaseRecord | undefined {
    const rowKey = leaseKey(leaseId);
    const row = this.#rows.get(rowKey);
    return row === undefined ? undefined : decodeLease(rowKey, row, this.#crc32);
  }

  grant(leaseId: number, ttlMs: number, time: number, implicit: boolean): void {
    this.count++;
    this.#set(leaseId, { ttlMs, implicit, renewedTime: time, renewal: 0, keys: 0, bytes: 0 });
    this.#setDue(leaseId, time + ttlMs);
  }

  renew(leaseId: number, lease: LeaseRecord, time: number): void {
    this.#rows.set(dueKey(lease.renewedTime + lease.ttlMs, leaseId), null);
    this.#set(leaseId, { ...lease, renewedTime: time, renewal: lease.renewal + 1 });
    this.#setDue(leaseId, time + lease.ttlMs);
  }

  /** The lease must be there. */
  attach(leaseId: number, key: Uint8Array, bytes: number): void {
    const lease = this.#present(leaseId);
    this.#rows.set(attachmentKey(leaseId, key), attached);
    this.#set(leaseId, { ...lease, keys: lease.keys + 1, bytes: lease.bytes + bytes });
  }

  /** A key of the lease was put again, and takes so many bytes more. */
  resize(leaseId: number, bytes: number): void {
    const lease = this.#present(leaseId);
    this.#set(leaseId, { ...lease, bytes: lease.bytes + bytes });
  }

  detach(leaseId: number, key: Uint8Array, bytes: number): void {
    const lease = this.#present(leaseId);
    this.#rows.set(attachmentKey(leaseId, key), null);
    this.#set(leaseId, { ...lease, keys: lease.keys - 1, bytes: lease.bytes - bytes });
    if (lease.implicit && lease.keys === 1) this.#emptied.push(leaseId);
  }

  /** After each command: an implicit lease whose key is gone goes too, unless the command has given it another. */
  settle(): void {
    for (let leaseId = this.#emptied.pop(); leaseId !== undefined; leaseId = this.#emptied.pop()) {
      const lease = this.get(leaseId);
      if (lease?.keys === 0) this.remove(leaseId, lease);
    }
  }

  /** No key may be attached any more. */
  remove(leaseId: number, lease: LeaseRecord): void {
    this.count--;
    this.#rows.set(leaseKey(leaseId), null);
    this.#rows.set(dueKey(lease.renewedTime + lease.ttlMs, leaseId), null);
  }

  /** All keys of the lease, in order. Throws `RowsMissingError` when they have not been read, `RecordFormatError` when some are lost. */
  keysOf(leaseId: number, lease: LeaseRecord): Uint8Array[] {
    const keys: Uint8Array[] = [];
    for (const row of this.#rows.rows(attachmentScan(leaseId))) keys.push(keyOfAttachment(row.key));
    if (keys.length !== lease.keys)
      throw new RecordFormatError(`lease ${leaseId} has ${lease.keys} keys, and ${keys.length} are attached to it`);
    return keys;
  }

  #present(leaseId: number): LeaseRecord {
    const lease = this.get(leaseId);
    if (lease === undefined) throw new RecordFormatError(`a key is attached to lease ${leaseId}, which is not there`);
    return lease;
  }

  #set(leaseId: number, lease: LeaseRecord): void {
    const rowKey = leaseKey(leaseId);
    this.#rows.set(rowKey, encodeLease(rowKey, lease, this.#crc32));
  }

  #setDue(leaseId: number, time: number): void {
    this.#rows.set(dueKey(time, leaseId), attached);
    this.earliestDue = Math.min(this.earliestDue, time);
  }
}
