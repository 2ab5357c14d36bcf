/**
 * @module
 * The definition of linearizability, tried out: every choice of unknown operations, in every order. For tiny histories.
 */

import type { Action, History, Operation, Value } from "../../scripts/history/operation.ts";
import { isUnknown } from "../../scripts/history/operation.ts";

export function isLinearizable({ operations, initial }: History): boolean {
  const keys = new Set(operations.map(({ key }) => key));
  return [...keys].every((key) =>
    hasOrder(
      operations.filter((operation) => operation.key === key),
      initial,
    ),
  );
}

function hasOrder(operations: readonly Operation[], initial: Value): boolean {
  const known = operations.filter((operation) => !isUnknown(operation));
  const unknown = operations.filter(isUnknown);
  for (let choice = 0; choice < 2 ** unknown.length; choice += 1) {
    const chosen = unknown.filter((_, at) => (choice & (1 << at)) !== 0);
    for (const order of permutations([...known, ...chosen])) {
      if (keepsRealTime(order) && runs(order, initial)) return true;
    }
  }
  return false;
}

function* permutations<T>(items: readonly T[]): Generator<readonly T[]> {
  if (items.length === 0) yield [];
  for (const [at, item] of items.entries()) {
    for (const rest of permutations(items.toSpliced(at, 1))) yield [item, ...rest];
  }
}

function keepsRealTime(order: readonly Operation[]): boolean {
  return order.every(({ from }, at) => order.slice(at + 1).every((later) => later.to >= from));
}

function runs(order: readonly Operation[], initial: Value): boolean {
  let value = initial;
  for (const { action } of order) {
    const next = after(value, action);
    if (next === undefined) return false;
    value = next;
  }
  return true;
}

/** Undefined when the answer is another one. */
function after(value: Value, action: Action): Value | undefined {
  switch (action.kind) {
    case "get":
      return action.value === value ? value : undefined;
    case "put":
      return action.value;
    case "append":
      return (value ?? "") + action.value;
    case "delete":
      return action.deleted === null || action.deleted === (value !== null) ? null : undefined;
    case "compareAndSet": {
      const applies = value === action.expected;
      if (action.applied !== null && action.applied !== applies) return undefined;
      return applies ? action.value : value;
    }
  }
}
