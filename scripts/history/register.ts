/**
 * @module
 * The model that histories are held against: one key as an atomic register.
 */

import { type Action, looksOnly, type Value } from "./operation.ts";

/** A number for a value, so that states are compared as numbers. */
export type State = number;

/** An action that its register knows; of use to no other. */
export interface Compiled {
  readonly kind: Action["kind"];
  /** The value that is put, added or read. */
  readonly value: State;
  /** The value that a compareAndSet wants to find. */
  readonly expected: State;
  /** What was answered, where it is known. */
  readonly answer: boolean | null;
  /** It only looks, so wherever it may take effect it takes nothing from the others. */
  readonly looksOnly: boolean;
}

/** For a register that begins in nobody knows what state, and may turn out to have held whatever fits. */
export const anyValue: unique symbol = Symbol("any value");

export type Initial = Value | typeof anyValue;

const nothing: State = 0;
const anything: State = 1;
/** Any of the values that nobody reads or expects: no answer tells them apart. */
const unseen: State = 2;
/** No state: the action cannot have given its answer here. */
export const impossible: State = -1;

export class Register {
  readonly initial: State;
  readonly #texts: string[] = ["", "", ""];
  readonly #states = new Map<string, State>();
  /** Null when all values are told apart, as they are where something is added to them. */
  readonly #seen: ReadonlySet<Value> | null;

  /** For these actions and no others. */
  constructor(initial: Initial, actions: readonly Action[]) {
    this.#seen = actions.some(({ kind }) => kind === "append") ? null : new Set(actions.map(seenBy));
    this.initial = initial === anyValue ? anything : this.#stateOf(initial);
  }

  compile(action: Action): Compiled {
    const { kind } = action;
    const value = kind === "delete" ? nothing : this.#stateOf(action.value);
    const expected = kind === "compareAndSet" ? this.#stateOf(action.expected) : nothing;
    const answer = answerOf(action);
    return { kind, value, expected, answer, looksOnly: looksOnly(action) };
  }

  /** The state after the action; `impossible` when the register as it is would have answered something else. */
  step(state: State, { kind, value, expected, answer }: Compiled): State {
    switch (kind) {
      case "get":
        return state === value || state === anything ? value : impossible;
      case "put":
        return value;
      case "delete":
        if (state === anything || answer === null) return nothing;
        return answer === (state !== nothing) ? nothing : impossible;
      case "compareAndSet": {
        if (state === anything) return answer === true ? value : anything;
        const applies = state === expected;
        if (answer !== null && answer !== applies) return impossible;
        return applies ? value : state;
      }
      case "append":
        return state === anything ? anything : this.#stateOf(this.#texts[state] + (this.#texts[value] ?? ""));
    }
  }

  #stateOf(value: Value): State {
    if (value === null) return nothing;
    if (this.#seen?.has(value) === false) return unseen;
    const known = this.#states.get(value);
    if (known !== undefined) return known;
    const state = this.#texts.push(value) - 1;
    this.#states.set(value, state);
    return state;
  }
}

/** The value that the action's answer depends on; null counts as always seen. */
function seenBy(action: Action): Value {
  if (action.kind === "get") return action.value;
  return action.kind === "compareAndSet" ? action.expected : null;
}

function answerOf(action: Action): boolean | null {
  if (action.kind === "delete") return action.deleted;
  return action.kind === "compareAndSet" ? action.applied : null;
}
