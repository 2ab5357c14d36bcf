/**
 * @module
 * GET and HEAD of a key: how fresh the state must be, then the read itself.
 */

import { BalsaError } from "../errors/balsa-error.ts";
import type { Answerer, Desk } from "./desk.ts";
import type { Exchange, ReadAsk } from "./exchange.ts";
import { parseMinRevision, parseTimeoutMs, refuseFields, wantsJson } from "./header.ts";
import { decodeKey } from "./key.ts";
import { answerRead } from "./key-answer.ts";
import { ReadQueryParser } from "./query.ts";
import type { IngressRequest, Outcome } from "./request.ts";
import { keyPrefix } from "./route.ts";

const linearizableRead: IngressRequest = { kind: "read", stale: false, minRevision: 0, redirect: false };

export class KeyReads implements Answerer {
  readonly #desk: Desk;
  readonly #queries = new ReadQueryParser();

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  onRequest(exchange: Exchange, path: string, queryText: string): void {
    const { options } = this.#desk;
    const { stale, maxAgeMs, redirect } = this.#queries.parse(queryText);
    const headers = exchange.request.headers;
    if (headers["if-match"] !== undefined) refuseFields(headers, ["if-match"]);
    const minRevision = parseMinRevision(headers);
    const timeoutMs = parseTimeoutMs(headers, options.defaultTimeoutMs);
    const ask: ReadAsk = {
      key: decodeKey(path, keyPrefix.length, path.length, options.keyBytesMax),
      stale,
      maxAgeMs,
      minRevision,
      ifNoneMatch: headers["if-none-match"],
      json: wantsJson(headers.accept),
    };
    exchange.kind = stale ? "staleRead" : "read";
    exchange.read = ask;
    this.#desk.assertOpen();
    if (stale && this.#isReadable(minRevision)) return this.#read(exchange, ask);
    const plain = !stale && minRevision === 0 && !redirect;
    const request = plain ? linearizableRead : ({ kind: "read", stale, minRevision, redirect } as const);
    this.#desk.submit(exchange, this, request, timeoutMs);
  }

  answer(exchange: Exchange, outcome: Outcome): void {
    if (outcome.kind === "readable" && exchange.read !== undefined) this.#read(exchange, exchange.read);
  }

  #isReadable(minRevision: number): boolean {
    const view = this.#desk.backend.view();
    return view !== undefined && (minRevision === 0 || view.revision() >= minRevision);
  }

  /** Reads the state and answers. How fresh it is gets asked first, so that it is never overstated. */
  #read(exchange: Exchange, ask: ReadAsk): void {
    const { backend } = this.#desk;
    const view = backend.view();
    if (view === undefined) throw new BalsaError("TOO_STALE", "the state of this node is not open");
    if (!ask.stale) return answerRead(exchange, ask, view.read(ask.key), -1);
    const freshAtMs = backend.freshAtMs();
    const ageMs = freshAtMs === 0 ? -1 : Math.max(0, Math.ceil(backend.nowMs() - freshAtMs));
    if (ask.maxAgeMs !== Number.POSITIVE_INFINITY && (ageMs < 0 || ageMs > ask.maxAgeMs)) {
      throw new BalsaError(
        "TOO_STALE",
        ageMs < 0 ? "this node has not heard a leader" : `the state is ${ageMs} ms old`,
      );
    }
    answerRead(exchange, ask, view.read(ask.key), ageMs);
  }
}
