/**
 * @module
 * What a watch asks for: which keys, and the changes after what.
 */

import type { IncomingHttpHeaders } from "node:http";
import { afterRevision, type ChangePosition } from "../kv/keys.ts";
import { isEmptyRange, type KeyRange, successorOf } from "../kv/transaction.ts";
import { bad, Fields } from "./fields.ts";
import { parseFlag, parseQuery, parseRevision } from "./query.ts";
import { namesRange, rangeIn, rangeParameters } from "./range.ts";

export interface WatchAsk {
  readonly range: KeyRange;
  /** The key when it is a single one; null when it is a range. */
  readonly key: Uint8Array | null;
  /** The changes after it; null: from now on. */
  readonly after: ChangePosition | null;
  /** Whether events carry what the key was before. */
  readonly previous: boolean;
}

const keyParameters: readonly string[] = ["key", "keyBase64"];
const watchParameters: readonly string[] = [...keyParameters, ...rangeParameters, "since", "prev"];
const eventIdForm = /^(\d{1,16})(?:\.(\d{1,10}))?$/;

/** Throws BAD_REQUEST. */
export function parseWatch(headers: IncomingHttpHeaders, queryText: string, keyBytesMax: number): WatchAsk {
  const parameters = parseQuery(queryText, watchParameters);
  const keys = keysIn(Fields.ofQuery(parameters), keyBytesMax);
  const since = parseRevision(parameters, "since");
  const resumed = parseEventId(headers["last-event-id"]);
  const after = resumed ?? (since === undefined ? null : afterRevision(since));
  return { ...keys, after, previous: parseFlag(parameters, "prev") };
}

function keysIn(fields: Fields, keyBytesMax: number): Pick<WatchAsk, "range" | "key"> {
  const isKey = keyParameters.some((name) => fields.has(name));
  if (isKey === namesRange(fields))
    throw bad("a watch takes one of key, prefix, or start and end; prefix= is every key");
  if (isKey) {
    const key = fields.key("key", keyBytesMax);
    return { key, range: { from: key, to: successorOf(key) } };
  }
  const range = rangeIn(fields, keyBytesMax);
  if (isEmptyRange(range)) throw bad("no key can be between start and end, which are the same");
  return { key: null, range };
}

/** `<revision>` is the end of that command, `<revision>.<n>` its n-th change. What was never given is empty. */
function parseEventId(field: string | string[] | undefined): ChangePosition | null {
  if (field === undefined || field === "") return null;
  const [, revisionText = "", place] = (typeof field === "string" ? eventIdForm.exec(field) : null) ?? [];
  const revision = revisionText === "" ? Number.NaN : Number(revisionText);
  const ordinal = place === undefined ? 0 : Number(place) - 1;
  if (!Number.isSafeInteger(revision) || ordinal < 0 || ordinal > lastOrdinal) {
    throw bad("Last-Event-ID takes the id of an event of this store, such as 42 or 42.1");
  }
  return place === undefined ? afterRevision(revision) : { revision, ordinal };
}

const lastOrdinal = afterRevision(0).ordinal;
