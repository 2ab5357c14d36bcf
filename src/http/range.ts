/**
 * @module
 * Ranges of keys as requests name them: by a prefix, or by where they start and end.
 */

import { compareBytes } from "../kv/keys.ts";
import { type KeyRange, rangeOfPrefix } from "../kv/transaction.ts";
import { bad, checkedKey, type Fields } from "./fields.ts";

/** Of queries and of JSON objects alike. */
export const rangeParameters: readonly string[] = [
  "prefix",
  "prefixBase64",
  "start",
  "startBase64",
  "end",
  "endBase64",
];

export function namesRange(fields: Fields): boolean {
  return rangeParameters.some((name) => fields.has(name));
}

/** The keys that `prefix`, or `start` (inclusive) and `end` (exclusive), name; all keys when nothing does. Throws BAD_REQUEST. */
export function rangeIn(fields: Fields, keyBytesMax: number): KeyRange {
  const [prefix, from, to] = [fields.bytes("prefix"), fields.bytes("start"), fields.bytes("end")];
  for (const edge of [prefix, from, to]) if (edge !== undefined) checkedKey(edge, keyBytesMax);
  if (prefix !== undefined) {
    if (from !== undefined || to !== undefined) throw bad(`${fields.what} has prefix beside start or end`);
    return rangeOfPrefix(prefix);
  }
  const start = from ?? new Uint8Array(0);
  if (to !== undefined && compareBytes(to, start) < 0) throw bad(`the end in ${fields.what} lies before its start`);
  return { from: start, to: to ?? null };
}
