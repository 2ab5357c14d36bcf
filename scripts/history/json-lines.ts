/**
 * @module
 * Reads and writes Balsa's own histories: one JSON object a line, one line an operation, in any order.
 *
 *     {"process":"c3","key":"a","do":"put","value":"x","from":12.25,"to":14.5,"outcome":"ok"}
 *
 * - `process`: who asked, a text. `key`: a text. Every key is absent before the first operation.
 * - `do`: `get`, `put`, `delete`, `compareAndSet` or `append`.
 * - `value`: what a put, an append or a compareAndSet writes, a text; what a get has read, a text or null (no such key).
 * - `expected`: what a compareAndSet wants to find, a text or null.
 * - `answer`: of a delete, whether the key was there; of a compareAndSet, whether it was applied; may be left out.
 * - `from`, `to`: when it was asked and when it was answered, numbers of one clock, in milliseconds.
 * - `outcome`: `ok`, an answer came; `unknown`, it may take effect at any time after `from`, or never (`to` is when it was
 *   given up, or left out); `failed`, it certainly has not taken effect, nor will it.
 *
 * Other fields are for the reader of the file, as `node`, `revision` and `modRevision`.
 */

import type { Action, History, Operation, Value } from "./operation.ts";
import { HistoryError, type Line, linesOf } from "./text-lines.ts";

export type Outcome = "ok" | "unknown" | "failed";

/** One line, as the file has it. */
export interface Recorded {
  readonly process: string;
  readonly key: string;
  readonly do: Action["kind"];
  readonly value?: Value;
  readonly expected?: Value;
  readonly answer?: boolean;
  readonly from: number;
  readonly to?: number;
  readonly outcome: Outcome;
  /** Which node was asked. */
  readonly node?: string;
  /** The store revision at which it was answered. */
  readonly revision?: number;
  /** Of the value that was read or written. */
  readonly modRevision?: number;
}

export function looksLikeJsonLines(text: string): boolean {
  return linesOf(text)[0]?.text.startsWith('{"') ?? false;
}

/** Throws a HistoryError. */
export function readJsonLines(text: string): History {
  const operations = linesOf(text).flatMap((line) => operationsIn(line));
  return { operations: operations.sort((a, b) => a.from - b.from), initial: null };
}

/** What the recorded ones say, as if they had been read from a file. */
export function historyOf(recorded: readonly Recorded[]): History {
  return readJsonLines(writeJsonLines(recorded));
}

export function writeJsonLines(recorded: readonly Recorded[]): string {
  return recorded.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** None when it tells nothing: it failed, or is a get without an answer. */
function operationsIn(line: Line): readonly Operation[] {
  const fields = new Fields(line);
  const outcome = fields.oneOf("outcome", ["ok", "unknown", "failed"]);
  const kind = fields.oneOf("do", ["get", "put", "delete", "compareAndSet", "append"]);
  const [key, process] = [fields.text("key"), fields.text("process")];
  const from = fields.time("from");
  if (outcome === "failed" || (outcome === "unknown" && kind === "get")) return [];
  const to = outcome === "unknown" ? Number.POSITIVE_INFINITY : fields.time("to");
  if (to < from) throw new HistoryError(line.number, `it ends (${to}) before it begins (${from})`);
  const action = actionOf(kind, fields, outcome);
  return [{ key, process, action, from, to, line: line.number }];
}

function actionOf(kind: Action["kind"], fields: Fields, outcome: Outcome): Action {
  const answer = outcome === "ok" ? fields.answer() : null;
  switch (kind) {
    case "get":
      return { kind, value: fields.value("value") };
    case "put":
    case "append":
      return { kind, value: fields.text("value") };
    case "delete":
      return { kind, deleted: answer };
    case "compareAndSet":
      return { kind, expected: fields.value("expected"), value: fields.text("value"), applied: answer };
  }
}

/** The fields of one line, each held against what it should be. */
class Fields {
  readonly #line: number;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(line: Line) {
    this.#line = line.number;
    let parsed: unknown;
    try {
      parsed = JSON.parse(line.text);
    } catch (cause) {
      throw new HistoryError(line.number, `not JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
      throw new HistoryError(line.number, "not a JSON object");
    }
    this.#fields = { ...parsed };
  }

  oneOf<T extends string>(name: string, words: readonly T[]): T {
    const found = words.find((word) => word === this.#fields[name]);
    return found ?? this.#refuse(name, `one of ${words.join(", ")}`);
  }

  text(name: string): string {
    const text = this.#fields[name];
    return typeof text === "string" ? text : this.#refuse(name, "a text");
  }

  value(name: string): Value {
    return this.#fields[name] === null ? null : this.text(name);
  }

  time(name: string): number {
    const time = this.#fields[name];
    return typeof time === "number" ? time : this.#refuse(name, "a number");
  }

  answer(): boolean | null {
    const answer = this.#fields["answer"] ?? null;
    return typeof answer === "boolean" || answer === null ? answer : this.#refuse("answer", "true or false");
  }

  #refuse(name: string, wanted: string): never {
    const given = this.#fields[name];
    const got = given === undefined ? "is missing" : `is ${JSON.stringify(given)}`;
    throw new HistoryError(this.#line, `"${name}" ${got}; it has to be ${wanted}`);
  }
}
