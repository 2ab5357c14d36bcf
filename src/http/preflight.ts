/**
 * @module
 * The question a browser asks before it lets another site's page send a request (Fetch, CORS-preflight).
 */

import type { IncomingMessage } from "node:http";
import type { Exchange } from "./exchange.ts";

const allowedFields =
  "Content-Type, Accept, If-Match, If-None-Match, Balsa-Timeout, Balsa-Min-Revision, Idempotency-Key, Last-Event-ID";

export function isPreflight(request: IncomingMessage): boolean {
  return request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined;
}

/** The guard has let the origin pass; without one there is nothing to allow. */
export function answerPreflight(exchange: Exchange): void {
  if (exchange.origin === "") {
    exchange.refuse("FORBIDDEN", "no origin is named that --cors-origin allows");
    return;
  }
  const headers = ["Access-Control-Allow-Methods", "GET, HEAD, PUT, POST, PATCH, DELETE"];
  headers.push("Access-Control-Allow-Headers", allowedFields, "Access-Control-Max-Age", "600");
  exchange.send(204, headers, "");
}
