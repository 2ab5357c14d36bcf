/**
 * @module
 * One HTTP request and its answer, whole or as a stream, and how far it came when it failed.
 */

import { type Agent, type IncomingMessage, request as startRequest } from "node:http";

export interface Exchange {
  readonly method: "GET" | "PUT" | "DELETE" | "POST" | "PATCH";
  readonly host: string;
  readonly port: number;
  /** Sent as it is: a URL object would swallow segments of dots, escaped or not. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Counted from the call to the last byte of the answer; of a stream, to the end of its head. */
  readonly timeoutMs: number;
  /** Counted to the end of the answer's head, where that shall come sooner than the rest. */
  readonly headTimeoutMs?: number;
  /** Ends the exchange, a stream too. */
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  /** Names in lower case; a repeated header's first value. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

/** An answer whose body is still to come. Whoever has it ends it: by reading to its end, or by `close`. */
export interface OpenAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** Fails when the connection breaks before the body's proper end. */
  readonly chunks: AsyncIterable<Uint8Array>;
  close(): void;
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
export async function exchange(agent: Agent, asked: Exchange): Promise<Answer> {
  const attempt = new Attempt(agent, asked);
  const whole = attempt.endAfter(asked.timeoutMs);
  try {
    return await attempt.collect(await attempt.head());
  } finally {
    clearTimeout(whole);
  }
}

/** A success is left open, so that its body can be read as it comes. Throws an ExchangeError and nothing else. */
export async function openExchange(agent: Agent, asked: Exchange): Promise<Answer | OpenAnswer> {
  const attempt = new Attempt(agent, { ...asked, headTimeoutMs: asked.headTimeoutMs ?? asked.timeoutMs });
  const response = await attempt.head();
  if (response.statusCode === 200) return attempt.leaveOpen(response);
  const rest = attempt.endAfter(asked.timeoutMs);
  try {
    return await attempt.collect(response);
  } finally {
    clearTimeout(rest);
  }
}

/** One request on its way. */
class Attempt {
  readonly #request: ReturnType<typeof startRequest>;
  readonly #asked: Exchange;
  #sent = false;
  #timedOut = false;
  /** Why this side ended it; to the answer's body that looks like a broken connection. */
  #reason: string | undefined;

  constructor(agent: Agent, asked: Exchange) {
    const { host, port, path, method, body, signal } = asked;
    const headers: Record<string, string> = { ...asked.headers };
    if (body !== undefined) headers["content-length"] = String(body.byteLength);
    this.#asked = asked;
    this.#request = startRequest({ agent, host, port, path, method, headers, ...(signal && { signal }) });
    const connecting = setTimeout(() => {
      if (!this.#sent) this.#end(`no connection within ${connectMsMax} ms`);
    }, connectMsMax);
    this.#request.on("close", () => clearTimeout(connecting));
    this.#request.on("socket", (socket) => {
      if (!socket.connecting) this.#sent = true;
      else {
        socket.once("connect", () => {
          this.#sent = true;
        });
      }
    });
    this.#request.end(body);
  }

  endAfter(timeoutMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timedOut = true;
      this.#end(`no answer within ${timeoutMs} ms`);
    }, timeoutMs);
  }

  head(): Promise<IncomingMessage> {
    const { headTimeoutMs } = this.#asked;
    const timer = headTimeoutMs === undefined ? undefined : this.endAfter(headTimeoutMs);
    return new Promise((resolve, reject) => {
      // It stays for as long as the request lives: one that is destroyed late has an error that nobody waits for.
      this.#request.on("error", (error) => {
        clearTimeout(timer);
        reject(this.#failure(error));
      });
      this.#request.on("response", (response) => {
        clearTimeout(timer);
        resolve(response);
      });
    });
  }

  collect(response: IncomingMessage): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      response.on("data", (chunk: Uint8Array) => {
        bytes += chunk.byteLength;
        if (bytes > answerBytesMax) this.#end("the answer is too large");
        chunks.push(chunk);
      });
      response.on("error", (error) => reject(this.#failure(error)));
      response.on("end", () => resolve({ ...headOf(response), body: Buffer.concat(chunks) }));
    });
  }

  leaveOpen(response: IncomingMessage): OpenAnswer {
    // Between two reads nobody else listens.
    response.on("error", () => undefined);
    return { ...headOf(response), chunks: response, close: () => void this.#request.destroy() };
  }

  #end(reason: string): void {
    this.#reason ??= reason;
    this.#request.destroy(new Error(reason));
  }

  #failure(error: Error): ExchangeError {
    return new ExchangeError(this.#reason ?? wordsOf(error), { sent: this.#sent, timedOut: this.#timedOut });
  }
}

function headOf(response: IncomingMessage): Pick<Answer, "status" | "headers"> {
  return { status: response.statusCode ?? 0, headers: firstValues(response.headers) };
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
