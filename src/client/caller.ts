/**
 * @module
 * Brings calls to the cluster: from node to node, within one deadline, again where that is safe.
 */

import { Agent } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { BalsaError } from "../errors/balsa-error.ts";
import { errorOf } from "./answer.ts";
import { after, type Call, mayRepeat, type Repetition, settles } from "./call.ts";
import type { Endpoints } from "./endpoints.ts";
import { type Answer, type Exchange, ExchangeError, exchange, type OpenAnswer, openExchange } from "./exchange.ts";

export interface CallerOptions {
  readonly endpoints: Endpoints;
  readonly timeoutMs: number;
  /** How often a call goes through all endpoints, at most. */
  readonly roundsMax: number;
}

/** How long the client waits beyond the time that it gives the node. */
const graceMs = 500;
export const timeoutMsMax = 60_000;
/** A node is given at least so long, if the call has it. */
const shareMsMin = 1_000;
const redirectsMax = 3;
const pauseMsMin = 50;
const pauseMsMax = 1_000;

type Send<A> = (agent: Agent, asked: Exchange) => Promise<A>;

export class Caller {
  readonly #endpoints: Endpoints;
  readonly #timeoutMs: number;
  readonly #roundsMax: number;
  readonly #agent = new Agent({ keepAlive: true });
  #closed = false;

  constructor({ endpoints, timeoutMs, roundsMax }: CallerOptions) {
    this.#endpoints = endpoints;
    this.#timeoutMs = checkedTimeout(timeoutMs);
    this.#roundsMax = roundsMax;
  }

  /**
   * The answer of the first node that has one, a refusal too. Throws a BalsaError when no node has one in time, and the
   * reason of the call's signal.
   */
  async call(call: Call): Promise<Answer> {
    return await this.#run(call, exchange);
  }

  /** As `call`, and a 200 is left open to be read as it comes. The signal ends that too. */
  async open(call: Call): Promise<Answer | OpenAnswer> {
    return await this.#run(call, openExchange);
  }

  /** Asks this endpoint, and no other. */
  async callAt(endpoint: URL, call: Call): Promise<Answer> {
    const timeoutMs = checkedTimeout(call.timeoutMs ?? this.#timeoutMs);
    return await this.#attempt(endpoint, call, { shareMs: timeoutMs, leftMs: timeoutMs }, exchange);
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
    this.#agent.destroy();
  }

  async #run<A extends Answer | OpenAnswer>(call: Call, send: Send<A>): Promise<A> {
    const deadline = performance.now() + checkedTimeout(call.timeoutMs ?? this.#timeoutMs);
    const { first, count } = this.#endpoints;
    const failures = new Failures();
    let { repetition } = call;
    let pauseMs = 0;
    for (let attempt = 0; attempt < count * this.#roundsMax; attempt++) {
      const leftMs = Math.ceil(deadline - performance.now() - pauseMs);
      if (leftMs <= 0 || this.#closed) break;
      if (pauseMs > 0) await abortable(call, pause(pauseMs, undefined, { signal: call.signal }));
      const repeats = count > 1 && repetition.kind !== "once";
      const shareMs = repeats ? Math.max(Math.ceil(leftMs / 2), Math.min(leftMs, shareMsMin)) : leftMs;
      const ended = await this.#try(first + attempt, { ...call, repetition }, { shareMs, leftMs }, send);
      const { answer, error } = ended;
      if (error === undefined || !mayRepeat(repetition, error)) return settled(ended, repetition, failures.doubt);
      failures.add(error, { answered: answer !== undefined, doubtful: repetition.kind !== "read" });
      repetition = after(repetition, error, failures.doubt !== undefined);
      const roundEnds = (attempt + 1) % count === 0;
      pauseMs = roundEnds ? pauseAfter((attempt + 1) / count, answer) : 0;
    }
    throw failures.verdict(this.#closed ? "this client is closed" : "no time was left to ask a node");
  }

  async #try<A extends Answer | OpenAnswer>(index: number, call: Call, times: Times, send: Send<A>): Promise<Ended<A>> {
    try {
      const answer = await this.#attempt(this.#endpoints.at(index), call, times, send);
      const error = answer.status >= 400 && "body" in answer ? errorOf(answer) : undefined;
      if (error === undefined || !mayRepeat(call.repetition, error)) this.#endpoints.prefer(index);
      return { kind: "answered", answer, error };
    } catch (cause) {
      if (cause instanceof BalsaError) return { kind: "failed", answer: undefined, error: cause };
      throw cause;
    }
  }

  /** Follows redirects among the endpoints. */
  async #attempt<A extends Answer | OpenAnswer>(at: URL, call: Call, times: Times, send: Send<A>): Promise<A> {
    let endpoint = at;
    let { path } = call;
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#ask(endpoint, { ...call, path }, times, send);
      const location = answer.status === 307 || answer.status === 308 ? answer.headers.get("location") : undefined;
      if (location === undefined) return answer;
      const url = URL.canParse(location, endpoint.href) ? new URL(location, endpoint) : undefined;
      if (url === undefined || !this.#endpoints.knows(url.origin) || redirects === redirectsMax) {
        throw new BalsaError("INTERNAL", `${endpoint.origin} redirects to ${location}, which is none of the endpoints`);
      }
      endpoint = url;
      path = location.replace(/^[a-z]+:\/\/[^/]*/i, "");
    }
  }

  async #ask<A>(endpoint: URL, call: Call, { shareMs, leftMs }: Times, send: Send<A>): Promise<A> {
    const { method, path, headers, body, repetition, signal } = call;
    signal?.throwIfAborted();
    const key = repetition.kind === "keyed" ? { "idempotency-key": repetition.key } : {};
    const asked: Exchange = {
      method,
      host: endpoint.hostname.replace(/^\[|\]$/g, ""),
      port: endpoint.port === "" ? 80 : Number(endpoint.port),
      path,
      headers: { ...headers, ...key, "balsa-timeout": `${shareMs}ms` },
      ...(body === undefined ? {} : { body }),
      timeoutMs: leftMs + graceMs,
      headTimeoutMs: shareMs + graceMs,
      signal,
    };
    try {
      return await send(this.#agent, asked);
    } catch (cause) {
      signal?.throwIfAborted();
      throw cause instanceof ExchangeError ? uncertainty(cause, endpoint) : cause;
    }
  }
}

interface Times {
  /** How long this node may take. */
  readonly shareMs: number;
  /** How long the call may take from now. */
  readonly leftMs: number;
}

/** The error is that of an answer that is no success, or why there is none. */
type Ended<A> =
  | { readonly kind: "answered"; readonly answer: A; readonly error: BalsaError | undefined }
  | { readonly kind: "failed"; readonly answer: undefined; readonly error: BalsaError };

/** What a call ends with that is not sent again; `doubt` is why an earlier attempt may have been applied. */
function settled<A>(ended: Ended<A>, repetition: Repetition, doubt: BalsaError | undefined): A {
  const { error } = ended;
  if (error !== undefined && doubt !== undefined && !settles(repetition, error)) {
    throw new BalsaError(error.code, `${error.message}; before that: ${doubt.message}`, "unknown");
  }
  if (ended.kind === "failed") throw ended.error;
  return ended.answer;
}

/** Why a call has not come to an end yet. */
class Failures {
  /** The first failure that leaves open whether the call was applied. */
  doubt: BalsaError | undefined;
  #answered: BalsaError | undefined;
  #silent: BalsaError | undefined;
  readonly #unreachable = new Set<string>();

  add(error: BalsaError, { answered, doubtful }: { readonly answered: boolean; readonly doubtful: boolean }): void {
    if (doubtful && error.outcome === "unknown") this.doubt ??= error;
    if (answered) this.#answered = error;
    else if (error.code === "UNREACHABLE") this.#unreachable.add(error.message);
    else this.#silent = error;
  }

  /** What the whole call is told: first that it may have been applied, then what a node said, then how nodes are silent. */
  verdict(otherwise: string): BalsaError {
    const known = this.doubt ?? this.#answered ?? this.#silent;
    return known ?? new BalsaError("UNREACHABLE", [...this.#unreachable].join("; ") || otherwise);
  }
}

function uncertainty(cause: ExchangeError, endpoint: URL): BalsaError {
  const detail = `${endpoint.origin}: ${cause.message}`;
  if (!cause.sent) return new BalsaError("UNREACHABLE", detail);
  return new BalsaError(cause.timedOut ? "TIMEOUT" : "CONNECTION_LOST", detail);
}

/** Twice as long after each round, by chance up to half of it less, so that clients do not come back all at once. */
function pauseAfter(rounds: number, answer: Answer | OpenAnswer | undefined): number {
  const wanted = Number(answer?.headers.get("retry-after") ?? 0) * 1000;
  const backOffMs = Math.min(pauseMsMin * 2 ** (rounds - 1), pauseMsMax);
  const leastMs = Number.isFinite(wanted) ? Math.min(wanted, pauseMsMax) : 0;
  return Math.ceil(Math.max(backOffMs * (1 - Math.random() / 2), leastMs));
}

/** Rejects with the reason of the call's signal, and not with an error about it. */
export async function abortable(
  call: { readonly signal?: AbortSignal | undefined },
  waits: Promise<unknown>,
): Promise<void> {
  try {
    await waits;
  } catch (cause) {
    call.signal?.throwIfAborted();
    throw cause;
  }
}

/** Throws a RangeError. */
function checkedTimeout(timeoutMs: number): number {
  if (timeoutMs >= 1 && timeoutMs <= timeoutMsMax) return timeoutMs;
  throw new RangeError(`a timeout is 1 to ${timeoutMsMax} ms, not ${timeoutMs}`);
}
