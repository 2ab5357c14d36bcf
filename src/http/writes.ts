/**
 * @module
 * Requests that become commands: PUT and DELETE of a key, several keys at once, deletion of a range, compaction.
 */

import type { Operation } from "../kv/command.ts";
import type { Desk } from "./desk.ts";
import type { Exchange } from "./exchange.ts";
import { bad, Fields } from "./fields.ts";
import { parseWriteCondition } from "./header.ts";
import { parsePairs } from "./json-body.ts";
import { parseJsonObject } from "./json-text.ts";
import { decodeKey } from "./key.ts";
import { parseLeaseId } from "./lease-id.ts";
import { parseQuery, type QueryParameters } from "./query.ts";
import { namesRange, rangeIn, rangeParameters } from "./range.ts";
import type { Outcome } from "./request.ts";
import { keyPrefix } from "./route.ts";
import { answerDeletedRange, answerWrite } from "./write-answer.ts";
import { parseWriteAsk, submitWrite } from "./write-ask.ts";

const keyFields: readonly string[] = ["balsa-min-revision"];
const plainParameters: readonly string[] = ["redirect"];
const putParameters: readonly string[] = [...plainParameters, "ttl", "lease"];
const deleteRangeParameters: readonly string[] = [...plainParameters, ...rangeParameters];
const nothing = new Uint8Array(0);

export class Writes {
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  onKey(exchange: Exchange, method: "PUT" | "DELETE", path: string, text: string): void {
    const { options } = this.#desk;
    exchange.kind = "write";
    const key = decodeKey(path, keyPrefix.length, path.length, options.keyBytesMax);
    const condition = parseWriteCondition(exchange.request.headers, method);
    const parameters = parseQuery(text, method === "PUT" ? putParameters : plainParameters);
    const ask = parseWriteAsk(this.#desk, exchange, { text, parameters }, keyFields);
    if (method === "DELETE") {
      const operation: Operation = { kind: "delete", key, condition };
      return submitWrite(this.#desk, exchange, this, { operation, ask, body: nothing });
    }
    const life = lifeIn(parameters);
    this.#desk.receive(exchange, options.valueBytesMax, (value) => {
      const operation: Operation = { kind: "put", key, value, ...life, condition };
      submitWrite(this.#desk, exchange, this, { operation, ask, body: value });
    });
  }

  onPairs(exchange: Exchange, text: string): void {
    this.#onBody(exchange, text, (body) => ({ kind: "putAll", pairs: parsePairs(body, this.#desk.options) }));
  }

  onCompact(exchange: Exchange, text: string): void {
    this.#onBody(exchange, text, (body) => {
      const revision = Fields.of(parseJsonObject(body), "the body", ["revision"]).whole("revision");
      if (revision === undefined) throw bad("the body has no revision");
      return { kind: "compact", revision };
    });
  }

  onDeleteRange(exchange: Exchange, text: string): void {
    exchange.kind = "write";
    const parameters = parseQuery(text, deleteRangeParameters);
    const fields = Fields.ofQuery(parameters);
    if (!namesRange(fields)) throw bad("say which keys: prefix, or start and end; prefix= means all of them");
    const operation: Operation = { kind: "deleteRange", range: rangeIn(fields, this.#desk.options.keyBytesMax) };
    const ask = parseWriteAsk(this.#desk, exchange, { text, parameters });
    submitWrite(this.#desk, exchange, { answer: answerDeletedRange }, { operation, ask, body: nothing });
  }

  answer(exchange: Exchange, outcome: Outcome): void {
    if (outcome.kind === "applied") answerWrite(exchange, outcome.revision, outcome.result);
  }

  #onBody(exchange: Exchange, text: string, operationOf: (body: Uint8Array) => Operation): void {
    exchange.kind = "write";
    const ask = parseWriteAsk(this.#desk, exchange, { text, parameters: parseQuery(text, plainParameters) });
    this.#desk.receive(exchange, this.#desk.options.bodyBytesMax, (body) => {
      submitWrite(this.#desk, exchange, this, { operation: operationOf(body), ask, body });
    });
  }
}

/** How long the key lives: `?ttl=`, `?lease=`, or for ever. */
function lifeIn(parameters: QueryParameters): { readonly leaseId: number; readonly ttlMs?: number } {
  const [ttlMs, lease] = [Fields.ofQuery(parameters).ttl("ttl"), parameters.get("lease")];
  if (ttlMs !== undefined && lease !== undefined) throw bad("ttl and lease exclude each other");
  if (ttlMs !== undefined) return { leaseId: 0, ttlMs };
  return { leaseId: lease === undefined ? 0 : parseLeaseId(lease) };
}
