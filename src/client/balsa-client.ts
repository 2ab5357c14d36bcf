/**
 * @module
 * The typed client: any of several nodes, and the next one when that is safe.
 */

import { Agent } from "node:http";
import { BalsaError } from "../errors/balsa-error.ts";
import { errorOf, type JsonObject, jsonObjectOf, revisionIn } from "./answer.ts";
import { type Answer, type Exchange, ExchangeError, exchange } from "./exchange.ts";
import { Members } from "./members.ts";

export interface ClientOptions {
  /** URLs of nodes, as `http://127.0.0.1:8091`; `http://` may be left out. */
  readonly endpoints: readonly string[];
  /** Of a whole call, over however many nodes: 1 to 60 000. Default 5 000. */
  readonly timeoutMs?: number;
}

export type ReadLevel = "linearizable" | "lease" | "stale";

/** Text is UTF-8. */
export type KeyLike = string | Uint8Array;

export interface GetOptions {
  /** Default `linearizable`. */
  readonly level?: ReadLevel;
  /** Answered only once the node has applied this revision. */
  readonly minRevision?: number;
}

export interface KeyValue {
  readonly value: Uint8Array;
  readonly modRevision: number;
  /** The store revision at which it was answered. */
  readonly revision: number;
}

export interface PutResult {
  readonly modRevision: number;
  readonly revision: number;
}

export interface DeleteResult {
  /** 0 or 1. */
  readonly deleted: number;
  readonly revision: number;
}

type Call = Pick<Exchange, "method" | "path" | "body"> & {
  readonly headers?: Readonly<Record<string, string>>;
  readonly writes: boolean;
};

/** How long the client waits beyond the time that it gives the node. */
const graceMs = 500;
const timeoutMsMax = 60_000;

/**
 * Every call throws a BalsaError and nothing else.
 *
 * A call goes to the node that answered last, and on to the next only when that is safe: a read always, a write
 * when it certainly was not applied (the connection was refused, or the node said so). A write whose
 * connection broke after it was sent is `CONNECTION_LOST`, outcome unknown.
 */
export class BalsaClient {
  readonly endpoints: readonly URL[];
  readonly members: Members;
  readonly #timeoutMs: number;
  readonly #agent = new Agent({ keepAlive: true });
  /** Index of the endpoint that answered last. */
  #current = 0;

  /** Throws a RangeError for a list or an URL or a time that cannot be used. */
  constructor(options: ClientOptions) {
    this.endpoints = options.endpoints.map(parseEndpoint);
    if (this.endpoints.length === 0) throw new RangeError("a client needs at least one endpoint");
    this.#timeoutMs = options.timeoutMs ?? 5_000;
    if (!(this.#timeoutMs >= 1 && this.#timeoutMs <= timeoutMsMax)) {
      throw new RangeError(`a timeout is 1 to ${timeoutMsMax} ms, not ${this.#timeoutMs}`);
    }
    this.members = new Members((method, path, body) => {
      const bytes = body === undefined ? {} : { body: bytesOf(JSON.stringify(body)) };
      return this.#call({ method, path, ...bytes, writes: method !== "GET" });
    });
  }

  /** Undefined when the key does not exist. */
  async get(key: KeyLike, options: GetOptions = {}): Promise<KeyValue | undefined> {
    const headers: Record<string, string> = {};
    if (options.minRevision !== undefined) headers["balsa-min-revision"] = String(options.minRevision);
    const path = `${keyPath(key)}?level=${options.level ?? "linearizable"}`;
    const answer = await this.#call({ method: "GET", path, headers, writes: false });
    if (answer.status === 200) {
      const revision = revisionIn(answer, "balsa-revision");
      return { value: answer.body, modRevision: revisionIn(answer, "etag"), revision };
    }
    const error = errorOf(answer);
    if (error.code === "KEY_NOT_FOUND") return undefined;
    throw error;
  }

  async put(key: KeyLike, value: KeyLike): Promise<PutResult> {
    const answer = await this.#call({ method: "PUT", path: keyPath(key), body: bytesOf(value), writes: true });
    if (answer.status !== 204) throw errorOf(answer);
    return { modRevision: revisionIn(answer, "etag"), revision: revisionIn(answer, "balsa-revision") };
  }

  async delete(key: KeyLike): Promise<DeleteResult> {
    const answer = await this.#call({ method: "DELETE", path: keyPath(key), writes: true });
    if (answer.status !== 204) throw errorOf(answer);
    return { deleted: revisionIn(answer, "balsa-deleted"), revision: revisionIn(answer, "balsa-revision") };
  }

  /** What one node says of itself: `GET /status` at that endpoint and nowhere else. */
  async status(endpoint: URL): Promise<JsonObject> {
    const call: Call = { method: "GET", path: "/status", writes: false };
    try {
      const answer = await this.#ask(endpoint, call, this.#timeoutMs);
      if (answer.status !== 200) throw errorOf(answer);
      return jsonObjectOf(answer);
    } catch (cause) {
      throw cause instanceof ExchangeError ? uncertainty(cause, endpoint) : cause;
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Goes through the endpoints at most once, within the time of the whole call. */
  async #call(call: Call): Promise<Answer> {
    const deadline = performance.now() + this.#timeoutMs;
    const complaints: string[] = [];
    let refusal: Answer | undefined;
    for (let attempt = 0; attempt < this.endpoints.length; attempt++) {
      const endpoint = this.endpoints[this.#current % this.endpoints.length];
      const left = Math.ceil(deadline - performance.now());
      if (endpoint === undefined || left <= 0) break;
      try {
        const answer = await this.#ask(endpoint, call, left);
        if (answer.status < 500 || !mayGoOn(call, errorOf(answer))) return answer;
        refusal = answer;
      } catch (cause) {
        if (!(cause instanceof ExchangeError)) throw cause;
        if (call.writes && cause.sent) throw uncertainty(cause, endpoint);
        complaints.push(`${endpoint.origin}: ${cause.message}`);
      }
      this.#current = (this.#current + 1) % this.endpoints.length;
    }
    if (refusal !== undefined) return refusal;
    throw new BalsaError("UNREACHABLE", complaints.join("; "));
  }

  async #ask(endpoint: URL, call: Call, timeoutMs: number): Promise<Answer> {
    const { method, path, headers, body } = call;
    return await exchange(this.#agent, {
      method,
      host: endpoint.hostname.replace(/^\[|\]$/g, ""),
      port: endpoint.port === "" ? 80 : Number(endpoint.port),
      path,
      headers: { ...headers, "balsa-timeout": `${timeoutMs}ms` },
      ...(body === undefined ? {} : { body }),
      timeoutMs: timeoutMs + graceMs,
    });
  }
}

/** Whether the same request may be asked of another node without a risk of applying it twice. */
function mayGoOn(call: Call, error: BalsaError): boolean {
  if (!call.writes) return error.code !== "INTERNAL";
  return error.outcome === "not-applied" && (error.code === "NO_LEADER" || error.code === "SHUTTING_DOWN");
}

function uncertainty(cause: ExchangeError, endpoint: URL): BalsaError {
  const detail = `${endpoint.origin}: ${cause.message}`;
  if (!cause.sent) return new BalsaError("UNREACHABLE", detail);
  return new BalsaError(cause.timedOut ? "TIMEOUT" : "CONNECTION_LOST", detail);
}

function parseEndpoint(text: string): URL {
  const full = text.includes("://") ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url?.protocol !== "http:")
    throw new RangeError(`${JSON.stringify(text)} is not an endpoint as http://127.0.0.1:8091`);
  return url;
}

function bytesOf(value: KeyLike): Uint8Array {
  return typeof value === "string" ? new TextEncoder().encode(value) : value;
}

/** Every byte but the unreserved ones and `/` as %XX; a segment of dots too, which a URL would swallow. */
export function keyPath(key: KeyLike): string {
  let path = "/key/";
  for (const byte of bytesOf(key)) {
    const character = String.fromCharCode(byte);
    path += /[A-Za-z0-9_~/-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return path;
}
