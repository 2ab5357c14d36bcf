/**
 * @module
 * Transactions as positional lists: `[compares, success, failure]`. A compare is `[key, target, operator, operand]`; an
 * operation begins with its code.
 */

import { comparesMax, operationsMax, rangeLimitMax } from "../kv/limits.ts";
import {
  type Compare,
  compareOperators,
  type KeyRange,
  numberTargets,
  sizeOf,
  type Transaction,
  type TransactionOperation,
} from "../kv/transaction.ts";
import type { CborWriter } from "./cbor-writer.ts";
import { CommandFormatError, type CommandReader, expectLength } from "./command-reader.ts";

const opcodes = { put: 1, get: 2, range: 3, delete: 4, deleteRange: 5, txn: 6 } as const;
/** By opcode: the length of the operation's list, the opcode included. */
const lengths = [undefined, 5, 2, 6, 2, 3, 2] as const;
const targets = ["value", ...numberTargets] as const;

export function writeTransaction(writer: CborWriter, { compares, success, failure }: Transaction): void {
  writer.writeArrayLength(3);
  writer.writeArrayLength(compares.length);
  for (const compare of compares) writeCompare(writer, compare);
  for (const branch of [success, failure]) {
    writer.writeArrayLength(branch.length);
    for (const operation of branch) writeOperation(writer, operation);
  }
}

/** The inverse of `writeTransaction`. Refuses what is above the bounds of limits.ts, too. */
export function readTransaction(items: CommandReader): Transaction {
  const transaction = readNested(items, 0);
  const { operations, compares } = sizeOf(transaction);
  if (operations > operationsMax || compares > comparesMax)
    throw new CommandFormatError(`its transaction has ${operations} operations and ${compares} compares`);
  return transaction;
}

function readNested(items: CommandReader, depth: number): Transaction {
  if (depth > operationsMax) throw new CommandFormatError("its transactions are nested too deeply");
  expectLength(items.list("its transaction is not an array"), 3);
  const compares: Compare[] = [];
  for (let left = items.list("its compares is not an array"); left > 0; left -= 1) compares.push(readCompare(items));
  return { compares, success: readBranch(items, depth), failure: readBranch(items, depth) };
}

function readBranch(items: CommandReader, depth: number): TransactionOperation[] {
  const operations: TransactionOperation[] = [];
  for (let left = items.list("a branch is not an array"); left > 0; left -= 1)
    operations.push(readOperation(items, depth));
  return operations;
}

function writeCompare(writer: CborWriter, compare: Compare): void {
  writer.writeArrayLength(4);
  writer.writeBytes(compare.key);
  writer.writeWhole(targets.indexOf(compare.target));
  writer.writeWhole(compareOperators.indexOf(compare.operator));
  if (compare.target === "value") writer.writeBytes(compare.operand);
  else writer.writeWhole(compare.operand);
}

function readCompare(items: CommandReader): Compare {
  expectLength(items.list("a compare is not an array"), 4);
  const key = items.key();
  const target = targets[items.whole()];
  const operator = compareOperators[items.whole()];
  if (target === undefined || operator === undefined) throw new CommandFormatError("a compare of an unknown kind");
  if (target === "value") return { key, target, operator, operand: items.content() };
  return { key, target, operator, operand: items.whole() };
}

function writeOperation(writer: CborWriter, operation: TransactionOperation): void {
  const opcode = opcodes[operation.kind];
  writer.writeArrayLength(lengths[opcode]);
  writer.writeWhole(opcode);
  switch (operation.kind) {
    case "put":
      writer.writeBytes(operation.key);
      writer.writeBytes(operation.value);
      writer.writeWhole(operation.leaseId);
      writer.writeWhole(operation.ttlMs);
      return;
    case "get":
    case "delete":
      writer.writeBytes(operation.key);
      return;
    case "range":
      writeRange(writer, operation.range);
      writer.writeBoolean(operation.order === "desc");
      writer.writeWhole(operation.limit);
      writer.writeBoolean(operation.values);
      return;
    case "deleteRange":
      writeRange(writer, operation.range);
      return;
    case "txn":
      writeTransaction(writer, operation.transaction);
      return;
  }
}

function readOperation(items: CommandReader, depth: number): TransactionOperation {
  const length = items.list("an operation is not an array");
  const opcode = items.whole();
  const expected = lengths[opcode];
  if (expected !== undefined) expectLength(length, expected);
  switch (opcode) {
    case opcodes.put:
      return {
        kind: "put",
        key: items.key(),
        value: items.content(),
        leaseId: items.whole(),
        ttlMs: items.whole(),
      };
    case opcodes.get:
      return { kind: "get", key: items.key() };
    case opcodes.range: {
      const range = readRange(items);
      const order = items.boolean() ? "desc" : "asc";
      const limit = items.whole();
      if (limit === 0 || limit > rangeLimitMax) throw new CommandFormatError(`a range of ${limit} items`);
      return { kind: "range", range, order, limit, values: items.boolean() };
    }
    case opcodes.delete:
      return { kind: "delete", key: items.key() };
    case opcodes.deleteRange:
      return { kind: "deleteRange", range: readRange(items) };
    case opcodes.txn:
      return { kind: "txn", transaction: readNested(items, depth + 1) };
    default:
      throw new CommandFormatError(`an operation ${opcode} in its transaction`);
  }
}

export function writeRange(writer: CborWriter, { from, to }: KeyRange): void {
  writer.writeBytes(from);
  if (to === null) writer.writeNull();
  else writer.writeBytes(to);
}

export function readRange(items: CommandReader): KeyRange {
  return { from: items.content(), to: items.contentOrNull() };
}
