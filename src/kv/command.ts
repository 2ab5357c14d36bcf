/**
 * @module
 * What a client's write becomes: a command in the log (design: "The state machine").
 *
 * On disk and wire a command is the CBOR of the positional array that `commandToWire` gives. Its first item is
 * the version of the format; a node refuses a version that it does not know.
 */

import { keyName } from "./keys.ts";
import {
  idempotencyKeyBytesMax,
  keepAliveLeasesMax,
  leaseTtlMsMax,
  leaseTtlMsMin,
  requestHashBytes,
} from "./limits.ts";
import type { KeyRange, Transaction } from "./transaction.ts";
import { rangeAt, transactionFromWire, transactionToWire } from "./transaction-wire.ts";
import { bytesAt, CommandFormatError, expectLength, itemsOf, keyAt, type WireItems, wholeAt } from "./wire.ts";

export { CommandFormatError } from "./wire.ts";

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

export const commandVersion = 2;

const opcodes = {
  put: 1,
  delete: 2,
  putAll: 3,
  putWithTtl: 4,
  deleteRange: 5,
  txn: 6,
  leaseGrant: 7,
  leaseKeepAlive: 8,
  leaseRevoke: 9,
  leaseExpire: 10,
  compact: 11,
  /** Idempotency key and hash of the request come first, then the operation. */
  keyed: 32,
} as const;
const conditionCodes = { none: 0, modRevision: 1, absent: 2, present: 3 } as const;
const originEnd = 2 ** 48;

/** The positional array that stands for the command on disk and wire; its CBOR is what the log carries. */
export function commandToWire(command: Command): unknown[] {
  const { origin, sequence, idempotency, operation } = command;
  if (idempotency === undefined) return operationToWire([commandVersion, origin, sequence], operation);
  const { key, requestHash } = idempotency;
  return operationToWire([commandVersion, origin, sequence, opcodes.keyed, key, requestHash], operation);
}

/** Gives `wire` with the operation behind what it holds already. */
function operationToWire(wire: unknown[], operation: Operation): unknown[] {
  switch (operation.kind) {
    case "put": {
      const { key, value, leaseId, ttlMs, condition } = operation;
      if (ttlMs === undefined) wire.push(opcodes.put, key, value, leaseId);
      else wire.push(opcodes.putWithTtl, key, value, ttlMs);
      wire.push(conditionCodes[condition.kind], revisionOf(condition));
      return wire;
    }
    case "delete":
      wire.push(opcodes.delete, operation.key);
      wire.push(conditionCodes[operation.condition.kind], revisionOf(operation.condition));
      return wire;
    case "putAll":
      wire.push(
        opcodes.putAll,
        operation.pairs.flatMap((pair) => [pair.key, pair.value]),
      );
      return wire;
    case "deleteRange":
      wire.push(opcodes.deleteRange, operation.range.from, operation.range.to);
      return wire;
    case "txn":
      wire.push(opcodes.txn, transactionToWire(operation.transaction));
      return wire;
    case "leaseGrant":
      wire.push(opcodes.leaseGrant, operation.ttlMs);
      return wire;
    case "leaseKeepAlive":
      wire.push(opcodes.leaseKeepAlive, operation.leaseIds);
      return wire;
    case "leaseRevoke":
      wire.push(opcodes.leaseRevoke, operation.leaseId);
      return wire;
    case "leaseExpire":
      wire.push(opcodes.leaseExpire, operation.leaseId, operation.renewal);
      return wire;
    case "compact":
      wire.push(opcodes.compact, operation.revision);
      return wire;
  }
}

/** The inverse of `commandToWire`. Throws `CommandFormatError` for anything else than what it gives. */
export function commandFromWire(wire: unknown): Command {
  const items = itemsOf(wire, "it");
  if (items[0] !== commandVersion)
    throw new CommandFormatError(`its version is ${String(items[0])}, this node knows ${commandVersion}`);
  const origin = wholeAt(items, 1);
  if (origin >= originEnd) throw new CommandFormatError("its origin is out of range");
  const sequence = wholeAt(items, 2);
  if (sequence === 0) throw new CommandFormatError("its sequence is 0");
  if (items[3] !== opcodes.keyed) return { origin, sequence, operation: operationFromWire(items, 3) };
  const idempotency = idempotencyFromWire(items);
  return { origin, sequence, idempotency, operation: operationFromWire(items, 6) };
}

function idempotencyFromWire(items: WireItems): Idempotency {
  const key = keyAt(items, 4);
  const requestHash = bytesAt(items, 5);
  if (key.byteLength > idempotencyKeyBytesMax || requestHash.byteLength !== requestHashBytes)
    throw new CommandFormatError("its idempotency key or hash has a length that neither has");
  return { key, requestHash };
}

function operationFromWire(items: WireItems, at: number): Operation {
  switch (items[at]) {
    case opcodes.put:
      expectLength(items, at + 6);
      return {
        kind: "put",
        key: keyAt(items, at + 1),
        value: bytesAt(items, at + 2),
        leaseId: wholeAt(items, at + 3),
        condition: conditionAt(items, at + 4),
      };
    case opcodes.putWithTtl:
      expectLength(items, at + 6);
      return {
        kind: "put",
        key: keyAt(items, at + 1),
        value: bytesAt(items, at + 2),
        leaseId: 0,
        ttlMs: ttlAt(items, at + 3),
        condition: conditionAt(items, at + 4),
      };
    case opcodes.delete:
      expectLength(items, at + 4);
      return { kind: "delete", key: keyAt(items, at + 1), condition: conditionAt(items, at + 2) };
    case opcodes.putAll:
      expectLength(items, at + 2);
      return { kind: "putAll", pairs: pairsFromWire(items[at + 1]) };
    case opcodes.deleteRange:
      expectLength(items, at + 3);
      return { kind: "deleteRange", range: rangeAt(items, at + 1) };
    case opcodes.txn:
      expectLength(items, at + 2);
      return { kind: "txn", transaction: transactionFromWire(items[at + 1]) };
    case opcodes.compact:
      expectLength(items, at + 2);
      return { kind: "compact", revision: wholeAt(items, at + 1) };
    default:
      return leaseOperationFromWire(items, at);
  }
}

function leaseOperationFromWire(items: WireItems, at: number): Operation {
  switch (items[at]) {
    case opcodes.leaseGrant:
      expectLength(items, at + 2);
      return { kind: "leaseGrant", ttlMs: ttlAt(items, at + 1) };
    case opcodes.leaseKeepAlive: {
      expectLength(items, at + 2);
      const ids = itemsOf(items[at + 1], "its list of leases");
      if (ids.length === 0 || ids.length > keepAliveLeasesMax)
        throw new CommandFormatError(`it keeps ${ids.length} leases alive`);
      return { kind: "leaseKeepAlive", leaseIds: ids.map((_, place) => wholeAt(ids, place)) };
    }
    case opcodes.leaseRevoke:
      expectLength(items, at + 2);
      return { kind: "leaseRevoke", leaseId: wholeAt(items, at + 1) };
    case opcodes.leaseExpire:
      expectLength(items, at + 3);
      return { kind: "leaseExpire", leaseId: wholeAt(items, at + 1), renewal: wholeAt(items, at + 2) };
    default:
      throw new CommandFormatError(`its operation is ${String(items[at])}`);
  }
}

function ttlAt(items: WireItems, at: number): number {
  const ttlMs = wholeAt(items, at);
  if (ttlMs < leaseTtlMsMin || ttlMs > leaseTtlMsMax) throw new CommandFormatError(`a time to live of ${ttlMs} ms`);
  return ttlMs;
}

function pairsFromWire(flat: unknown): readonly KeyValue[] {
  if (!Array.isArray(flat) || flat.length === 0 || flat.length % 2 !== 0)
    throw new CommandFormatError("its pairs are not keys and values");
  const items: WireItems = flat;
  const pairs: KeyValue[] = [];
  const seen = new Set<string>();
  for (let at = 0; at < items.length; at += 2) {
    const key = keyAt(items, at);
    seen.add(keyName(key));
    pairs.push({ key, value: bytesAt(items, at + 1) });
  }
  if (seen.size !== pairs.length) throw new CommandFormatError("it puts one key twice");
  return pairs;
}

const noCondition: Condition = { kind: "none" };
const ifAbsent: Condition = { kind: "absent" };
const ifPresent: Condition = { kind: "present" };

function conditionAt(items: WireItems, at: number): Condition {
  const code = items[at];
  const revision = wholeAt(items, at + 1);
  if (code === conditionCodes.modRevision) return { kind: "modRevision", revision };
  if (revision !== 0) throw new CommandFormatError("its condition has a revision that it does not use");
  switch (code) {
    case conditionCodes.none:
      return noCondition;
    case conditionCodes.absent:
      return ifAbsent;
    case conditionCodes.present:
      return ifPresent;
    default:
      throw new CommandFormatError(`its condition is ${String(code)}`);
  }
}

function revisionOf(condition: Condition): number {
  return condition.kind === "modRevision" ? condition.revision : 0;
}
