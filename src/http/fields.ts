/**
 * @module
 * Fields of JSON objects and of queries, taken one by one: each is checked for its kind, none is left over.
 */

import { BalsaError } from "../errors/balsa-error.ts";
import { leaseTtlMsMax, leaseTtlMsMin } from "../kv/limits.ts";
import { parseDurationMs } from "./duration.ts";

const loneSurrogate = /\p{Surrogate}/u;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export class Fields {
  readonly #values: ReadonlyMap<string, unknown>;
  /** What the object is, for the words of a refusal. */
  readonly what: string;

  private constructor(values: ReadonlyMap<string, unknown>, what: string) {
    this.#values = values;
    this.what = what;
  }

  /** Throws BAD_REQUEST for anything but an object with fields among `allowed`. */
  static of(value: unknown, what: string, allowed: readonly string[]): Fields {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad(`${what} is not an object`);
    const entries = Object.entries(value);
    for (const [name] of entries) {
      if (!allowed.includes(name)) throw bad(`${what} has the field ${shown(name)}, which is unknown there`);
    }
    return new Fields(new Map(entries), what);
  }

  /** The parameters of a query, all of which are known. */
  static ofQuery(parameters: ReadonlyMap<string, string>): Fields {
    return new Fields(parameters, "the query");
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  get(name: string): unknown {
    return this.#values.get(name);
  }

  /** The only field that is there. */
  only(names: readonly string[]): string {
    const [name, more] = this.#values.keys();
    if (name !== undefined && more === undefined) return name;
    throw bad(`${this.what} takes exactly one of ${names.join(", ")}`);
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name);
    if (value === undefined) return undefined;
    if (typeof value === "string") return value;
    throw bad(`${name} of ${this.what} is not a string`);
  }

  oneOf<Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const choice = choices.find((one) => one === text);
    if (choice === undefined) throw bad(`${name} of ${this.what} takes ${choices.join(", ")}`);
    return choice;
  }

  /** A whole number from 0 that JSON has not rounded. */
  whole(name: string): number | undefined {
    const value = this.#values.get(name);
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    throw bad(`${name} of ${this.what} is not a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
  }

  list(name: string): readonly unknown[] {
    const value = this.#values.get(name);
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    throw bad(`${name} of ${this.what} is not a list`);
  }

  /** Bytes, as text under `name` or as base64 under `nameBase64`; undefined when neither is there. */
  bytes(name: string): Uint8Array | undefined {
    const [text, encoded] = [this.text(name), this.text(`${name}Base64`)];
    if (text !== undefined && encoded !== undefined)
      throw bad(`${this.what} has both ${name} and ${name}Base64, of which one says it`);
    if (encoded === undefined) return text === undefined ? undefined : encodeText(text, `${name} of ${this.what}`);
    if (!base64.test(encoded)) throw bad(`${name}Base64 of ${this.what} is not base64`);
    return Buffer.from(encoded, "base64");
  }

  /** As `bytes`, of a key. */
  key(name: string, keyBytesMax: number): Uint8Array {
    const key = this.bytes(name);
    if (key === undefined) throw bad(`${this.what} has neither ${name} nor ${name}Base64`);
    if (key.length === 0) throw bad(`${name} of ${this.what} is empty`);
    return checkedKey(key, keyBytesMax);
  }

  /** As `bytes`, of a value. Throws VALUE_TOO_LARGE. */
  value(name: string, valueBytesMax: number): Uint8Array {
    const value = this.bytes(name);
    if (value === undefined) throw bad(`${this.what} has neither ${name} nor ${name}Base64`);
    if (value.length <= valueBytesMax) return value;
    throw new BalsaError("VALUE_TOO_LARGE", `${name} of ${this.what} is larger than ${valueBytesMax} bytes`);
  }

  /** A lease's time to live, in milliseconds. */
  ttl(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const ttlMs = parseDurationMs(text);
    if (ttlMs !== undefined && ttlMs >= leaseTtlMsMin && ttlMs <= leaseTtlMsMax) return ttlMs;
    throw bad(`${name} of ${this.what} takes a duration from 1s to 365d, such as 30s or 5m`);
  }
}

/** The UTF-8 of `text`. Throws BAD_REQUEST when it is no text. */
export function encodeText(text: string, what: string): Uint8Array {
  if (loneSurrogate.test(text)) throw bad(`${what} holds half a surrogate pair, which is no text`);
  return Buffer.from(text);
}

/** A key, or where a range begins or ends. */
export function checkedKey(key: Uint8Array, keyBytesMax: number): Uint8Array {
  if (key.length <= keyBytesMax) return key;
  throw bad(`a key has ${key.length} bytes, at most ${keyBytesMax} are allowed`);
}

export function shown(name: string): string {
  return JSON.stringify(name.slice(0, 64));
}

export function bad(detail: string): BalsaError {
  return new BalsaError("BAD_REQUEST", detail);
}
