/**
 * @module
 * What all writes have in common: how long they may take, where they are sent, and what makes them the same again.
 */

import type { Operation } from "../kv/command.ts";
import type { Answerer, Desk } from "./desk.ts";
import type { Exchange } from "./exchange.ts";
import { parseTimeoutMs, refuseFields } from "./header.ts";
import { idempotencyOf, parseIdempotencyKey } from "./idempotency.ts";
import { parseFlag, type QueryParameters } from "./query.ts";

/** Of writes without a condition on one key. */
export const unconditionalFields: readonly string[] = ["if-match", "if-none-match", "balsa-min-revision"];

export interface WriteAsk {
  readonly redirect: boolean;
  readonly timeoutMs: number;
  readonly idempotencyKey: string | undefined;
  readonly queryText: string;
}

/** `refused` are header fields that this write has no use for. Throws BAD_REQUEST. */
export function parseWriteAsk(
  desk: Desk,
  { request }: Exchange,
  query: { readonly text: string; readonly parameters: QueryParameters },
  refused: readonly string[] = unconditionalFields,
): WriteAsk {
  refuseFields(request.headers, refused);
  return {
    redirect: parseFlag(query.parameters, "redirect"),
    timeoutMs: parseTimeoutMs(request.headers, desk.options.defaultTimeoutMs),
    idempotencyKey: parseIdempotencyKey(request),
    queryText: query.text,
  };
}

/** Asks the node to execute the operation. `body` is the request's, as it was sent. */
export function submitWrite(
  desk: Desk,
  exchange: Exchange,
  answerer: Answerer,
  { operation, ask, body }: { readonly operation: Operation; readonly ask: WriteAsk; readonly body: Uint8Array },
): void {
  const { redirect, timeoutMs, idempotencyKey, queryText } = ask;
  const write = { kind: "write", operation, redirect } as const;
  if (idempotencyKey === undefined) return desk.submit(exchange, answerer, write, timeoutMs);
  const idempotency = idempotencyOf(idempotencyKey, exchange.request, queryText, body);
  desk.submit(exchange, answerer, { ...write, idempotency }, timeoutMs);
}
