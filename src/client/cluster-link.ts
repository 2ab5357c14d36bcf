/**
 * @module
 * What the families of operations share: how they ask, what they make of refusals, and the newest revision that was
 * seen.
 */

import { BalsaError } from "../errors/balsa-error.ts";
import { errorOf, type JsonObject, jsonObjectOf, revisionIn } from "./answer.ts";
import { bytesOf } from "./bytes.ts";
import { type Call, freshKey, once, type Repetition, read, type WriteOptions } from "./call.ts";
import type { Caller } from "./caller.ts";
import type { Answer, OpenAnswer } from "./exchange.ts";
import { levelPairs, queryOf, type ReadOptions } from "./range.ts";

export interface LinkOptions {
  /** Whether reads are answered no older than what this client has seen. */
  readonly session: boolean;
  /** Whether writes get a key that makes them safe to send again. */
  readonly repeatWrites: boolean;
}

export class ClusterLink {
  /** The newest store revision of all answers; 0 before the first. */
  revision = 0;
  readonly #caller: Caller;
  readonly #options: LinkOptions;

  constructor(caller: Caller, options: LinkOptions) {
    this.#caller = caller;
    this.#options = options;
  }

  /** Whether no call will ever be answered again. */
  get closed(): boolean {
    return this.#caller.closed;
  }

  /** The answer, whatever its status. `path` is without the level. */
  async read(path: string, pairs: readonly string[], options: ReadOptions, headers: Headers = {}): Promise<Answer> {
    return this.#seen(await this.#caller.call(this.#readCall(path, pairs, options, headers)));
  }

  /** As `read`, and a success is left open. */
  async open(
    path: string,
    pairs: readonly string[],
    options: ReadOptions,
    headers: Headers = {},
  ): Promise<Answer | OpenAnswer> {
    return this.#seen(await this.#caller.open(this.#readCall(path, pairs, options, headers)));
  }

  /** A call that changes nothing, as it is. */
  async ask(call: Omit<Call, "repetition">): Promise<Answer> {
    return this.#seen(await this.#caller.call({ ...call, repetition: read }));
  }

  /** As `ask`, and a success is left open. */
  async openAs(call: Omit<Call, "repetition">): Promise<Answer | OpenAnswer> {
    return this.#seen(await this.#caller.open({ ...call, repetition: read }));
  }

  /** The answer to a write, under the key that it is given or one of its own. */
  async write(call: Omit<Call, "repetition">, options: WriteOptions): Promise<Answer> {
    const { idempotencyKey: key, signal, timeoutMs } = options;
    const own = this.#options.repeatWrites ? freshKey() : once;
    const repetition: Repetition = key === undefined ? own : { kind: "keyed", key, own: false };
    return this.#seen(await this.#caller.call({ ...call, signal, timeoutMs, repetition }));
  }

  async call(call: Call): Promise<Answer> {
    return this.#seen(await this.#caller.call(call));
  }

  /** What a read may not be older than; 0 when any will do. */
  minRevision({ minRevision = 0, revision }: Pick<ReadOptions, "minRevision" | "revision">): number {
    // What was at a revision does not change any more.
    const seen = this.#options.session && revision === undefined ? this.revision : 0;
    return Math.max(minRevision, seen);
  }

  #readCall(path: string, pairs: readonly string[], options: ReadOptions, headers: Headers): Call {
    const { signal, timeoutMs } = options;
    const minRevision = this.minRevision(options);
    const fields = minRevision === 0 ? headers : { ...headers, "balsa-min-revision": String(minRevision) };
    const full = queryOf(path, [...pairs, ...levelPairs(options)]);
    return { method: "GET", path: full, headers: fields, repetition: read, signal, timeoutMs };
  }

  #seen<A extends Answer | OpenAnswer>(answer: A): A {
    const text = answer.headers.get("balsa-revision");
    if (text !== undefined && /^\d{1,15}$/.test(text)) this.revision = Math.max(this.revision, Number(text));
    return answer;
  }
}

type Headers = Readonly<Record<string, string>>;

export function jsonBody(value: unknown): Uint8Array {
  return bytesOf(JSON.stringify(value));
}

/** The answer, when it has this status; throws what it says otherwise. */
export function expectStatus(answer: Answer, status: number): Answer {
  if (answer.status === status) return answer;
  throw answer.status >= 400
    ? errorOf(answer)
    : new BalsaError("INTERNAL", `the node answered ${answer.status}, and not ${status}`);
}

/** The JSON object of a success; throws what the answer says otherwise. */
export function jsonAt(answer: Answer, status = 200): JsonObject {
  return jsonObjectOf(expectStatus(answer, status));
}

export function storeRevisionOf(answer: Pick<Answer, "status" | "headers">): number {
  return revisionIn(answer, "balsa-revision");
}
