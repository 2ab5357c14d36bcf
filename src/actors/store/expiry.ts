/**
 * @module
 * What the leader's store does about leases: it proposes to end those whose time is up. Whether it is, the command
 * decides anew when it is applied; here nothing depends on being right, only on looking in time.
 *
 * Leases lie in the order in which they would be due had the term not changed. A pass reads them from the first up
 * to the present time, a piece for each word of the time, and then knows when the next one can be due.
 */

import { crc32 } from "node:zlib";
import { dueOfKey, leaseKey } from "../../kv/keys.ts";
import { decodeLease, dueTimeOf } from "../../kv/lease.ts";
import type { Row } from "../../kv/row.ts";
import { successorOf } from "../../kv/transaction.ts";
import type { Leading, Time } from "../protocol/raft-store.ts";
import type { Expiry } from "./expiry-state.ts";
import { propose } from "./propose.ts";
import { isInstalling, type StoreState } from "./state.ts";

/** Leases looked at for each word of the time: bounds what is proposed at once. */
export const dueRowsMax = 1024;
/** A proposal that came to nothing is made again so much later. */
const retryMs = 1000;

export function onLeading(state: StoreState, { leading, term }: Leading): void {
  const { expiry } = state;
  expiry.term = leading ? term : null;
  expiry.now = 0;
  lookAnew(expiry);
  state.compaction = null;
}

export function onTime({ expiry }: StoreState, { term, time }: Time): void {
  if (expiry.term !== term) return;
  expiry.now = time;
  expiry.isTold = true;
}

/** A batch has granted or renewed leases; the first of them would be due then. */
export function onLeasesChanged({ expiry }: StoreState, earliestDue: number): void {
  expiry.nextLook = Math.min(expiry.nextLook, earliestDue);
  expiry.earliest = Math.min(expiry.earliest, earliestDue);
}

export function beginExpiry(state: StoreState): void {
  const { expiry, meta } = state;
  // Before an entry of its term is applied here, this leader does not know when the term began.
  if (expiry.term === null || expiry.term !== meta.appliedTerm) return;
  if (!expiry.isTold || expiry.isReading || meta.leases === 0 || isInstalling(state)) return;
  if (expiry.from === null && expiry.now < expiry.nextLook) return;
  expiry.isTold = false;
  expiry.isReading = true;
  state.outbox.tasks.push({ kind: "readDue", from: expiry.from, rowsMax: dueRowsMax });
}

/** `rows` are the next of those in order of time; fewer than were asked for are the last. */
export function onDueRead(state: StoreState, rows: readonly Row[]): void {
  const { expiry } = state;
  expiry.isReading = false;
  if (expiry.term === null || expiry.term !== state.meta.appliedTerm || isInstalling(state)) return lookAnew(expiry);
  for (const { key } of rows) {
    const { time, leaseId } = dueOfKey(key);
    if (time > expiry.now) return endPass(expiry, time);
    lookAt(state, leaseId);
  }
  const last = rows.at(-1);
  if (last === undefined || rows.length < dueRowsMax) return endPass(expiry, Number.POSITIVE_INFINITY);
  expiry.from = successorOf(last.key);
}

function lookAt(state: StoreState, leaseId: number): void {
  const { expiry, generation, meta } = state;
  const rowKey = leaseKey(leaseId);
  const row = generation.reader.get(rowKey);
  if (row === undefined) return;
  const lease = decodeLease(rowKey, row, crc32);
  const dueTime = dueTimeOf(lease, meta.termStartTime);
  const isDue = dueTime <= expiry.now;
  if (isDue) propose(state, { kind: "leaseExpire", leaseId, renewal: lease.renewal });
  expiry.earliest = Math.min(expiry.earliest, isDue ? expiry.now + retryMs : dueTime);
}

function endPass(expiry: Expiry, next: number): void {
  expiry.nextLook = Math.min(expiry.earliest, next);
  expiry.earliest = Number.POSITIVE_INFINITY;
  expiry.from = null;
}

function lookAnew(expiry: Expiry): void {
  expiry.from = null;
  expiry.earliest = Number.POSITIVE_INFINITY;
  expiry.nextLook = 0;
}
