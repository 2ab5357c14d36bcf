/**
 * @module
 * What `GET /keys` asks for.
 */

import { rangeLimitMax } from "../kv/limits.ts";
import { decodeCursor, digestOf, type Listing } from "./cursor.ts";
import { bad, Fields } from "./fields.ts";
import { type Level, levelParameters, parseFlag, parseLevel, parseQuery, parseRevision } from "./query.ts";
import { rangeIn, rangeParameters } from "./range.ts";

export interface ListQuery extends Listing {
  readonly level: Level;
  /** Undefined: the present one. */
  readonly revision: number | undefined;
  /** Of items in one answer; undefined when the query does not say. */
  readonly limit: number | undefined;
  /** `digestOf` the whole listing, of which this is all or the rest. */
  readonly digest: Uint8Array;
  /** Whether it goes on from a cursor. */
  readonly continues: boolean;
}

const listingParameters: readonly string[] = [...rangeParameters, "order", "values"];
const listParameters: readonly string[] = [...levelParameters, ...listingParameters, "revision", "limit", "cursor"];
const orders = ["asc", "desc"] as const;

/** Items of a page when the query does not say. */
export const pageItemsDefault = 1000;

/** Throws BAD_REQUEST. */
export function parseListQuery(text: string, keyBytesMax: number): ListQuery {
  const parameters = parseQuery(text, listParameters);
  const fields = Fields.ofQuery(parameters);
  const listing: Listing = {
    range: rangeIn(fields, keyBytesMax),
    order: fields.oneOf("order", orders) ?? "asc",
    values: !parameters.has("values") || parseFlag(parameters, "values"),
  };
  const digest = digestOf(listing);
  const revision = parseRevision(parameters);
  const common = { level: parseLevel(parameters), limit: parseLimit(parameters.get("limit")) };
  const cursor = parameters.get("cursor");
  if (cursor === undefined) return { ...common, ...listing, revision, digest, continues: false };
  const rest = decodeCursor(cursor);
  const repeated = listingParameters.some((name) => parameters.has(name));
  if (repeated && !digest.equals(rest.digest)) throw bad("the cursor belongs to another listing than the query names");
  if (revision !== undefined && revision !== rest.revision)
    throw bad(`the cursor belongs to a listing of revision ${rest.revision}`);
  return { ...common, ...rest, continues: true };
}

export function parseLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= rangeLimitMax) return limit;
  throw bad(`limit takes a number from 1 to ${rangeLimitMax}`);
}
