/**
 * @module
 * What a client's write becomes: a command in the log (design: "The state machine").
 *
 * What a command is on disk and wire is said in src/codec/command.ts.
 */

import type { KeyRange, Transaction } from "./transaction.ts";

/** What must hold of the key for the command to change anything. */
export type Condition =
  | { readonly kind: "none" }
  /** The key is there, last changed at exactly this revision (If-Match). */
  | { readonly kind: "modRevision"; readonly revision: number }
  /** The key is not there (If-None-Match: *). */
  | { readonly kind: "absent" }
  /** The key is there (If-Match: *). */
  | { readonly kind: "present" };

export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export type Operation =
  /** `leaseId` 0: no lease. `ttlMs` grants a lease for this key alone, and `leaseId` is 0. */
  | {
      readonly kind: "put";
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      readonly leaseId: number;
      readonly ttlMs?: number;
      readonly condition: Condition;
    }
  | { readonly kind: "delete"; readonly key: Uint8Array; readonly condition: Condition }
  /** All or nothing, in one revision; no key twice. */
  | { readonly kind: "putAll"; readonly pairs: readonly KeyValue[] }
  /** All keys in the range, in one revision. */
  | { readonly kind: "deleteRange"; readonly range: KeyRange }
  | { readonly kind: "txn"; readonly transaction: Transaction }
  | { readonly kind: "leaseGrant"; readonly ttlMs: number }
  | { readonly kind: "leaseKeepAlive"; readonly leaseIds: readonly number[] }
  /** Ends the lease and deletes its keys. */
  | { readonly kind: "leaseRevoke"; readonly leaseId: number }
  /** As `leaseRevoke`, proposed by the leader's store when the time is up; nothing happens when `renewal` has moved on. */
  | { readonly kind: "leaseExpire"; readonly leaseId: number; readonly renewal: number }
  /** What was before `revision` cannot be asked for any more. */
  | { readonly kind: "compact"; readonly revision: number };

/** What makes a command that is sent again the same command. */
export interface Idempotency {
  /** The client's, 1 to `idempotencyKeyBytesMax` bytes. */
  readonly key: Uint8Array;
  /** Of the request as the client sent it: `requestHashBytes` bytes. */
  readonly requestHash: Uint8Array;
}

export interface Command {
  /** The process that took the request: random below 2^48. 0: proposed by a store, and nobody waits for its result. */
  readonly origin: number;
  /** Counts that process's requests, from 1. */
  readonly sequence: number;
  /** With it the command is executed once however often it is in the log, and each time answered with the first outcome. */
  readonly idempotency?: Idempotency;
  readonly operation: Operation;
}
