/**
 * @module
 * GET and HEAD of a key: how fresh the state must be, then the read itself.
 */

import type { Answerer, Desk } from "./desk.ts";
import type { Exchange, ReadAsk } from "./exchange.ts";
import { ageOf } from "./freshness.ts";
import { parseMinRevision, parseTimeoutMs, refuseFields, wantsJson } from "./header.ts";
import { decodeKey } from "./key.ts";
import { answerRead } from "./key-answer.ts";
import {
  isOpen,
  type MomentReads,
  type OnMoment,
  openView,
  type ReadMoment,
  readableRevision,
} from "./moment-reads.ts";
import { ReadQueryParser } from "./query.ts";
import type { IngressRequest, Outcome } from "./request.ts";
import { keyPrefix } from "./route.ts";

/** `If-None-Match` is of use here. */
const refusedFields: readonly string[] = ["if-match", "idempotency-key"];
const linearizableRead: IngressRequest = { kind: "read", stale: false, minRevision: 0, redirect: false };

export class KeyReads implements Answerer {
  readonly #desk: Desk;
  readonly #moments: MomentReads;
  readonly #queries = new ReadQueryParser();
  /** Stale reads of this turn of the event loop. */
  #stale: Exchange[] = [];

  constructor(desk: Desk, moments: MomentReads) {
    this.#desk = desk;
    this.#moments = moments;
  }

  onRequest(exchange: Exchange, path: string, queryText: string): void {
    const { options } = this.#desk;
    const query = this.#queries.parse(queryText);
    const { stale, byLease, maxAgeMs, redirect, revision } = query;
    const headers = exchange.request.headers;
    refuseFields(headers, refusedFields);
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
    if (revision !== undefined) {
      const onMoment: OnMoment = (read) => this.#readAt(exchange, ask, revision, read);
      return this.#moments.submit(exchange, { level: query, revision, onMoment });
    }
    exchange.kind = stale ? "staleRead" : "read";
    exchange.read = ask;
    this.#desk.assertOpen();
    if (stale && this.#isReadable(minRevision)) return this.#readAtTurnsEnd(exchange);
    if (byLease) return this.#desk.submit(exchange, this, { kind: "leaseRead", minRevision, redirect }, timeoutMs);
    const plain = !stale && minRevision === 0 && !redirect;
    const request = plain ? linearizableRead : ({ kind: "read", stale, minRevision, redirect } as const);
    this.#desk.submit(exchange, this, request, timeoutMs);
  }

  answer(exchange: Exchange, outcome: Outcome): void {
    if (outcome.kind === "readable") this.#readNow(exchange);
  }

  #isReadable(minRevision: number): boolean {
    const view = this.#desk.backend.view();
    return view !== undefined && (minRevision === 0 || view.revision() >= minRevision);
  }

  /**
   * The answers of a turn leave together. To wake a client costs this thread a sixth of the whole request, and a client
   * that is answered one by one sleeps again before the next answer.
   */
  #readAtTurnsEnd(exchange: Exchange): void {
    if (this.#stale.push(exchange) === 1) setImmediate(() => this.#readStale());
  }

  #readStale(): void {
    const exchanges = this.#stale;
    this.#stale = [];
    for (const exchange of exchanges) {
      try {
        this.#readNow(exchange);
      } catch (error) {
        this.#desk.fail(exchange, error);
      }
    }
  }

  #readNow(exchange: Exchange): void {
    if (exchange.read !== undefined) this.#read(exchange, exchange.read);
  }

  #read(exchange: Exchange, ask: ReadAsk): void {
    const { backend } = this.#desk;
    const view = openView(backend.view());
    const ageMs = ask.stale ? ageOf(backend, ask.maxAgeMs) : -1;
    answerRead(exchange, ask, view.read(ask.key), ageMs);
  }

  /** As of a revision: what the key was then has to be looked for. */
  async #readAt(exchange: Exchange, ask: ReadAsk, asked: number, { moment, ageMs }: ReadMoment): Promise<void> {
    const revision = readableRevision(moment, asked);
    const record = await moment.getAt(ask.key, revision, () => isOpen(exchange));
    if (isOpen(exchange)) answerRead(exchange, ask, { revision, record }, ageMs);
  }
}
