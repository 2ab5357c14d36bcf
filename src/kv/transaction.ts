/**
 * @module
 * Transactions: compares, and what is done when they all hold or when one does not.
 */

import { compareBytes } from "./keys.ts";

/** Keys in [from, to), in order of bytes. An empty `from` is below every key, `to` null above every key. */
export interface KeyRange {
  readonly from: Uint8Array;
  readonly to: Uint8Array | null;
}

export type Order = "asc" | "desc";

export const compareOperators = ["=", "!=", "<", ">"] as const;
export type CompareOperator = (typeof compareOperators)[number];

export const numberTargets = ["version", "createRevision", "modRevision"] as const;
export type NumberTarget = (typeof numberTargets)[number];

/**
 * What must hold of a key. One that is not there has version and revisions 0, and no value: whatever is asked of
 * its value does not hold, "!=" included. Values are ordered by bytes.
 */
export type Compare =
  | {
      readonly key: Uint8Array;
      readonly target: "value";
      readonly operator: CompareOperator;
      readonly operand: Uint8Array;
    }
  | {
      readonly key: Uint8Array;
      readonly target: NumberTarget;
      readonly operator: CompareOperator;
      readonly operand: number;
    };

export type TransactionOperation =
  /** `leaseId` 0: no lease. `ttlMs` above 0 grants one for this key alone, and `leaseId` is 0. */
  | {
      readonly kind: "put";
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      readonly leaseId: number;
      readonly ttlMs: number;
    }
  | { readonly kind: "get"; readonly key: Uint8Array }
  /** At most `limit` items (1 to `rangeLimitMax`); without `values` they come without their value. */
  | {
      readonly kind: "range";
      readonly range: KeyRange;
      readonly order: Order;
      readonly limit: number;
      readonly values: boolean;
    }
  | { readonly kind: "delete"; readonly key: Uint8Array }
  | { readonly kind: "deleteRange"; readonly range: KeyRange }
  | { readonly kind: "txn"; readonly transaction: Transaction };

/** Each operation sees what those before it did. All or nothing, in one revision. */
export interface Transaction {
  readonly compares: readonly Compare[];
  /** Done when all compares hold. */
  readonly success: readonly TransactionOperation[];
  /** Done when one does not. */
  readonly failure: readonly TransactionOperation[];
}

/** All operations and compares, in both branches and in nested transactions; a nested one counts as an operation too. */
export function sizeOf(transaction: Transaction): { readonly operations: number; readonly compares: number } {
  let compares = transaction.compares.length;
  let operations = 0;
  for (const operation of [...transaction.success, ...transaction.failure]) {
    operations += 1;
    if (operation.kind !== "txn") continue;
    const nested = sizeOf(operation.transaction);
    operations += nested.operations;
    compares += nested.compares;
  }
  return { operations, compares };
}

/** Whether it changes nothing, whatever its compares say: then it needs no place in the log. */
export function isReadOnly({ success, failure }: Transaction): boolean {
  return [...success, ...failure].every(
    (operation) =>
      operation.kind === "get" ||
      operation.kind === "range" ||
      (operation.kind === "txn" && isReadOnly(operation.transaction)),
  );
}

/**
 * Whether some way through the transaction changes a key twice. Judged without the state: the keys and ranges that
 * are put or deleted along one way must not overlap, whether there is such a key or not.
 */
export function changesKeyTwice(transaction: Transaction): boolean {
  return changesOf(transaction) === null;
}

/** What any way through it may change; null when along one way a key is changed twice. */
function changesOf({ success, failure }: Transaction): readonly KeyRange[] | null {
  const ways: KeyRange[] = [];
  for (const branch of [success, failure]) {
    const changed: KeyRange[] = [];
    for (const operation of branch) {
      const changes = rangesOf(operation);
      if (changes === null) return null;
      if (changes.some((one) => changed.some((other) => overlap(one, other)))) return null;
      changed.push(...changes);
    }
    ways.push(...changed);
  }
  return ways;
}

function rangesOf(operation: TransactionOperation): readonly KeyRange[] | null {
  switch (operation.kind) {
    case "put":
    case "delete":
      return [{ from: operation.key, to: successorOf(operation.key) }];
    case "deleteRange":
      return [operation.range];
    case "get":
    case "range":
      return [];
    case "txn":
      return changesOf(operation.transaction);
  }
}

function overlap(one: KeyRange, other: KeyRange): boolean {
  return isBelow(one.from, other.to) && isBelow(other.from, one.to) && !isEmptyRange(one) && !isEmptyRange(other);
}

function isBelow(key: Uint8Array, to: Uint8Array | null): boolean {
  return to === null || compareBytes(key, to) < 0;
}

/** Whether no key can be in it. */
export function isEmptyRange({ from, to }: KeyRange): boolean {
  return to !== null && compareBytes(from, to) >= 0;
}

export function isInRange(key: Uint8Array, { from, to }: KeyRange): boolean {
  return compareBytes(key, from) >= 0 && isBelow(key, to);
}

/** The least key above `key`. */
export function successorOf(key: Uint8Array): Uint8Array {
  const successor = new Uint8Array(key.byteLength + 1);
  successor.set(key);
  return successor;
}

/** All keys that begin with `prefix`. */
export function rangeOfPrefix(prefix: Uint8Array): KeyRange {
  let end = prefix.byteLength;
  while (end > 0 && prefix[end - 1] === 0xff) end--;
  if (end === 0) return { from: prefix, to: null };
  // A copy: `slice` of a Buffer is none.
  const to = new Uint8Array(prefix.subarray(0, end));
  to[end - 1] = (to[end - 1] ?? 0) + 1;
  return { from: prefix, to };
}
