/**
 * @module
 * Requests that become commands: PUT and DELETE of a key, and several keys at once.
 */

import type { IncomingHttpHeaders } from "node:http";
import type { Operation } from "../kv/command.ts";
import type { Answerer, Desk } from "./desk.ts";
import type { Exchange } from "./exchange.ts";
import { parseTimeoutMs, parseWriteCondition, refuseFields, refuseIdempotencyKey } from "./header.ts";
import { parsePairs } from "./json-body.ts";
import { decodeKey } from "./key.ts";
import { answerWrite } from "./key-answer.ts";
import { parseFlag, parseQuery } from "./query.ts";
import type { Outcome } from "./request.ts";
import { keyPrefix } from "./route.ts";

const keyFields: readonly string[] = ["balsa-min-revision"];
const unconditionalFields: readonly string[] = ["if-match", "if-none-match", "balsa-min-revision"];

interface WriteAsk {
  readonly redirect: boolean;
  readonly timeoutMs: number;
}

export class Writes implements Answerer {
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  onKey(exchange: Exchange, method: "PUT" | "DELETE", path: string, queryText: string): void {
    const { request } = exchange;
    const { options } = this.#desk;
    exchange.kind = "write";
    const key = decodeKey(path, keyPrefix.length, path.length, options.keyBytesMax);
    const condition = parseWriteCondition(request.headers, method);
    const ask = this.#askOf(request.headers, queryText, keyFields);
    if (method === "DELETE") return this.#submit(exchange, { kind: "delete", key, condition }, ask);
    this.#desk.receive(exchange, options.valueBytesMax, (value) => {
      this.#submit(exchange, { kind: "put", key, value, leaseId: 0, condition }, ask);
    });
  }

  onPairs(exchange: Exchange, queryText: string): void {
    const { options } = this.#desk;
    exchange.kind = "write";
    const ask = this.#askOf(exchange.request.headers, queryText, unconditionalFields);
    this.#desk.receive(exchange, options.bodyBytesMax, (body) => {
      this.#submit(exchange, { kind: "putAll", pairs: parsePairs(body, options) }, ask);
    });
  }

  answer(exchange: Exchange, outcome: Outcome): void {
    if (outcome.kind === "applied") answerWrite(exchange, outcome.revision, outcome.result);
  }

  #askOf(headers: IncomingHttpHeaders, queryText: string, refused: readonly string[]): WriteAsk {
    refuseIdempotencyKey(headers);
    refuseFields(headers, refused);
    const redirect = queryText !== "" && parseFlag(parseQuery(queryText, ["redirect"]), "redirect");
    return { redirect, timeoutMs: parseTimeoutMs(headers, this.#desk.options.defaultTimeoutMs) };
  }

  #submit(exchange: Exchange, operation: Operation, { redirect, timeoutMs }: WriteAsk): void {
    this.#desk.submit(exchange, this, { kind: "write", operation, redirect }, timeoutMs);
  }
}
