/**
 * @module
 * The state as a reader sees it: what ingress answers reads from, on its own thread, while the store goes on
 * writing.
 */

import type { ChangePosition } from "./keys.ts";
import type { Result } from "./result.ts";
import type { KeyRange, Order, Transaction } from "./transaction.ts";

export interface KeyRecord {
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  /** Puts since the key was created, from 1. */
  readonly version: number;
  /** 0: none. */
  readonly leaseId: number;
}

export interface KeyRead {
  /** The store revision that `record` belongs to, exactly. */
  readonly revision: number;
  readonly record: KeyRecord | undefined;
}

/** A key and its record as a listing has it. */
export interface KeyItem {
  readonly key: Uint8Array;
  /** Null when values were not asked for. */
  readonly value: Uint8Array | null;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly leaseId: number;
}

/** Read-only. Every function throws a StorageError when a row does not verify: it is never answered. */
export interface StateView {
  /** Synchronous: one key as of now, at the least cost. */
  read(key: Uint8Array): KeyRead;
  /** The revision applied here. */
  revision(): number;
  /** The whole state as of now, for answers whose parts have to agree. Synchronous; must be closed soon. */
  moment(): StateMoment;
  /** What is read from its moments afterwards rejects with `MomentClosedError`. */
  close(): Promise<void>;
}

/** The state was replaced or closed under a reader: what it was reading can be asked for again, and may be compacted. */
export class MomentClosedError extends Error {
  constructor() {
    super("the state that was being read has been replaced by a newer one");
    this.name = "MomentClosedError";
  }
}

/** Whether a moment can say what was at a revision: not when history before `compactedRevision` is gone, nor of what is not applied here. */
export type RevisionStanding = "compacted" | "readable" | "future";

/** The state as of one revision, however long it is held. Holding it keeps disk space: minutes, not hours. */
export interface StateMoment {
  /** Exactly: what this moment shows. */
  readonly revision: number;
  /** The oldest revision that can be asked for; 0 when nothing was compacted yet. The same on every node. */
  readonly compactedRevision: number;
  /** Changes above it are still here: at most `compactedRevision`, and how far below that is each node's own. */
  readonly historyFrom: number;
  /** Cluster time of the last entry applied, in milliseconds. */
  readonly time: number;
  standingOf(revision: number): RevisionStanding;
  get(key: Uint8Array): KeyRecord | undefined;
  /** What the key was at that revision, which must be "readable". Given up, as if it had not been there, once it is not wanted. */
  getAt(key: Uint8Array, revision: number, isWanted: () => boolean): Promise<KeyRecord | undefined>;
  /** Lists keys; closed by the caller, before the moment. */
  range(query: RangeQuery): RangeCursor;
  changes(ask: ChangesAsk): Promise<ChangesRead>;
  /** Answers a transaction that only reads (`isReadOnly`): `txn`, or `tooLarge`. */
  transact(transaction: Transaction): Promise<Result>;
  lease(leaseId: number): Lease | undefined;
  /** At most `limit` leases with ids above `after`, ascending. */
  leases(ask: { readonly after: number; readonly limit: number }): Promise<readonly Lease[]>;
  /** At most `limit` keys of the lease above `after` (null: from the first), in order. */
  leaseKeys(ask: LeaseKeysAsk): Promise<readonly Uint8Array[]>;
  close(): Promise<void>;
}

export interface RangeQuery {
  readonly range: KeyRange;
  readonly order: Order;
  /** As of this revision, which must be "readable". */
  readonly revision: number;
  readonly values: boolean;
}

/** What one step may read at most, whether items come of it or not. */
export interface StepBounds {
  readonly rowsMax: number;
  readonly bytesMax: number;
}

export interface RangeStep {
  /** In order; may be none although more follow. */
  readonly items: readonly KeyItem[];
  /** Whether the range has been read to its end. */
  readonly done: boolean;
}

export interface RangeCursor {
  /** The next items of the listing. One call at a time. */
  next(bounds: StepBounds): Promise<RangeStep>;
  close(): Promise<void>;
}

export interface ChangesAsk {
  /** Changes above this position. `afterRevision(r)` is the end of revision r, which must not be below `historyFrom`. */
  readonly after: ChangePosition;
  /** Only changes of keys in one of these; null: all. */
  readonly ranges: readonly KeyRange[] | null;
  /** Of these, only changes of keys for which it says so. Asked at any time until the changes are given. */
  readonly isWanted?: (key: Uint8Array) => boolean;
  /** What is read at most, roughly: the bytes of one chunk of history more. */
  readonly bytesMax: number;
}

/** One change of one key; `ordinal` is its place in its command, from 0, over all keys. */
export interface KeyChange extends ChangePosition {
  readonly key: Uint8Array;
  /** Null: the key was deleted. */
  readonly record: KeyRecord | null;
  /** What the key was before; null when it was not there. */
  readonly previous: KeyRecord | null;
}

export interface ChangesRead {
  /** In order, without gaps up to `through`. */
  readonly changes: readonly KeyChange[];
  /** Everything up to here is given; ask `after` it next. In the middle of a command only when its changes exceed the bounds. */
  readonly through: ChangePosition;
  /** Whether the moment holds more changes above `through`. */
  readonly more: boolean;
}

export interface Lease {
  readonly leaseId: number;
  readonly ttlMs: number;
  /** Cluster time before which it does not expire. It has so long left at the moment's `time`, less what has passed since that was applied here. */
  readonly dueTime: number;
  /** Moves on whenever the lease is kept alive. */
  readonly renewal: number;
  /** How many keys are attached. */
  readonly keys: number;
  /** Granted with a put, for its key alone: it goes when that key is deleted or put without it. */
  readonly implicit: boolean;
}

export interface LeaseKeysAsk {
  readonly leaseId: number;
  readonly after: Uint8Array | null;
  readonly limit: number;
}
