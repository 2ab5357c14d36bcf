/**
 * @module
 * What the readers of history files share: a text that is none of their form is refused with its line, and the
 * beginnings and ends of operations are paired by process.
 */

import type { Action, Operation } from "./operation.ts";

/** The text is not a history; the message says which line, what is wrong with it, and what it should be. */
export class HistoryError extends Error {
  constructor(line: number, why: string) {
    super(line === 0 ? why : `line ${line}: ${why}`);
    this.name = "HistoryError";
  }
}

export interface Line {
  readonly text: string;
  /** From 1. */
  readonly number: number;
}

/** Those that are not empty. */
export function linesOf(text: string): readonly Line[] {
  return text
    .split("\n")
    .map((line, at) => ({ text: line.trimEnd(), number: at + 1 }))
    .filter((line) => line.text !== "");
}

/** What a process has asked for, and on which line. */
export interface Begun<T> {
  readonly process: string;
  readonly asked: T;
  readonly line: number;
}

/** Of histories whose lines are beginnings and ends: a process does one thing at a time. */
export class Pairing<T> {
  readonly #begun = new Map<string, Begun<T>>();

  begin(begun: Begun<T>): void {
    const { process, line } = begun;
    const other = this.#begun.get(process);
    if (other !== undefined) {
      throw new HistoryError(line, `process ${process} begins, but what it began on line ${other.line} has no end`);
    }
    this.#begun.set(process, begun);
  }

  end(process: string, line: number): Begun<T> {
    const begun = this.#begun.get(process);
    if (begun === undefined) throw new HistoryError(line, `process ${process} ends something that it has not begun`);
    this.#begun.delete(process);
    return begun;
  }

  /** What has no end. */
  unfinished(): readonly Begun<T>[] {
    return [...this.#begun.values()];
  }
}

/** The line numbers are the time. */
export function operationOf({ process, line }: Begun<unknown>, key: string, action: Action, to: number): Operation {
  return { key, process, action, from: line, to, line };
}
