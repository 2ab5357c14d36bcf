/**
 * @module
 * Where requests wait: for their bodies, and for the node behind. Each kind of request brings what answers it.
 */

import { BalsaError } from "../errors/balsa-error.ts";
import type { Backend } from "./backend.ts";
import { announcesMore, drain, readBody, tooLarge } from "./body.ts";
import { ById } from "./by-id.ts";
import { ByteBudget } from "./byte-budget.ts";
import type { Exchange } from "./exchange.ts";
import { tooStale } from "./freshness.ts";
import type { HttpOptions } from "./options.ts";
import type { IngressRequest, Milestones, Outcome } from "./request.ts";
import { StateRefusal } from "./state-refusal.ts";

/** Answers the requests of its kind once it is known what became of them. May throw a BalsaError instead. */
export interface Answerer {
  answer(exchange: Exchange, outcome: Outcome): void;
}

export class Desk {
  readonly backend: Backend;
  readonly options: HttpOptions;
  /** Bodies of requests that are not answered yet. */
  readonly #bodies: ByteBudget;
  readonly #waiting = new ById<Exchange>();
  #lastRequestId = 0;
  #stopping = false;

  constructor(backend: Backend, options: HttpOptions) {
    this.backend = backend;
    this.options = options;
    this.#bodies = new ByteBudget(options.bodiesBytesMax);
  }

  /** Requests that wait for the node behind. */
  get waiting(): number {
    return this.#waiting.size;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  stop(): void {
    this.#stopping = true;
  }

  /** Throws SHUTTING_DOWN once the node takes nothing new. */
  assertOpen(): void {
    if (this.#stopping) throw new BalsaError("SHUTTING_DOWN", "this node is shutting down");
  }

  /** Asks the node; `answerer` is told the outcome. */
  submit(exchange: Exchange, answerer: Answerer, request: IngressRequest, timeoutMs: number): void {
    this.assertOpen();
    exchange.receiving = false;
    exchange.answerer = answerer;
    exchange.requestId = ++this.#lastRequestId;
    this.#waiting.add(exchange.requestId, exchange);
    this.backend.submit(exchange.requestId, request, exchange.startedAtMs + timeoutMs);
  }

  /** Reads the body, then goes on with it. */
  receive(exchange: Exchange, bytesMax: number, onBody: (body: Uint8Array) => void): void {
    const { request } = exchange;
    this.assertOpen();
    if (announcesMore(request, bytesMax)) {
      drain(request);
      throw tooLarge(bytesMax);
    }
    const goOn = (body: Uint8Array, release: () => void): void => {
      if (exchange.answered) return release();
      exchange.releaseBody = release;
      exchange.receivedAtMs = performance.now();
      try {
        onBody(body);
      } catch (error) {
        this.fail(exchange, error);
      }
    };
    exchange.receiving = true;
    readBody(request, bytesMax, this.#bodies, goOn, (code, detail) => exchange.refuse(code, detail));
  }

  /** Hands a waiting request its answer; nothing when its client is gone. */
  answer(requestId: number, outcome: Outcome, milestones: Milestones | null): void {
    const exchange = this.#waiting.get(requestId);
    if (exchange === undefined) return;
    this.#waiting.delete(requestId);
    exchange.milestones = milestones;
    exchange.closing ||= this.#stopping;
    try {
      this.#render(exchange, outcome);
    } catch (error) {
      this.fail(exchange, error);
    }
  }

  /** The client is gone, or has been answered otherwise. */
  abandon(exchange: Exchange): void {
    exchange.answered = true;
    exchange.releaseBody?.();
    if (this.#waiting.delete(exchange.requestId)) this.backend.cancel(exchange.requestId);
  }

  /** Answers with the error: a refusal as it says, anything else as the failure of this node. */
  fail(exchange: Exchange, error: unknown): void {
    if (error instanceof StateRefusal)
      return exchange.refuse(error.code, error.message, ["Balsa-Revision", String(error.revision)]);
    if (error instanceof BalsaError) return exchange.refuse(error.code, error.message);
    exchange.closing = true;
    exchange.refuse("INTERNAL", "the node failed; its log says why");
    this.backend.fail(error);
  }

  #render(exchange: Exchange, outcome: Outcome): void {
    if (outcome.kind === "refused") {
      if (outcome.code === "TOO_STALE") throw tooStale(this.backend, outcome.detail);
      return exchange.refuse(outcome.code, outcome.detail);
    }
    if (outcome.kind === "redirect") {
      return exchange.send(307, ["Location", `http://${outcome.httpAddr}${exchange.request.url ?? "/"}`], "");
    }
    exchange.answerer?.answer(exchange, outcome);
  }
}
