/**
 * @module
 * Histories for tests: written by hand in short, drawn at random, and drawn so that they are linearizable.
 */

import fc from "fast-check";
import type { Action, History, Operation, Value } from "../../scripts/history/operation.ts";

export const never: number = Number.POSITIVE_INFINITY;

export function operation(from: number, to: number, action: Action, key = "a"): Operation {
  return { key, process: `p${from}`, action, from, to, line: 0 };
}

export function historyOf(...operations: readonly Operation[]): History {
  return { operations, initial: null };
}

export const get = (value: Value): Action => ({ kind: "get", value });
export const put = (value: string): Action => ({ kind: "put", value });
export const append = (value: string): Action => ({ kind: "append", value });
export const remove = (deleted: boolean | null): Action => ({ kind: "delete", deleted });
export const compareAndSet = (expected: Value, value: string, applied: boolean | null): Action => ({
  kind: "compareAndSet",
  expected,
  value,
  applied,
});

const text = fc.constantFrom("x", "y", "z");
const value = fc.option(text, { nil: null });
const answer = fc.constantFrom(true, false, null);

const action: fc.Arbitrary<Action> = fc.oneof(
  value.map(get),
  value.map(get),
  text.map(put),
  text.map(append),
  answer.map(remove),
  fc.tuple(value, text, answer).map((parts) => compareAndSet(...parts)),
);

/** At most six operations on one key with whatever answers: some are linearizable, most are not. */
export const anyTinyHistory: fc.Arbitrary<History> = fc
  .array(fc.tuple(action, fc.nat(8), fc.nat(8), fc.nat(3)), { minLength: 1, maxLength: 6 })
  .map((drawn) =>
    historyOf(...drawn.map(([what, from, lasts, luck]) => operation(from, luck === 0 ? never : from + lasts, what))),
  );

interface Drawn {
  readonly action: Action;
  readonly key: string;
  /** Before and after the moment at which it took effect. */
  readonly before: number;
  readonly after: number;
  readonly fate: "answered" | "lost" | "never done";
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  action,
  key: fc.constantFrom("a", "b"),
  before: fc.nat(12),
  after: fc.nat(12),
  fate: fc.constantFrom("answered", "answered", "answered", "answered", "lost", "never done"),
});

/** What clients of two atomic registers see: each operation takes effect at its own moment, and answers truly. */
export const linearizableHistory: fc.Arbitrary<History> = fc
  .array(drawn, { minLength: 1, maxLength: 80 })
  .map((operations) => {
    const registers = new Map<string, Value>();
    return historyOf(
      ...operations.map(({ action: asked, key, before, after, fate }, moment) => {
        const from = moment - before;
        if (fate === "never done") return operation(from, never, unanswered(asked), key);
        const [answered, next] = run(asked, registers.get(key) ?? null);
        registers.set(key, next);
        return fate === "lost"
          ? operation(from, never, unanswered(asked), key)
          : operation(from, moment + after, answered, key);
      }),
    );
  });

function unanswered(asked: Action): Action {
  if (asked.kind === "delete") return remove(null);
  return asked.kind === "compareAndSet" ? { ...asked, applied: null } : asked;
}

/** With its true answer, and the value after it. */
function run(asked: Action, held: Value): readonly [Action, Value] {
  switch (asked.kind) {
    case "get":
      return [get(held), held];
    case "put":
      return [asked, asked.value];
    case "append":
      return [asked, (held ?? "") + asked.value];
    case "delete":
      return [remove(held !== null), null];
    case "compareAndSet": {
      const applied = held === asked.expected;
      return [{ ...asked, applied }, applied ? asked.value : held];
    }
  }
}
