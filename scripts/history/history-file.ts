/**
 * @module
 * Checks a file that holds a history in any of the known forms, and knows which verdict its publisher gives it.
 */

import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type CheckOptions, checkHistory, type Report, type Verdict } from "./check.ts";
import { looksLikeJepsenLog, readJepsenLog } from "./jepsen-log.ts";
import { looksLikeJsonLines, readJsonLines } from "./json-lines.ts";
import type { History } from "./operation.ts";
import { looksLikePorcupineKv, readPorcupineKv } from "./porcupine-kv.ts";
import { HistoryError } from "./text-lines.ts";

interface Form {
  readonly name: string;
  recognises(text: string): boolean;
  read(text: string): History;
}

const forms: readonly Form[] = [
  { name: "Jepsen's log of etcd", recognises: looksLikeJepsenLog, read: readJepsenLog },
  { name: "Porcupine's key-value history", recognises: looksLikePorcupineKv, read: readPorcupineKv },
  { name: "JSON lines", recognises: looksLikeJsonLines, read: readJsonLines },
];

/** Whether the text begins as one of the known forms does. */
export function isHistory(text: string): boolean {
  return forms.some((form) => form.recognises(text));
}

/** Throws a HistoryError when the text is of no known form, or breaks its form on some line. */
export function readHistory(text: string): History {
  const form = forms.find((candidate) => candidate.recognises(text));
  if (form !== undefined) return form.read(text);
  const known = forms.map(({ name }) => name).join(", ");
  throw new HistoryError(text.trim() === "" ? 0 : 1, `this begins as no history that is known (${known})`);
}

export interface FileReport extends Report {
  /** What the publisher says; null when nobody does. */
  readonly expected: Verdict | null;
}

/** Throws a HistoryError, or the error of the file system. */
export function checkHistoryFile(path: string, options: CheckOptions = {}): FileReport {
  const report = checkHistory(readHistory(readFileSync(path, "utf8")), options);
  return { ...report, expected: publishedVerdict(path) };
}

/**
 * A name that ends in `ok` or `bad` says so itself. Of the numbered ones (`etcd_007.log`) those are linearizable that the
 * README beside them, or above their folder, lists: `Linearizable here: 2 5 7`.
 */
export function publishedVerdict(path: string): Verdict | null {
  const [name = ""] = basename(path).split(".");
  if (/(^|[-_])ok$/.test(name)) return "linearizable";
  if (/(^|[-_])bad$/.test(name)) return "not linearizable";
  const number = /_(\d+)$/.exec(name)?.[1];
  const listed = number === undefined ? null : listedNear(path);
  if (listed === null) return null;
  return listed.has(Number(number)) ? "linearizable" : "not linearizable";
}

/** Of the nearest README that has a list, up to two folders above. */
function listedNear(path: string): ReadonlySet<number> | null {
  const folder = dirname(path);
  for (const near of [folder, dirname(folder), dirname(dirname(folder))]) {
    const [, numbers] = /Linearizable here:((?:[\s,]*\d+)+)/.exec(readIfThere(join(near, "README.md"))) ?? [];
    if (numbers !== undefined)
      return new Set(
        numbers
          .split(/[\s,]+/)
          .filter(Boolean)
          .map(Number),
      );
  }
  return null;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // Whatever the reason: it lists nothing.
  }
}
