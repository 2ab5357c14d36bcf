/**
 * @module
 * What became of a command, as the node that proposed it learns.
 */

import type { KeyItem } from "./state-view.ts";

/** Of one operation of a transaction, in the same place. */
export type TransactionResult =
  /** `leaseId` is that of the lease granted with it, else 0. */
  | { readonly kind: "put"; readonly modRevision: number; readonly leaseId: number }
  | { readonly kind: "get"; readonly item: KeyItem | null }
  | { readonly kind: "range"; readonly items: readonly KeyItem[] }
  | { readonly kind: "delete"; readonly deleted: number }
  | { readonly kind: "txn"; readonly succeeded: boolean; readonly results: readonly TransactionResult[] };

/** `ttlMs` 0: there is no such lease. */
export interface KeptLease {
  readonly leaseId: number;
  readonly ttlMs: number;
}

export type Result =
  /** `leaseId` is that of the lease granted with it. */
  | { readonly kind: "put"; readonly modRevision: number; readonly leaseId?: number }
  /** Of `delete` and `deleteRange`. */
  | { readonly kind: "deleted"; readonly deleted: number }
  | { readonly kind: "putAll" }
  /** `results` is null when an idempotency key was sent again and the results were too large to be kept. */
  | { readonly kind: "txn"; readonly succeeded: boolean; readonly results: readonly TransactionResult[] | null }
  | { readonly kind: "leaseGranted"; readonly leaseId: number; readonly ttlMs: number }
  /** In the order asked. */
  | { readonly kind: "leasesKept"; readonly leases: readonly KeptLease[] }
  /** The lease is over; so many keys went with it. */
  | { readonly kind: "leaseEnded"; readonly deleted: number }
  | { readonly kind: "compacted"; readonly compactedRevision: number }
  | Refusal;

/** Nothing changed. */
export type Refusal =
  /** `modRevision` of the present key, 0 when it is not there. */
  | { readonly kind: "conditionFailed"; readonly modRevision: number }
  | { readonly kind: "leaseNotFound"; readonly leaseId: number }
  /** The lease holds as many keys, or bytes of them, as one may. */
  | { readonly kind: "leaseFull"; readonly leaseId: number }
  | { readonly kind: "alreadyCompacted"; readonly compactedRevision: number }
  /** A revision, asked for by `compact`, that is 0 or has not been reached: the store stands at `revision`. */
  | { readonly kind: "wrongRevision"; readonly revision: number }
  /** One way through the transaction changes a key twice. */
  | { readonly kind: "keyChangedTwice" }
  /** It would delete more keys, or bytes of them, or answer more bytes, than one command may. */
  | { readonly kind: "tooLarge"; readonly what: "deletion" | "answer" }
  /** The idempotency key belongs to another request. Not remembered. */
  | { readonly kind: "idempotencyMismatch" }
  /** No room to remember another idempotency key: worth another try later. Not remembered. */
  | { readonly kind: "sessionsFull" };

const codes = {
  put: 1,
  deleted: 2,
  putAll: 3,
  conditionFailed: 4,
  txn: 5,
  leaseGranted: 6,
  leasesKept: 7,
  leaseEnded: 8,
  compacted: 9,
  leaseNotFound: 10,
  leaseFull: 11,
  alreadyCompacted: 12,
  wrongRevision: 13,
  keyChangedTwice: 14,
  tooLarge: 15,
  idempotencyMismatch: 16,
  sessionsFull: 17,
} as const;

/** Positional, for the edge between store and ingress, where it is part of a `WireResult`. */
export function resultToWire(result: Result): unknown[] {
  const code = codes[result.kind];
  switch (result.kind) {
    case "put":
      return result.leaseId === undefined ? [code, result.modRevision] : [code, result.modRevision, result.leaseId];
    case "deleted":
    case "leaseEnded":
      return [code, result.deleted];
    case "putAll":
    case "keyChangedTwice":
    case "idempotencyMismatch":
    case "sessionsFull":
      return [code];
    case "conditionFailed":
      return [code, result.modRevision];
    case "txn":
      return [code, result.succeeded, result.results?.map(transactionResultToWire) ?? null];
    case "leaseGranted":
      return [code, result.leaseId, result.ttlMs];
    case "leasesKept":
      return [code, result.leases.flatMap(({ leaseId, ttlMs }) => [leaseId, ttlMs])];
    case "compacted":
    case "alreadyCompacted":
      return [code, result.compactedRevision];
    case "leaseNotFound":
    case "leaseFull":
      return [code, result.leaseId];
    case "wrongRevision":
      return [code, result.revision];
    case "tooLarge":
      return [code, result.what];
  }
}

/** The inverse of `resultToWire`. Throws a RangeError for anything else. */
export function resultFromWire(wire: readonly unknown[]): Result {
  switch (wire[0]) {
    case codes.put: {
      const modRevision = numberAt(wire, 1);
      return wire.length === 2
        ? { kind: "put", modRevision }
        : { kind: "put", modRevision, leaseId: numberAt(wire, 2) };
    }
    case codes.deleted:
      return { kind: "deleted", deleted: numberAt(wire, 1) };
    case codes.putAll:
      return { kind: "putAll" };
    case codes.txn: {
      const results = wire[2] === null ? null : listAt(wire, 2).map(transactionResultFromWire);
      return { kind: "txn", succeeded: wire[1] === true, results };
    }
    case codes.leaseGranted:
      return { kind: "leaseGranted", leaseId: numberAt(wire, 1), ttlMs: numberAt(wire, 2) };
    case codes.leasesKept:
      return { kind: "leasesKept", leases: keptLeasesFromWire(listAt(wire, 1)) };
    case codes.leaseEnded:
      return { kind: "leaseEnded", deleted: numberAt(wire, 1) };
    case codes.compacted:
      return { kind: "compacted", compactedRevision: numberAt(wire, 1) };
    default:
      return refusalFromWire(wire);
  }
}

function refusalFromWire(wire: readonly unknown[]): Refusal {
  switch (wire[0]) {
    case codes.conditionFailed:
      return { kind: "conditionFailed", modRevision: numberAt(wire, 1) };
    case codes.leaseNotFound:
      return { kind: "leaseNotFound", leaseId: numberAt(wire, 1) };
    case codes.leaseFull:
      return { kind: "leaseFull", leaseId: numberAt(wire, 1) };
    case codes.alreadyCompacted:
      return { kind: "alreadyCompacted", compactedRevision: numberAt(wire, 1) };
    case codes.wrongRevision:
      return { kind: "wrongRevision", revision: numberAt(wire, 1) };
    case codes.keyChangedTwice:
      return { kind: "keyChangedTwice" };
    case codes.tooLarge:
      return { kind: "tooLarge", what: wire[1] === "deletion" ? "deletion" : "answer" };
    case codes.idempotencyMismatch:
      return { kind: "idempotencyMismatch" };
    case codes.sessionsFull:
      return { kind: "sessionsFull" };
    default:
      throw new RangeError(`unknown result ${String(wire[0])}`);
  }
}

const transactionCodes = { put: 1, get: 2, range: 3, delete: 4, txn: 5 } as const;

function transactionResultToWire(result: TransactionResult): unknown[] {
  const code = transactionCodes[result.kind];
  switch (result.kind) {
    case "put":
      return [code, result.modRevision, result.leaseId];
    case "get":
      return [code, result.item === null ? null : itemToWire(result.item)];
    case "range":
      return [code, result.items.map(itemToWire)];
    case "delete":
      return [code, result.deleted];
    case "txn":
      return [code, result.succeeded, result.results.map(transactionResultToWire)];
  }
}

function transactionResultFromWire(wire: unknown): TransactionResult {
  const items = listOf(wire);
  switch (items[0]) {
    case transactionCodes.put:
      return { kind: "put", modRevision: numberAt(items, 1), leaseId: numberAt(items, 2) };
    case transactionCodes.get:
      return { kind: "get", item: items[1] === null ? null : itemFromWire(items[1]) };
    case transactionCodes.range:
      return { kind: "range", items: listAt(items, 1).map(itemFromWire) };
    case transactionCodes.delete:
      return { kind: "delete", deleted: numberAt(items, 1) };
    case transactionCodes.txn:
      return { kind: "txn", succeeded: items[1] === true, results: listAt(items, 2).map(transactionResultFromWire) };
    default:
      throw new RangeError(`unknown result ${String(items[0])} of an operation`);
  }
}

function itemToWire({ key, value, createRevision, modRevision, version, leaseId }: KeyItem): unknown[] {
  return [key, value, createRevision, modRevision, version, leaseId];
}

function itemFromWire(wire: unknown): KeyItem {
  const items = listOf(wire);
  const [key, value] = items;
  if (!(key instanceof Uint8Array) || (value !== null && !(value instanceof Uint8Array)))
    throw new RangeError("not the wire form of an item");
  return {
    key,
    value,
    createRevision: numberAt(items, 2),
    modRevision: numberAt(items, 3),
    version: numberAt(items, 4),
    leaseId: numberAt(items, 5),
  };
}

function keptLeasesFromWire(flat: readonly unknown[]): readonly KeptLease[] {
  const leases: KeptLease[] = [];
  for (let at = 0; at < flat.length; at += 2)
    leases.push({ leaseId: numberAt(flat, at), ttlMs: numberAt(flat, at + 1) });
  return leases;
}

function numberAt(wire: readonly unknown[], at: number): number {
  const value = wire[at];
  if (typeof value !== "number") throw new RangeError("not the wire form of a result");
  return value;
}

function listAt(wire: readonly unknown[], at: number): readonly unknown[] {
  return listOf(wire[at]);
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new RangeError("not the wire form of a result");
  return value;
}
