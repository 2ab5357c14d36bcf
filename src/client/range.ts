/**
 * @module
 * Ranges of keys, ordered by bytes, and how a read of them asks.
 */

import { jsonField, type KeyLike, queryPair } from "./bytes.ts";
import type { CallOptions } from "./call.ts";

/**
 * The keys with a prefix (`""` is all of them), or those from `start` on and before `end`; without one of the two, to
 * that end of the store.
 */
export type KeyRange =
  | { readonly prefix: KeyLike; readonly start?: never; readonly end?: never }
  | { readonly start: KeyLike; readonly end?: KeyLike | undefined; readonly prefix?: never }
  | { readonly end: KeyLike; readonly start?: undefined; readonly prefix?: never };

export type Order = "asc" | "desc";

/** By cost: `stale` is the cheapest. The README says what each promises. */
export type ReadLevel = "linearizable" | "lease" | "stale";

export interface ReadOptions extends CallOptions {
  /** Default `linearizable`. */
  readonly level?: ReadLevel | undefined;
  /** Only with `stale`: no older than so many milliseconds, else `TOO_STALE`. */
  readonly maxAgeMs?: number | undefined;
  /** Answered only once the node has applied this revision; `TOO_STALE` when it does not within the call's time. */
  readonly minRevision?: number | undefined;
  /** As of this revision: `COMPACTED` when that is forgotten, `BAD_REQUEST` when it has not been yet. */
  readonly revision?: number | undefined;
}

const names = ["prefix", "start", "end"] as const;

export function rangePairs(range: KeyRange): string[] {
  return names.flatMap((name) => {
    const edge = range[name];
    return edge === undefined ? [] : [queryPair(name, edge)];
  });
}

export function rangeFields(range: KeyRange): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const name of names) {
    const edge = range[name];
    if (edge !== undefined) Object.assign(fields, jsonField(name, edge));
  }
  return fields;
}

export function levelPairs({ level, maxAgeMs, revision }: ReadOptions): string[] {
  const pairs = [`level=${level ?? "linearizable"}`];
  if (maxAgeMs !== undefined) pairs.push(`max-age=${maxAgeMs}ms`);
  if (revision !== undefined) pairs.push(`revision=${revision}`);
  return pairs;
}

export function queryOf(path: string, pairs: readonly string[]): string {
  return pairs.length === 0 ? path : `${path}?${pairs.join("&")}`;
}
