/**
 * @module
 * One HTTP exchange with JSON in both directions, as main needs it now and then: to join, to say where this node is, and to see whether
 * its own node is ready.
 */

import { request as startRequest } from "node:http";

export interface JsonAnswer {
  readonly status: number;
  /** Empty when the body is not a JSON object. */
  readonly body: Readonly<Record<string, unknown>>;
}

const answerBytesMax = 1 << 20;

/** Rejects when nobody answers within `timeoutMs`, the connection breaks, or `signal` aborts. */
export function exchangeJson(
  method: "GET" | "POST" | "PATCH",
  url: string,
  body: unknown,
  { timeoutMs, signal: abandon }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<JsonAnswer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = abandon === undefined ? timeout : AbortSignal.any([timeout, abandon]);
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = text === undefined ? {} : { "content-type": "application/json" };
    const request = startRequest(url, { method, headers, agent: false, signal }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.byteLength;
        if (bytes > answerBytesMax) response.destroy(new Error("the answer is too large"));
        chunks.push(chunk);
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: parseObject(Buffer.concat(chunks)) }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(text);
  });
}

function parseObject(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
