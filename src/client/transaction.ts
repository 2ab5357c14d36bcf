/**
 * @module
 * Transactions: what a program writes, what goes over the wire, and what comes back.
 */

import type { JsonObject } from "./answer.ts";
import { jsonField, type KeyLike } from "./bytes.ts";
import { anyItemOf, arrayIn, type Item, itemOf, type KeyHead, numberIn, objectOf } from "./item.ts";
import { type KeyRange, type Order, rangeFields } from "./range.ts";

export type CompareOperator = "=" | "!=" | "<" | ">";

/**
 * What must hold of a key. One that does not exist has version and revisions 0; nothing holds of its value, "!="
 * included. Values are ordered by bytes.
 */
export type Compare =
  | {
      readonly key: KeyLike;
      readonly target: "value";
      readonly op: CompareOperator;
      readonly operand: KeyLike;
    }
  | {
      readonly key: KeyLike;
      readonly target: "version" | "createRevision" | "modRevision";
      readonly op: CompareOperator;
      readonly operand: number;
    };

export interface PutOperation {
  readonly key: KeyLike;
  readonly value: KeyLike;
  /** 1 s to a year; not beside `lease`. */
  readonly ttlMs?: number | undefined;
  readonly lease?: string | undefined;
}

export type RangeOperation = KeyRange & {
  /** By bytes; default `asc`. */
  readonly order?: Order | undefined;
  /** 1 to 10 000, default 1000. */
  readonly limit?: number | undefined;
  /** Default true. */
  readonly values?: boolean | undefined;
};

export type Operation =
  | { readonly put: PutOperation }
  | { readonly get: { readonly key: KeyLike } }
  | { readonly range: RangeOperation }
  | { readonly delete: { readonly key: KeyLike } | KeyRange }
  | { readonly txn: Transaction };

/**
 * All or nothing, in one revision; later operations see what earlier ones did. At most 128 operations and 128 compares,
 * those of both branches and of nested transactions counted; no key changed twice along one way through it.
 */
export interface Transaction {
  /** All of them must hold. None: they do. */
  readonly if?: readonly Compare[] | undefined;
  /** Done when they hold. */
  readonly then?: readonly Operation[] | undefined;
  /** Done when one does not. */
  readonly else?: readonly Operation[] | undefined;
}

/** One for each operation of the branch that was taken, in order, under the same name. */
export type OperationResult =
  | { readonly put: { readonly modRevision: number; readonly lease?: string } }
  | { readonly get: Item | null }
  | { readonly range: { readonly items: readonly (KeyHead | Item)[] } }
  | { readonly delete: { readonly deleted: number } }
  | { readonly txn: { readonly succeeded: boolean; readonly results: readonly OperationResult[] } };

export interface TransactionResult {
  /** Whether all compares held. */
  readonly succeeded: boolean;
  /** The store's after the transaction. */
  readonly revision: number;
  /**
   * Null only when the answer to a write got lost, the cluster was asked again, and the results were too large
   * (above 4 KiB) to be remembered: what was written is written, and what was read has to be read again.
   */
  readonly results: readonly OperationResult[] | null;
}

/** Whether it changes nothing, whatever its compares say. */
export function isReadOnly(transaction: Transaction): boolean {
  return [...(transaction.then ?? []), ...(transaction.else ?? [])].every(
    (operation) => "get" in operation || "range" in operation || ("txn" in operation && isReadOnly(operation.txn)),
  );
}

export function transactionToWire(transaction: Transaction): JsonObject {
  const { if: compares, then: held, else: failed } = transaction;
  return {
    ...(compares === undefined ? {} : { if: compares.map(compareToWire) }),
    ...(held === undefined ? {} : { then: held.map(operationToWire) }),
    ...(failed === undefined ? {} : { else: failed.map(operationToWire) }),
  };
}

function compareToWire(compare: Compare): JsonObject {
  const { key, target, op } = compare;
  const operand = compare.target === "value" ? jsonField("operand", compare.operand) : { operand: compare.operand };
  return { ...jsonField("key", key), target, op, ...operand };
}

function operationToWire(operation: Operation): JsonObject {
  if ("put" in operation) return { put: putToWire(operation.put) };
  if ("get" in operation) return { get: jsonField("key", operation.get.key) };
  if ("range" in operation) {
    const { order, limit, values } = operation.range;
    return { range: { ...rangeFields(operation.range), order, limit, values } };
  }
  if ("txn" in operation) return { txn: transactionToWire(operation.txn) };
  const target = operation.delete;
  return { delete: "key" in target ? jsonField("key", target.key) : rangeFields(target) };
}

function putToWire({ key, value, ttlMs, lease }: PutOperation): JsonObject {
  const ttl = ttlMs === undefined ? undefined : `${ttlMs}ms`;
  return { ...jsonField("key", key), ...jsonField("value", value), ttl, lease };
}

/** Throws a BalsaError `INTERNAL` for what is no result of a transaction. */
export function transactionResultOf(fields: JsonObject): TransactionResult {
  const results = fields["results"] === null ? null : arrayIn(fields, "results").map(operationResultOf);
  return { succeeded: fields["succeeded"] === true, revision: numberIn(fields, "revision"), results };
}

function operationResultOf(value: unknown): OperationResult {
  const result = objectOf(value, "result");
  if ("get" in result) return { get: result["get"] === null ? null : itemOf(result["get"]) };
  if ("put" in result) {
    const fields = objectOf(result["put"], "put");
    const { lease } = fields;
    return { put: { modRevision: numberIn(fields, "modRevision"), ...(typeof lease === "string" ? { lease } : {}) } };
  }
  if ("range" in result)
    return { range: { items: arrayIn(objectOf(result["range"], "range"), "items").map(anyItemOf) } };
  if ("delete" in result) return { delete: { deleted: numberIn(objectOf(result["delete"], "delete"), "deleted") } };
  const fields = objectOf(result["txn"], "txn");
  return {
    txn: { succeeded: fields["succeeded"] === true, results: arrayIn(fields, "results").map(operationResultOf) },
  };
}
