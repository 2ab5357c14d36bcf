/**
 * @module
 * The positional array that stands for a command, for the general encoder: what `encodeCommand` is held against. And
 * commands at random, of all kinds, with numbers and lengths around every width of a head.
 */

import fc from "fast-check";
import type { Command, Condition, Operation } from "../../src/kv/command.ts";
import { comparesMax, operationsMax } from "../../src/kv/limits.ts";
import {
  type Compare,
  compareOperators,
  type KeyRange,
  numberTargets,
  sizeOf,
  type Transaction,
  type TransactionOperation,
} from "../../src/kv/transaction.ts";

export function wireOf({ origin, sequence, idempotency, operation }: Command): unknown[] {
  const keyed = idempotency === undefined ? [] : [32, idempotency.key, idempotency.requestHash];
  return [2, origin, sequence, ...keyed, ...wireOfOperation(operation)];
}

function wireOfOperation(operation: Operation): unknown[] {
  switch (operation.kind) {
    case "put": {
      const { key, value, leaseId, ttlMs, condition } = operation;
      const lease = ttlMs === undefined ? [1, key, value, leaseId] : [4, key, value, ttlMs];
      return [...lease, ...wireOfCondition(condition)];
    }
    case "delete":
      return [2, operation.key, ...wireOfCondition(operation.condition)];
    case "putAll":
      return [3, operation.pairs.flatMap(({ key, value }) => [key, value])];
    case "deleteRange":
      return [5, operation.range.from, operation.range.to];
    case "txn":
      return [6, wireOfTransaction(operation.transaction)];
    case "leaseGrant":
      return [7, operation.ttlMs];
    case "leaseKeepAlive":
      return [8, operation.leaseIds];
    case "leaseRevoke":
      return [9, operation.leaseId];
    case "leaseExpire":
      return [10, operation.leaseId, operation.renewal];
    case "compact":
      return [11, operation.revision];
  }
}

function wireOfCondition(condition: Condition): unknown[] {
  const code = ["none", "modRevision", "absent", "present"].indexOf(condition.kind);
  return [code, condition.kind === "modRevision" ? condition.revision : 0];
}

function wireOfTransaction({ compares, success, failure }: Transaction): unknown[] {
  const wireOfCompare = ({ key, target, operator, operand }: Compare): unknown[] => [
    key,
    ["value", "version", "createRevision", "modRevision"].indexOf(target),
    ["=", "!=", "<", ">"].indexOf(operator),
    operand,
  ];
  return [compares.map(wireOfCompare), success.map(wireOfStep), failure.map(wireOfStep)];
}

function wireOfStep(operation: TransactionOperation): unknown[] {
  switch (operation.kind) {
    case "put":
      return [1, operation.key, operation.value, operation.leaseId, operation.ttlMs];
    case "get":
      return [2, operation.key];
    case "range": {
      const { range, order, limit, values } = operation;
      return [3, range.from, range.to, order === "desc", limit, values];
    }
    case "delete":
      return [4, operation.key];
    case "deleteRange":
      return [5, operation.range.from, operation.range.to];
    case "txn":
      return [6, wireOfTransaction(operation.transaction)];
  }
}

const edges = [0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 47 + 1, 2 ** 53 - 1];
const whole: fc.Arbitrary<number> = fc.oneof(fc.constantFrom(...edges), fc.maxSafeNat());
const content: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(255, 256, 5000, 65_535, 65_536).map((length) => new Uint8Array(length)) },
);
const key = fc.uint8Array({ minLength: 1, maxLength: 40 });
const ttlMs = fc.constantFrom(1000, 65_536, 365 * 86_400_000);
const range: fc.Arbitrary<KeyRange> = fc.record({ from: content, to: fc.option(content) });
const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.constantFrom<Condition>({ kind: "none" }, { kind: "absent" }, { kind: "present" }),
  whole.map((revision): Condition => ({ kind: "modRevision", revision })),
);
const operator = fc.constantFrom(...compareOperators);
const compare: fc.Arbitrary<Compare> = fc.oneof(
  fc.record({ key, target: fc.constant("value" as const), operator, operand: content }),
  fc.record({ key, target: fc.constantFrom(...numberTargets), operator, operand: whole }),
);

const { transaction } = fc.letrec<{ readonly transaction: Transaction; readonly step: TransactionOperation }>(
  (tie) => ({
    transaction: fc.record({
      compares: fc.array(compare, { maxLength: 3 }),
      success: fc.array(tie("step"), { maxLength: 3 }),
      failure: fc.array(tie("step"), { maxLength: 3 }),
    }),
    step: fc.oneof(
      { maxDepth: 3 },
      fc.record({ kind: fc.constant("put" as const), key, value: content, leaseId: whole, ttlMs: whole }),
      fc.record({ kind: fc.constant("get" as const), key }),
      fc.record({
        kind: fc.constant("range" as const),
        range,
        order: fc.constantFrom("asc" as const, "desc" as const),
        limit: fc.integer({ min: 1, max: 10_000 }),
        values: fc.boolean(),
      }),
      fc.record({ kind: fc.constant("delete" as const), key }),
      fc.record({ kind: fc.constant("deleteRange" as const), range }),
      fc.record({ kind: fc.constant("txn" as const), transaction: tie("transaction") }),
    ),
  }),
);

function isWithinBounds(each: Transaction): boolean {
  const { operations, compares } = sizeOf(each);
  return operations <= operationsMax && compares <= comparesMax;
}

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), key, value: content, leaseId: whole, condition }),
  fc.record({ kind: fc.constant("put" as const), key, value: content, leaseId: fc.constant(0), ttlMs, condition }),
  fc.record({ kind: fc.constant("delete" as const), key, condition }),
  fc
    .uniqueArray(fc.record({ key, value: content }), {
      minLength: 1,
      maxLength: 20,
      selector: (pair) => String(pair.key),
    })
    .map((pairs): Operation => ({ kind: "putAll", pairs })),
  fc.record({ kind: fc.constant("deleteRange" as const), range }),
  fc.record({ kind: fc.constant("txn" as const), transaction: transaction.filter(isWithinBounds) }),
  fc.record({ kind: fc.constant("leaseGrant" as const), ttlMs }),
  fc.record({
    kind: fc.constant("leaseKeepAlive" as const),
    leaseIds: fc.array(whole, { minLength: 1, maxLength: 300 }),
  }),
  fc.record({ kind: fc.constant("leaseRevoke" as const), leaseId: whole }),
  fc.record({ kind: fc.constant("leaseExpire" as const), leaseId: whole, renewal: whole }),
  fc.record({ kind: fc.constant("compact" as const), revision: whole }),
);

const head = {
  origin: fc.oneof(fc.constantFrom(0, 2 ** 48 - 1), fc.integer({ min: 0, max: 2 ** 48 - 1 })),
  sequence: whole.filter((sequence) => sequence > 0),
  operation,
};
const idempotency = fc.record({
  key: fc.uint8Array({ minLength: 1, maxLength: 128 }),
  requestHash: fc.uint8Array({ minLength: 16, maxLength: 16 }),
});

export const anyCommand: fc.Arbitrary<Command> = fc.oneof(fc.record(head), fc.record({ ...head, idempotency }));
