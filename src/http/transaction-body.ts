/**
 * @module
 * The body of `POST /txn`: compares, and what is done when they hold or do not.
 */

import { comparesMax, operationsMax, rangeLimitMax } from "../kv/limits.ts";
import {
  type Compare,
  changesKeyTwice,
  compareOperators,
  numberTargets,
  type Transaction,
  type TransactionOperation,
} from "../kv/transaction.ts";
import { bad, Fields } from "./fields.ts";
import type { PairLimits } from "./json-body.ts";
import { parseJsonObject } from "./json-text.ts";
import { parseLeaseId } from "./lease-id.ts";
import { pageItemsDefault } from "./list-query.ts";
import { namesRange, rangeIn, rangeParameters } from "./range.ts";

const nestedMax = 16;
const targets = ["value", ...numberTargets] as const;
const orders = ["asc", "desc"] as const;
const keyFields = ["key", "keyBase64"];
const operations = ["put", "get", "range", "delete", "txn"] as const;

/** Throws BAD_REQUEST, also for what is over the bounds of a transaction, and VALUE_TOO_LARGE. */
export function parseTransaction(body: Uint8Array, limits: PairLimits): Transaction {
  const transaction = new TransactionParser(limits).parse(parseJsonObject(body), "the body", 0);
  if (changesKeyTwice(transaction))
    throw bad("the transaction changes a key twice: along one way through it each key is put or deleted at most once");
  return transaction;
}

class TransactionParser {
  readonly #limits: PairLimits;
  #operations = 0;
  #compares = 0;

  constructor(limits: PairLimits) {
    this.#limits = limits;
  }

  /** `what` is where it stands in the body, for the words of a refusal. */
  parse(value: unknown, what: string, depth: number): Transaction {
    if (depth > nestedMax) throw bad(`transactions are nested more than ${nestedMax} deep`);
    const fields = Fields.of(value, what, ["if", "then", "else"]);
    const within = (name: string, at: number): string => (depth === 0 ? `${name}[${at}]` : `${what}.${name}[${at}]`);
    const branch = (name: string): TransactionOperation[] =>
      this.#counted(fields.list(name)).map((operation, at) => this.#operation(operation, within(name, at), depth));
    const compares = fields.list("if");
    this.#compares += compares.length;
    if (this.#compares > comparesMax) throw bad(`the transaction has more than ${comparesMax} compares`);
    return {
      compares: compares.map((compare, at) => this.#compare(compare, within("if", at))),
      success: branch("then"),
      failure: branch("else"),
    };
  }

  /** Before they are looked at: there may be very many. */
  #counted(operations: readonly unknown[]): readonly unknown[] {
    this.#operations += operations.length;
    if (this.#operations > operationsMax) throw bad(`the transaction has more than ${operationsMax} operations`);
    return operations;
  }

  #compare(value: unknown, what: string): Compare {
    const fields = Fields.of(value, what, [...keyFields, "target", "op", "operand", "operandBase64"]);
    const key = fields.key("key", this.#limits.keyBytesMax);
    const target = fields.oneOf("target", targets);
    if (target === undefined) throw bad(`${what} has no target: ${targets.join(", ")}`);
    const operator = fields.oneOf("op", compareOperators);
    if (operator === undefined) throw bad(`${what} has no op: ${compareOperators.join(", ")}`);
    if (target === "value") {
      return { key, target, operator, operand: fields.value("operand", this.#limits.valueBytesMax) };
    }
    if (fields.has("operandBase64")) throw bad(`operand of ${what} is a number, since its target is ${target}`);
    const operand = fields.whole("operand");
    if (operand === undefined) throw bad(`${what} has no operand`);
    return { key, target, operator, operand };
  }

  #operation(value: unknown, what: string, depth: number): TransactionOperation {
    const outer = Fields.of(value, what, operations);
    const kind = outer.only(operations);
    const inner = outer.get(kind);
    const where = `${what}.${kind}`;
    switch (kind) {
      case "put":
        return this.#put(inner, where);
      case "get":
        return { kind: "get", key: Fields.of(inner, where, keyFields).key("key", this.#limits.keyBytesMax) };
      case "range":
        return this.#range(inner, where);
      case "delete":
        return this.#delete(inner, where);
      default:
        return { kind: "txn", transaction: this.parse(inner, where, depth + 1) };
    }
  }

  #put(value: unknown, what: string): TransactionOperation {
    const fields = Fields.of(value, what, [...keyFields, "value", "valueBase64", "ttl", "lease"]);
    const [ttlMs, lease] = [fields.ttl("ttl"), fields.text("lease")];
    if (ttlMs !== undefined && lease !== undefined) throw bad(`${what} has both ttl and lease`);
    return {
      kind: "put",
      key: fields.key("key", this.#limits.keyBytesMax),
      value: fields.value("value", this.#limits.valueBytesMax),
      leaseId: lease === undefined ? 0 : parseLeaseId(lease),
      ttlMs: ttlMs ?? 0,
    };
  }

  #range(value: unknown, what: string): TransactionOperation {
    const fields = Fields.of(value, what, [...rangeParameters, "limit", "order", "values"]);
    const limit = fields.whole("limit") ?? pageItemsDefault;
    if (limit < 1 || limit > rangeLimitMax) throw bad(`limit of ${what} takes a number from 1 to ${rangeLimitMax}`);
    const values = fields.get("values") ?? true;
    if (typeof values !== "boolean") throw bad(`values of ${what} takes true or false`);
    const order = fields.oneOf("order", orders) ?? "asc";
    return { kind: "range", range: rangeIn(fields, this.#limits.keyBytesMax), order, limit, values };
  }

  #delete(value: unknown, what: string): TransactionOperation {
    const fields = Fields.of(value, what, [...keyFields, ...rangeParameters]);
    const { keyBytesMax } = this.#limits;
    const namesKey = keyFields.some((name) => fields.has(name));
    if (namesKey && namesRange(fields)) throw bad(`${what} names a key beside a range`);
    if (namesKey) return { kind: "delete", key: fields.key("key", keyBytesMax) };
    if (!namesRange(fields)) throw bad(`${what} names neither key nor prefix`);
    return { kind: "deleteRange", range: rangeIn(fields, keyBytesMax) };
  }
}
