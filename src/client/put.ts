/**
 * @module
 * Writes of one key, and the conditions under which they are made.
 */

import { bytesOf, type KeyLike, keyPath } from "./bytes.ts";
import type { Call, WriteOptions } from "./call.ts";
import { queryOf } from "./range.ts";

/**
 * The write is made only if the key is not there, if it is, or if its last put has this revision (compare-and-set);
 * `PRECONDITION_FAILED` otherwise, and nothing has changed.
 */
export type Condition = "absent" | "present" | { readonly modRevision: number };

export interface PutOptions extends WriteOptions {
  readonly condition?: Condition | undefined;
  /** The key goes after so many milliseconds, 1 s to a year, unless it is put again; not beside `lease`. */
  readonly ttlMs?: number | undefined;
  /** The key goes with this lease; `LEASE_NOT_FOUND` when there is none. */
  readonly lease?: string | undefined;
}

export interface DeleteOptions extends WriteOptions {
  readonly condition?: Exclude<Condition, "absent"> | undefined;
}

export function putCall(
  key: KeyLike,
  value: KeyLike,
  { condition, ttlMs, lease }: PutOptions,
): Omit<Call, "repetition"> {
  const pairs: string[] = [];
  if (ttlMs !== undefined) pairs.push(`ttl=${ttlMs}ms`);
  if (lease !== undefined) pairs.push(`lease=${encodeURIComponent(lease)}`);
  const path = queryOf(keyPath(key), pairs);
  return { method: "PUT", path, body: bytesOf(value), headers: conditionHeaders(condition) };
}

export function deleteHeaders({ condition }: DeleteOptions): Readonly<Record<string, string>> {
  return conditionHeaders(condition);
}

function conditionHeaders(condition: Condition | undefined): Readonly<Record<string, string>> {
  if (condition === undefined) return {};
  if (condition === "absent") return { "if-none-match": "*" };
  return { "if-match": condition === "present" ? "*" : `"${condition.modRevision}"` };
}
