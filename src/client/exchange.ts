/**
 * @module
 * One HTTP request and its whole answer, and how far it came when it failed.
 */

import { type Agent, request as startRequest } from "node:http";

export interface Exchange {
  readonly method: "GET" | "PUT" | "DELETE" | "POST" | "PATCH";
  readonly host: string;
  readonly port: number;
  /** Sent as it is: a URL object would swallow segments of dots, escaped or not. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Counted from the call to the last byte of the answer. */
  readonly timeoutMs: number;
}

export interface Answer {
  readonly status: number;
  /** Names in lower case; a repeated header's first value. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

/** The exchange failed; `sent` says whether the node may have seen the request. */
export class ExchangeError extends Error {
  readonly sent: boolean;
  readonly timedOut: boolean;

  constructor(message: string, state: { readonly sent: boolean; readonly timedOut: boolean }) {
    super(message);
    this.name = "ExchangeError";
    this.sent = state.sent;
    this.timedOut = state.timedOut;
  }
}

/** A machine that is gone does not refuse a connection; it just never answers. */
const connectMsMax = 1_000;

/** More than a node answers with: the largest value as base64 in JSON, and some room. */
const answerBytesMax = 128 * 1024 * 1024;

/** Throws an ExchangeError and nothing else. */
export function exchange(agent: Agent, asked: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let sent = false;
    let timedOut = false;
    const headers: Record<string, string> = { ...asked.headers };
    if (asked.body !== undefined) headers["content-length"] = String(asked.body.byteLength);
    const { host, port, path, method } = asked;
    const request = startRequest({ agent, host, port, path, method, headers });
    const timer = setTimeout(() => {
      timedOut = true;
      request.destroy(new Error(`no answer within ${asked.timeoutMs} ms`));
    }, asked.timeoutMs);
    const connecting = setTimeout(() => {
      if (!sent) request.destroy(new Error(`no connection within ${connectMsMax} ms`));
    }, connectMsMax);
    request.on("close", () => clearTimeout(connecting));
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(new ExchangeError(wordsOf(error), { sent, timedOut }));
    };
    request.on("socket", (socket) => {
      if (!socket.connecting) sent = true;
      else {
        socket.once("connect", () => {
          sent = true;
        });
      }
    });
    request.on("error", fail);
    request.on("response", (response) => {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      response.on("data", (chunk: Uint8Array) => {
        bytes += chunk.byteLength;
        if (bytes > answerBytesMax) request.destroy(new Error("the answer is too large"));
        chunks.push(chunk);
      });
      response.on("error", fail);
      response.on("end", () => {
        clearTimeout(timer);
        resolve({
          status: response.statusCode ?? 0,
          headers: firstValues(response.headers),
          body: Buffer.concat(chunks),
        });
      });
    });
    request.end(asked.body);
  });
}

function firstValues(headers: Readonly<Record<string, string | string[] | undefined>>): Map<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    const first = Array.isArray(value) ? value[0] : value;
    if (first !== undefined) values.set(name, first);
  }
  return values;
}

/** An error over several addresses of one name has no message of its own. */
function wordsOf(error: Error): string {
  if (error.message !== "") return error.message;
  const code = "code" in error ? String(error.code) : "";
  return error instanceof AggregateError ? error.errors.map(String).join(", ") : code || error.name;
}
