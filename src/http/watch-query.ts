/**
 * @module
 * What a watch asks for: which keys, and the changes after what.
 */

import type { IncomingHttpHeaders } from "node:http";
import { BalsaError } from "../errors/balsa-error.ts";
import { afterRevision, type ChangePosition } from "../kv/keys.ts";
import { isEmptyRange, type KeyRange, rangeOfPrefix, successorOf } from "../kv/transaction.ts";
import { parseFlag, parseQuery, type QueryParameters } from "./query.ts";

export interface WatchAsk {
  readonly range: KeyRange;
  /** The key when it is a single one; null when it is a range. */
  readonly key: Uint8Array | null;
  /** The changes after it; null: from now on. */
  readonly after: ChangePosition | null;
  /** Whether events carry what the key was before. */
  readonly previous: boolean;
}

const parameterNames: readonly string[] = [
  ...["key", "prefix", "start", "end"].flatMap((name) => [name, `${name}Base64`]),
  "since",
  "prev",
];
const revisionForm = /^\d{1,16}$/;
const eventIdForm = /^(\d{1,16})(?:\.(\d{1,10}))?$/;
const base64Form = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Throws BAD_REQUEST. */
export function parseWatch(headers: IncomingHttpHeaders, queryText: string, keyBytesMax: number): WatchAsk {
  const parameters = parseQuery(queryText, parameterNames);
  const keys = parseKeys(parameters, keyBytesMax);
  const since = parseSince(parameters.get("since"));
  const resumed = parseEventId(headers["last-event-id"]);
  return { ...keys, after: resumed ?? since, previous: parseFlag(parameters, "prev") };
}

function parseKeys(parameters: QueryParameters, keyBytesMax: number): Pick<WatchAsk, "range" | "key"> {
  const [key, prefix, start, end] = ["key", "prefix", "start", "end"].map((name) =>
    bytesOf(parameters, name, keyBytesMax),
  );
  const ways = [key, prefix, start ?? end].filter((way) => way !== undefined).length;
  if (ways !== 1) throw bad("a watch takes one of key, prefix, or start and end");
  if (key !== undefined) {
    if (key.length === 0) throw bad("the key is empty; prefix= watches every key");
    return { key, range: { from: key, to: successorOf(key) } };
  }
  if (prefix !== undefined) return { key: null, range: rangeOfPrefix(prefix) };
  const range = { from: start ?? new Uint8Array(0), to: end ?? null };
  if (isEmptyRange(range)) throw bad("end is not above start: no key can be between them");
  return { key: null, range };
}

/** The parameter in either of its forms. */
function bytesOf(parameters: QueryParameters, name: string, bytesMax: number): Uint8Array | undefined {
  const text = parameters.get(name);
  const base64 = parameters.get(`${name}Base64`);
  if (text !== undefined && base64 !== undefined) throw bad(`${name} and ${name}Base64 exclude each other`);
  if (base64 !== undefined && !base64Form.test(base64)) throw bad(`${name}Base64 is not base64`);
  if (text === undefined && base64 === undefined) return undefined;
  const bytes = base64 === undefined ? Buffer.from(text ?? "") : Buffer.from(base64, "base64");
  if (bytes.length > bytesMax) throw bad(`${name} has ${bytes.length} bytes, at most ${bytesMax} are allowed`);
  return bytes;
}

function parseSince(text: string | undefined): ChangePosition | null {
  if (text === undefined) return null;
  const revision = revisionForm.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(revision)) throw bad("since takes a revision, a whole number");
  return afterRevision(revision);
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

function bad(detail: string): BalsaError {
  return new BalsaError("BAD_REQUEST", detail);
}
