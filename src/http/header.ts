/**
 * @module
 * The header fields that say how a request wants to be answered: time limit, least revision, conditions.
 *
 * node:http joins a repeated field with a comma, so that each of these refuses repetition by its form.
 */

import type { IncomingHttpHeaders } from "node:http";
import { BalsaError } from "../errors/balsa-error.ts";
import type { Condition } from "../kv/command.ts";
import { parseDurationMs } from "./duration.ts";

const timeoutMsMax = 60_000;
const entityTag = /^"(\d{1,16})"$/;
/** One entity tag of a list, weak or strong, with what separates it from the next. */
const listedTag = /\s*(?:W\/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)/y;

/** Milliseconds that the request may take; `defaultMs` when it does not say. */
export function parseTimeoutMs(headers: IncomingHttpHeaders, defaultMs: number): number {
  const text = headers["balsa-timeout"];
  if (text === undefined) return defaultMs;
  const timeoutMs = typeof text === "string" ? parseDurationMs(text) : undefined;
  if (timeoutMs === undefined || timeoutMs === 0 || timeoutMs > timeoutMsMax) {
    throw new BalsaError("BAD_REQUEST", "Balsa-Timeout takes a duration such as 500ms or 5s, at most 60s");
  }
  return timeoutMs;
}

/** 0 when the request does not say. */
export function parseMinRevision(headers: IncomingHttpHeaders): number {
  const text = headers["balsa-min-revision"];
  if (text === undefined) return 0;
  const revision = typeof text === "string" && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(revision)) {
    throw new BalsaError("BAD_REQUEST", "Balsa-Min-Revision takes one revision, a whole number");
  }
  return revision;
}

/** The condition of a write (RFC 9110 §13.1), as far as a command can carry it. */
export function parseWriteCondition(headers: IncomingHttpHeaders, method: "PUT" | "DELETE"): Condition {
  const ifMatch = headers["if-match"];
  const ifNoneMatch = headers["if-none-match"];
  if (ifMatch === undefined && ifNoneMatch === undefined) return noCondition;
  if (ifNoneMatch === undefined) return parseIfMatch(ifMatch ?? "");
  if (ifMatch !== undefined) throw new BalsaError("BAD_REQUEST", "If-Match and If-None-Match exclude each other");
  if (method === "DELETE") throw new BalsaError("BAD_REQUEST", "If-None-Match is not supported on DELETE");
  if (ifNoneMatch.trim() !== "*") throw new BalsaError("BAD_REQUEST", "on a write If-None-Match takes only *");
  return { kind: "absent" };
}

const noCondition: Condition = { kind: "none" };

function parseIfMatch(text: string): Condition {
  if (text.trim() === "*") return { kind: "present" };
  const revision = Number(entityTag.exec(text.trim())?.[1] ?? Number.NaN);
  if (!Number.isSafeInteger(revision)) {
    throw new BalsaError("BAD_REQUEST", 'If-Match takes * or one ETag as this store gives them, such as "42"');
  }
  return { kind: "modRevision", revision };
}

/** Whether a read with this If-None-Match is answered 304 when the key stands at `modRevision` (RFC 9110 §13.1.2). */
export function matchesEntityTag(ifNoneMatch: string, modRevision: number): boolean {
  if (ifNoneMatch.trim() === "*") return true;
  const wanted = String(modRevision);
  let matched = false;
  listedTag.lastIndex = 0;
  while (listedTag.lastIndex < ifNoneMatch.length) {
    const found = listedTag.exec(ifNoneMatch);
    if (found === null) throw new BalsaError("BAD_REQUEST", "If-None-Match takes * or a list of ETags");
    if (found[1] === wanted) matched = true;
  }
  return matched;
}

/** What reads without a validator have no use for. */
export const writeFields: readonly string[] = ["if-match", "if-none-match", "idempotency-key"];

/** Refuses fields that this request has no use for, rather than let them pass as if they were obeyed. */
export function refuseFields(headers: IncomingHttpHeaders, names: readonly string[]): void {
  for (const name of names) {
    if (headers[name] === undefined) continue;
    throw new BalsaError("BAD_REQUEST", `the header field ${name} is not supported on this request`);
  }
}

/** Does the client want the record as JSON rather than the raw value? */
export function wantsJson(accept: string | undefined): boolean {
  return accept !== undefined && accept.includes("application/json") && !accept.includes("application/octet-stream");
}
