/**
 * @module
 * What a history is made of: operations of clients on single keys, when they ran, and what became of them.
 */

/** A value, or null where the key does not exist. */
export type Value = string | null;

/** What was asked, and, where an answer came, what it said. */
export type Action =
  | { readonly kind: "get"; readonly value: Value }
  | { readonly kind: "put"; readonly value: string }
  /** `deleted` says whether there was something to delete; null when nobody knows. */
  | { readonly kind: "delete"; readonly deleted: boolean | null }
  /** Puts `value` where the key has `expected`; `applied` says whether it had, null when nobody knows. */
  | {
      readonly kind: "compareAndSet";
      readonly expected: Value;
      readonly value: string;
      readonly applied: boolean | null;
    }
  /** Adds to the end of the value; a key that does not exist counts as empty. */
  | { readonly kind: "append"; readonly value: string };

/**
 * One operation that has taken effect at one moment between `from` and `to`, both included.
 *
 * One whose outcome is unknown has `to` Infinity: it may take effect at any time after `from`, or never.
 */
export interface Operation {
  readonly key: string;
  readonly process: string;
  readonly action: Action;
  /** In whatever unit the history counts; only the order matters. */
  readonly from: number;
  readonly to: number;
  /** Where it is found in the file, from 1; 0 when it comes from none. */
  readonly line: number;
}

export interface History {
  readonly operations: readonly Operation[];
  /** What every key has before the first operation. */
  readonly initial: Value;
}

export function isUnknown({ to }: Operation): boolean {
  return to === Number.POSITIVE_INFINITY;
}

/** Whether it has certainly changed nothing. */
export function looksOnly(action: Action): boolean {
  if (action.kind === "delete") return action.deleted === false;
  if (action.kind === "compareAndSet") return action.applied === false;
  return action.kind === "get";
}

/** The operations of each key, keys in the order of their first operation. */
export function byKey(operations: readonly Operation[]): ReadonlyMap<string, readonly Operation[]> {
  const groups = new Map<string, Operation[]>();
  for (const operation of operations) {
    const group = groups.get(operation.key);
    if (group === undefined) groups.set(operation.key, [operation]);
    else group.push(operation);
  }
  return groups;
}

/** As a sentence of a report: `put "x"`, `get -> "y"`, `compareAndSet "x" to "y" -> refused`. */
export function describeAction(action: Action): string {
  switch (action.kind) {
    case "get":
      return `get -> ${describeValue(action.value)}`;
    case "put":
    case "append":
      return `${action.kind} ${describeValue(action.value)}`;
    case "delete":
      return `delete${describeAnswer(action.deleted, "was there", "was not there")}`;
    case "compareAndSet": {
      const change = `${describeValue(action.expected)} to ${describeValue(action.value)}`;
      return `compareAndSet ${change}${describeAnswer(action.applied, "applied", "refused")}`;
    }
  }
}

export function describeValue(value: Value): string {
  if (value === null) return "nothing";
  const text = JSON.stringify(value);
  return text.length <= 64 ? text : `${text.slice(0, 30)}…${text.slice(-30)}`;
}

function describeAnswer(answer: boolean | null, yes: string, no: string): string {
  if (answer === null) return "";
  return ` -> ${answer ? yes : no}`;
}
