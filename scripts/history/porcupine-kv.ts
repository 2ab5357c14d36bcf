/**
 * @module
 * Reads the key-value histories that Porcupine publishes: get, put and append; every key begins as the empty text.
 *
 * A line is `{:process 0, :type :invoke|:ok, :f :get|:put|:append, :key "7", :value "x"|nil}`: `:invoke` and `:ok` of
 * a put or an append give what is written, `:ok` of a get what was read. What has no end may have happened at any time.
 */

import type { Action, History, Operation } from "./operation.ts";
import { type Begun, HistoryError, linesOf, operationOf, Pairing } from "./text-lines.ts";

const pattern =
  /^\{:process (\d+), :type :(invoke|ok|info|fail), :f :(get|put|append), :key ("(?:[^"\\]|\\.)*"), :value (nil|"(?:[^"\\]|\\.)*")\}$/;

interface Asked {
  readonly kind: string;
  readonly key: string;
  readonly value: string | null;
}

export function looksLikePorcupineKv(text: string): boolean {
  return pattern.test(linesOf(text)[0]?.text ?? "");
}

/** Throws a HistoryError. */
export function readPorcupineKv(text: string): History {
  const pairing = new Pairing<Asked>();
  const operations: Operation[] = [];
  for (const { text: words, number: line } of linesOf(text)) {
    const [, process = "", type = "", kind = "", key = "", value = ""] = pattern.exec(words) ?? [];
    if (kind === "") {
      throw new HistoryError(
        line,
        `${JSON.stringify(words.slice(0, 80))} is no {:process … :type … :f … :key … :value …}`,
      );
    }
    const said: Asked = { kind, key: textOf(key, line), value: value === "nil" ? null : textOf(value, line) };
    if (type === "invoke") {
      pairing.begin({ process, asked: said, line });
      continue;
    }
    const begun = pairing.end(process, line);
    if (begun.asked.kind !== kind || begun.asked.key !== said.key) {
      throw new HistoryError(line, `process ${process} ends another operation than it began on line ${begun.line}`);
    }
    if (type === "ok") operations.push(operationOf(begun, said.key, actionOf(begun, said), line));
    else if (type === "info" && kind !== "get") operations.push(unfinished(begun));
  }
  for (const begun of pairing.unfinished()) if (begun.asked.kind !== "get") operations.push(unfinished(begun));
  return { operations: operations.sort((a, b) => a.from - b.from), initial: "" };
}

function unfinished(begun: Begun<Asked>): Operation {
  return operationOf(begun, begun.asked.key, actionOf(begun, begun.asked), Number.POSITIVE_INFINITY);
}

function actionOf({ asked, line }: Begun<Asked>, answered: Asked): Action {
  if (asked.kind === "get") return { kind: "get", value: answered.value ?? "" };
  if (asked.value === null) throw new HistoryError(line, `a ${asked.kind} needs a value, not nil`);
  return { kind: asked.kind === "put" ? "put" : "append", value: asked.value };
}

function textOf(quoted: string, line: number): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    throw new HistoryError(line, `${quoted} is not a quoted text`);
  }
}
