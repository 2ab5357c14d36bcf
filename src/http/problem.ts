/**
 * @module
 * Errors as clients see them: `application/problem+json` (RFC 9457) with a stable code and the outcome.
 */

import { STATUS_CODES } from "node:http";
import { type ErrorCode, errorKinds } from "../errors/codes.ts";
import { knownMethods } from "./route.ts";

export const problemType = "application/problem+json";

export function problemBody(code: ErrorCode, detail: string): string {
  const { status, title, outcome } = errorKinds[code];
  return JSON.stringify({ type: `urn:balsa:error:${code}`, title, status, code, detail, outcome });
}

/** A whole answer as text, for a connection whose request could not be parsed. The connection is to be closed. */
export function rawProblem(code: ErrorCode, detail: string): string {
  const { status } = errorKinds[code];
  const body = problemBody(code, detail);
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Error"}`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(code === "OVERLOADED" ? ["Retry-After: 1"] : []),
    ...(code === "METHOD_NOT_ALLOWED" ? [`Allow: ${knownMethods}`] : []),
    "Connection: close",
    "",
    body,
  ].join("\r\n");
}
