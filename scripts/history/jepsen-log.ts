/**
 * @module
 * Reads the logs that Jepsen's test of etcd has written: reads, writes and cas of one register, which begins as nil.
 *
 * A line is `INFO jepsen.util - PROCESS :invoke|:ok|:fail|:info :read|:write|:cas VALUE`, the value `nil`, `3`, `[3 4]`
 * (cas from 3 to 4) or `:timed-out`. `:ok` tells what was read; `:fail` says that a cas has found another value, of
 * the others that they have not happened; what timed out, `:info`, and what has no end may have happened at any time.
 */

import type { Action, History, Operation, Value } from "./operation.ts";
import { type Begun, HistoryError, linesOf, operationOf, Pairing } from "./text-lines.ts";

const pattern = /^INFO\s+jepsen\.util\s+-\s+(\S+)\s+:(invoke|ok|fail|info)\s+:(read|write|cas)\s+(.+)$/;
const key = "register";

interface Asked {
  readonly kind: string;
  readonly value: string;
}

export function looksLikeJepsenLog(text: string): boolean {
  return pattern.test(linesOf(text)[0]?.text ?? "");
}

/** Throws a HistoryError. */
export function readJepsenLog(text: string): History {
  const pairing = new Pairing<Asked>();
  const operations: Operation[] = [];
  for (const { text: words, number: line } of linesOf(text)) {
    const [, process = "", phase = "", kind = "", value = ""] = pattern.exec(words) ?? [];
    if (kind === "") {
      throw new HistoryError(
        line,
        `${JSON.stringify(words.slice(0, 80))} is no line of a Jepsen log of reads, writes and cas`,
      );
    }
    if (phase === "invoke") pairing.begin({ process, asked: { kind, value }, line });
    else {
      const begun = pairing.end(process, line);
      if (begun.asked.kind !== kind) {
        throw new HistoryError(
          line,
          `process ${process} ends a ${kind}, but began a ${begun.asked.kind} on line ${begun.line}`,
        );
      }
      const ended = endOf(begun, { phase, value, line });
      if (ended !== null) operations.push(ended);
    }
  }
  for (const begun of pairing.unfinished()) {
    const left = endOf(begun, { phase: "info", value: "", line: begun.line });
    if (left !== null) operations.push(left);
  }
  return { operations: operations.sort((a, b) => a.from - b.from), initial: null };
}

interface End {
  readonly phase: string;
  readonly value: string;
  readonly line: number;
}

/** Null when it tells nothing. */
function endOf(begun: Begun<Asked>, { phase, value, line }: End): Operation | null {
  const { kind } = begun.asked;
  const unknown = phase === "info" || value === ":timed-out";
  if (kind === "read") {
    return phase === "ok" ? operationOf(begun, key, { kind: "get", value: valueOf(value, line) }, line) : null;
  }
  if (phase === "fail" && kind === "write" && !unknown) return null;
  const applied = unknown ? null : phase === "ok";
  return operationOf(begun, key, changeOf(begun, applied), unknown ? Number.POSITIVE_INFINITY : line);
}

function changeOf({ asked, line }: Begun<Asked>, applied: boolean | null): Action {
  if (asked.kind === "write") {
    const value = valueOf(asked.value, line);
    if (value === null) throw new HistoryError(line, "a write needs a value, not nil");
    return { kind: "put", value };
  }
  const [, from, to] = /^\[(\S+) (\S+)\]$/.exec(asked.value) ?? [];
  if (from === undefined || to === undefined) {
    throw new HistoryError(line, `${asked.value} is not [expected new], as a cas needs`);
  }
  return { kind: "compareAndSet", expected: from === "nil" ? null : from, value: to, applied };
}

function valueOf(text: string, line: number): Value {
  if (text === "nil") return null;
  if (/^-?\d+$/.test(text)) return text;
  throw new HistoryError(line, `${JSON.stringify(text)} is neither a whole number nor nil`);
}
