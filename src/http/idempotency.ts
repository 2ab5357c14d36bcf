/**
 * @module
 * `Idempotency-Key`: what makes a write that is sent again the same write (§8, dissertation §6.3).
 */

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { BalsaError } from "../errors/balsa-error.ts";
import type { Idempotency } from "../kv/command.ts";
import { idempotencyKeyBytesMax, requestHashBytes } from "../kv/limits.ts";

const visible = /^[\x21-\x7e]+$/;

/** The key that the request carries; undefined when it carries none. */
export function parseIdempotencyKey(request: IncomingMessage): string | undefined {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return undefined;
  // node:http joins a repeated field with a comma and a space, which is none of these characters.
  if (typeof key === "string" && visible.test(key) && key.length <= idempotencyKeyBytesMax) return key;
  throw new BalsaError(
    "BAD_REQUEST",
    `Idempotency-Key takes 1 to ${idempotencyKeyBytesMax} visible ASCII characters, once`,
  );
}

/** `queryText` is what follows the `?` of the target. */
export function idempotencyOf(key: string, request: IncomingMessage, queryText: string, body: Uint8Array): Idempotency {
  return { key: Buffer.from(key, "latin1"), requestHash: requestHashOf(request, queryText, body) };
}

/**
 * Of all that decides what a write does: method, path, query, conditions and body. Where it is sent and how long it
 * may take does not count, nor does `redirect`, so that the same write may go to another node.
 */
function requestHashOf(
  { method, url = "", headers }: IncomingMessage,
  queryText: string,
  body: Uint8Array,
): Uint8Array {
  const mark = url.indexOf("?");
  const path = mark < 0 ? url : url.slice(0, mark);
  const parameters = queryText.split("&").filter((pair) => pair !== "" && !/^redirect(?:=|$)/.test(pair));
  const asked = [method, path, parameters.sort(), headers["if-match"] ?? null, headers["if-none-match"] ?? null];
  // JSON keeps the parts apart, whatever they hold.
  return createHash("sha256")
    .update(JSON.stringify(asked))
    .update("\n")
    .update(body)
    .digest()
    .subarray(0, requestHashBytes);
}

/** Requests that have no use for the key must not seem to obey it. */
export function refuseIdempotencyKey(request: IncomingMessage): void {
  if (request.headers["idempotency-key"] === undefined) return;
  throw new BalsaError("BAD_REQUEST", "Idempotency-Key has no use here: this request may be sent again as it is");
}
