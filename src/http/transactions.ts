/**
 * @module
 * `POST /txn`: as a command when it may change something, else as a read.
 */

import type { Result, TransactionResult } from "../kv/result.ts";
import { isReadOnly, type Transaction } from "../kv/transaction.ts";
import type { Desk } from "./desk.ts";
import type { Exchange } from "./exchange.ts";
import { bad } from "./fields.ts";
import { parseMinRevision, parseTimeoutMs, refuseFields } from "./header.ts";
import { parseIdempotencyKey } from "./idempotency.ts";
import { itemObject } from "./item-json.ts";
import { type MomentReads, momentHeaders } from "./moment-reads.ts";
import { levelParameters, parseLevel, parseQuery, type QueryParameters } from "./query.ts";
import { answerRefusal } from "./refusal.ts";
import type { Outcome } from "./request.ts";
import { parseTransaction } from "./transaction-body.ts";
import { parseWriteAsk, submitWrite } from "./write-ask.ts";

const conditions: readonly string[] = ["if-match", "if-none-match"];
const readsOnly: readonly string[] = ["level", "max-age"];

export class Transactions {
  readonly #desk: Desk;
  readonly #moments: MomentReads;

  constructor(desk: Desk, moments: MomentReads) {
    this.#desk = desk;
    this.#moments = moments;
  }

  onRequest(exchange: Exchange, text: string): void {
    const { options } = this.#desk;
    const { headers } = exchange.request;
    exchange.kind = "write";
    const parameters = parseQuery(text, levelParameters);
    parseLevel(parameters);
    refuseFields(headers, conditions);
    parseMinRevision(headers);
    parseTimeoutMs(headers, options.defaultTimeoutMs);
    parseIdempotencyKey(exchange.request);
    this.#desk.receive(exchange, options.bodyBytesMax, (body) => {
      const transaction = parseTransaction(body, options);
      if (isReadOnly(transaction)) this.#read(exchange, transaction, parameters);
      else this.#write(exchange, transaction, { text, parameters, body });
    });
  }

  /** An idempotency key has nothing to do here: what only reads may be sent again as it is. */
  #read(exchange: Exchange, transaction: Transaction, parameters: QueryParameters): void {
    exchange.receiving = false;
    this.#moments.submit(exchange, {
      level: parseLevel(parameters),
      revision: undefined,
      onMoment: async ({ moment, ageMs }) => {
        const { revision } = moment;
        const result = await moment.transact(transaction);
        answerTransaction(exchange, { revision, result, headers: momentHeaders(revision, ageMs) });
      },
    });
  }

  #write(
    exchange: Exchange,
    transaction: Transaction,
    {
      text,
      parameters,
      body,
    }: { readonly text: string; readonly parameters: QueryParameters; readonly body: Uint8Array },
  ): void {
    const level = readsOnly.find((name) => parameters.has(name));
    if (level !== undefined) throw bad(`${level} belongs to reads, and this transaction can change something`);
    const ask = parseWriteAsk(this.#desk, exchange, { text, parameters });
    submitWrite(this.#desk, exchange, this, { operation: { kind: "txn", transaction }, ask, body });
  }

  answer(exchange: Exchange, outcome: Outcome): void {
    if (outcome.kind !== "applied") return;
    const { revision, result } = outcome;
    answerTransaction(exchange, { revision, result, headers: momentHeaders(revision, -1) });
  }
}

function answerTransaction(
  exchange: Exchange,
  { revision, result, headers }: { readonly revision: number; readonly result: Result; readonly headers: string[] },
): void {
  if (result.kind !== "txn") return answerRefusal(exchange, result, headers);
  const { succeeded, results } = result;
  if (results !== null) return exchange.json(200, { succeeded, revision, results: results.map(resultObject) }, headers);
  const detail = "this was executed before, and its results were too large to be kept with the idempotency key";
  exchange.json(200, { succeeded, revision, results, detail }, headers);
}

function resultObject(result: TransactionResult): object {
  switch (result.kind) {
    case "put": {
      const { modRevision, leaseId } = result;
      return { put: leaseId === 0 ? { modRevision } : { modRevision, lease: String(leaseId) } };
    }
    case "get":
      return { get: result.item === null ? null : itemObject(result.item.key, result.item) };
    case "range":
      return { range: { items: result.items.map((item) => itemObject(item.key, item)) } };
    case "delete":
      return { delete: { deleted: result.deleted } };
    case "txn":
      return { txn: { succeeded: result.succeeded, results: result.results.map(resultObject) } };
  }
}
