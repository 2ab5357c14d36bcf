/**
 * @module
 * Transactions as positional arrays: `[compares, success, failure]`.
 */

import { comparesMax, operationsMax, rangeLimitMax } from "./limits.ts";
import {
  type Compare,
  compareOperators,
  type KeyRange,
  numberTargets,
  sizeOf,
  type Transaction,
  type TransactionOperation,
} from "./transaction.ts";
import {
  booleanAt,
  bytesAt,
  CommandFormatError,
  expectLength,
  itemsOf,
  keyAt,
  type WireItems,
  wholeAt,
} from "./wire.ts";

const opcodes = { put: 1, get: 2, range: 3, delete: 4, deleteRange: 5, txn: 6 } as const;
const targets = ["value", ...numberTargets] as const;

export function transactionToWire({ compares, success, failure }: Transaction): unknown[] {
  return [compares.map(compareToWire), success.map(operationToWire), failure.map(operationToWire)];
}

/** The inverse of `transactionToWire`. Throws `CommandFormatError` for anything else, and above the bounds of limits.ts. */
export function transactionFromWire(wire: unknown): Transaction {
  const transaction = nestedFromWire(wire, 0);
  const { operations, compares } = sizeOf(transaction);
  if (operations > operationsMax || compares > comparesMax)
    throw new CommandFormatError(`its transaction has ${operations} operations and ${compares} compares`);
  return transaction;
}

function nestedFromWire(wire: unknown, depth: number): Transaction {
  if (depth > operationsMax) throw new CommandFormatError("its transactions are nested too deeply");
  const items = itemsOf(wire, "its transaction");
  expectLength(items, 3);
  const operations = (at: number): TransactionOperation[] =>
    itemsOf(items[at], "a branch").map((operation) => operationFromWire(operation, depth));
  return {
    compares: itemsOf(items[0], "its compares").map(compareFromWire),
    success: operations(1),
    failure: operations(2),
  };
}

function compareToWire({ key, target, operator, operand }: Compare): unknown[] {
  return [key, targets.indexOf(target), compareOperators.indexOf(operator), operand];
}

function compareFromWire(wire: unknown): Compare {
  const items = itemsOf(wire, "a compare");
  expectLength(items, 4);
  const key = keyAt(items, 0);
  const target = targets[wholeAt(items, 1)];
  const operator = compareOperators[wholeAt(items, 2)];
  if (target === undefined || operator === undefined) throw new CommandFormatError("a compare of an unknown kind");
  if (target === "value") return { key, target, operator, operand: bytesAt(items, 3) };
  return { key, target, operator, operand: wholeAt(items, 3) };
}

function operationToWire(operation: TransactionOperation): unknown[] {
  switch (operation.kind) {
    case "put":
      return [opcodes.put, operation.key, operation.value, operation.leaseId, operation.ttlMs];
    case "get":
      return [opcodes.get, operation.key];
    case "range": {
      const { range, order, limit, values } = operation;
      return [opcodes.range, range.from, range.to, order === "desc", limit, values];
    }
    case "delete":
      return [opcodes.delete, operation.key];
    case "deleteRange":
      return [opcodes.deleteRange, operation.range.from, operation.range.to];
    case "txn":
      return [opcodes.txn, transactionToWire(operation.transaction)];
  }
}

function operationFromWire(wire: unknown, depth: number): TransactionOperation {
  const items = itemsOf(wire, "an operation");
  switch (items[0]) {
    case opcodes.put:
      expectLength(items, 5);
      return {
        kind: "put",
        key: keyAt(items, 1),
        value: bytesAt(items, 2),
        leaseId: wholeAt(items, 3),
        ttlMs: wholeAt(items, 4),
      };
    case opcodes.get:
      expectLength(items, 2);
      return { kind: "get", key: keyAt(items, 1) };
    case opcodes.range: {
      expectLength(items, 6);
      const limit = wholeAt(items, 4);
      if (limit === 0 || limit > rangeLimitMax) throw new CommandFormatError(`a range of ${limit} items`);
      const order = booleanAt(items, 3) ? "desc" : "asc";
      return { kind: "range", range: rangeAt(items, 1), order, limit, values: booleanAt(items, 5) };
    }
    case opcodes.delete:
      expectLength(items, 2);
      return { kind: "delete", key: keyAt(items, 1) };
    case opcodes.deleteRange:
      expectLength(items, 3);
      return { kind: "deleteRange", range: rangeAt(items, 1) };
    case opcodes.txn:
      expectLength(items, 2);
      return { kind: "txn", transaction: nestedFromWire(items[1], depth + 1) };
    default:
      throw new CommandFormatError(`an operation ${String(items[0])} in its transaction`);
  }
}

/** `from` stands at `at`, `to` after it. */
export function rangeAt(items: WireItems, at: number): KeyRange {
  return { from: bytesAt(items, at), to: items[at + 1] === null ? null : bytesAt(items, at + 1) };
}
