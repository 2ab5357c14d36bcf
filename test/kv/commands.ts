/**
 * @module
 * Commands at random: few keys, few leases, times that move on and sometimes jump.
 */

import fc from "fast-check";
import type { Command, Condition, Operation } from "../../src/kv/command.ts";
import type { MachineEntry } from "../../src/kv/machine.ts";
import {
  type Compare,
  compareOperators,
  type KeyRange,
  numberTargets,
  type Transaction,
  type TransactionOperation,
} from "../../src/kv/transaction.ts";
import { bytes, origin } from "./support.ts";

const key: fc.Arbitrary<Uint8Array> = fc.constantFrom("a", "ab", "b", "ba", "c", "ÿ").map(bytes);
const value: fc.Arbitrary<Uint8Array> = fc.constantFrom("", "1", "2", "a longer value").map(bytes);
const ttlMs = fc.constantFrom(1000, 3000, 100_000);
/** Ids as the first entries would grant them, and some that no entry does. */
const leaseId = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 24 }).map((index) => index * 128) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 3000 }) },
);
const ended = leaseId.filter((id) => id !== 0);

export const range: fc.Arbitrary<KeyRange> = fc.record({
  from: fc.oneof(fc.constant(new Uint8Array(0)), key),
  to: fc.oneof(fc.constant(null), key),
});

const condition: fc.Arbitrary<Condition> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Condition>({ kind: "none" }) },
  { weight: 1, arbitrary: fc.constant<Condition>({ kind: "present" }) },
  { weight: 1, arbitrary: fc.constant<Condition>({ kind: "absent" }) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 30 }).map((revision): Condition => ({ kind: "modRevision", revision })),
  },
);

const operator = fc.constantFrom(...compareOperators);
const compare: fc.Arbitrary<Compare> = fc.oneof(
  fc.record({ key, target: fc.constant("value" as const), operator, operand: value }),
  fc.record({ key, target: fc.constantFrom(...numberTargets), operator, operand: fc.integer({ min: 0, max: 12 }) }),
);

const plainOperation: fc.Arbitrary<TransactionOperation> = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), key, value, leaseId, ttlMs: fc.constant(0) }),
  fc.record({ kind: fc.constant("put" as const), key, value, leaseId: fc.constant(0), ttlMs }),
  fc.record({ kind: fc.constant("get" as const), key }),
  fc.record({
    kind: fc.constant("range" as const),
    range,
    order: fc.constantFrom("asc" as const, "desc" as const),
    limit: fc.integer({ min: 1, max: 4 }),
    values: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("delete" as const), key }),
  fc.record({ kind: fc.constant("deleteRange" as const), range }),
);

function transactionOf(operation: fc.Arbitrary<TransactionOperation>): fc.Arbitrary<Transaction> {
  return fc.record({
    compares: fc.array(compare, { maxLength: 2 }),
    success: fc.array(operation, { maxLength: 3 }),
    failure: fc.array(operation, { maxLength: 2 }),
  });
}

export const transaction: fc.Arbitrary<Transaction> = transactionOf(
  fc.oneof(
    { weight: 4, arbitrary: plainOperation },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("txn" as const), transaction: transactionOf(plainOperation) }),
    },
  ),
);

/** Only reads. */
export const reading: fc.Arbitrary<Transaction> = transactionOf(
  plainOperation.filter(({ kind }) => kind === "get" || kind === "range"),
);

export const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("put" as const), key, value, leaseId, condition }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("put" as const),
      key,
      value,
      leaseId: fc.constant(0),
      ttlMs,
      condition,
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("delete" as const), key, condition }) },
  {
    weight: 1,
    arbitrary: fc
      .uniqueArray(key, { minLength: 1, maxLength: 4, selector: String })
      .map((keys): Operation => ({ kind: "putAll", pairs: keys.map((each) => ({ key: each, value: bytes("all") })) })),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("deleteRange" as const), range }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("txn" as const), transaction }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("leaseGrant" as const), ttlMs }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("leaseKeepAlive" as const),
      leaseIds: fc.array(ended, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("leaseRevoke" as const), leaseId: ended }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("leaseExpire" as const),
      leaseId: ended,
      renewal: fc.integer({ min: 0, max: 1 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("compact" as const), revision: fc.integer({ min: 0, max: 15 }) }),
  },
);

const idempotency = fc.record({
  key: fc.constantFrom("one", "two", "three").map(bytes),
  requestHash: fc.constantFrom(1, 2).map((byte) => new Uint8Array(16).fill(byte)),
});

const command: fc.Arbitrary<Omit<Command, "origin" | "sequence">> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ operation }) },
  { weight: 1, arbitrary: fc.record({ operation, idempotency }) },
);

interface Step {
  readonly elapsed: number;
  readonly newTerm: boolean;
  readonly command: Omit<Command, "origin" | "sequence"> | null;
}

const step: fc.Arbitrary<Step> = fc.record({
  elapsed: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 1500 }) },
    { weight: 1, arbitrary: fc.constant(700_000) },
  ),
  newTerm: fc.integer({ min: 0, max: 9 }).map((drawn) => drawn === 0),
  command: fc.oneof({ weight: 12, arbitrary: command }, { weight: 1, arbitrary: fc.constant(null) }),
});

/** A log. */
export const entries: fc.Arbitrary<MachineEntry[]> = fc.array(step, { maxLength: 40, size: "max" }).map((steps) => {
  let time = 0;
  let term = 1;
  return steps.map((each, at): MachineEntry => {
    time += each.elapsed;
    if (each.newTerm) term++;
    if (each.command === null) return { kind: "noop", term, time };
    return { kind: "command", term, time, command: { origin, sequence: at + 1, ...each.command } };
  });
});

/** Sizes of batches, used over and over. */
export const cuts: fc.Arbitrary<number[]> = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 });
