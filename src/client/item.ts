/**
 * @module
 * Keys with what the store knows of them, read from a node's JSON.
 */

import { BalsaError } from "../errors/balsa-error.ts";
import { isObject, type JsonObject } from "./answer.ts";
import { bytesIn, requiredBytesIn } from "./bytes.ts";

/** A key, and when it came to be what it is; without its value. */
export interface KeyHead {
  readonly key: Uint8Array;
  /** The store revision at which the key came to be. */
  readonly createRevision: number;
  /** The store revision of its last put. */
  readonly modRevision: number;
  /** Puts since it came to be, from 1. */
  readonly version: number;
  /** The lease that it goes with; null when it stays. */
  readonly lease: string | null;
}

export interface Item extends KeyHead {
  readonly value: Uint8Array;
}

/** Throws a BalsaError `INTERNAL` for what is no item. */
export function headOf(value: unknown): KeyHead {
  const fields = objectOf(value, "item");
  const { lease } = fields;
  return {
    key: requiredBytesIn(fields, "key"),
    createRevision: numberIn(fields, "createRevision"),
    modRevision: numberIn(fields, "modRevision"),
    version: numberIn(fields, "version"),
    lease: typeof lease === "string" ? lease : null,
  };
}

/** Throws a BalsaError `INTERNAL` for what is no item, or one without a value. */
export function itemOf(value: unknown): Item {
  return { ...headOf(value), value: requiredBytesIn(objectOf(value, "item"), "value") };
}

/** With its value if it has one. */
export function anyItemOf(value: unknown): KeyHead | Item {
  const head = headOf(value);
  const bytes = bytesIn(objectOf(value, "item"), "value");
  return bytes === undefined ? head : { ...head, value: bytes };
}

/** Throws a BalsaError `INTERNAL`. */
export function objectOf(value: unknown, what: string): JsonObject {
  if (isObject(value)) return value;
  throw new BalsaError("INTERNAL", `the answer's ${what} is not an object`);
}

/** Throws a BalsaError `INTERNAL`. */
export function numberIn(fields: JsonObject, name: string): number {
  const value = fields[name];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new BalsaError("INTERNAL", `the answer's ${name} is not a whole number`);
}

/** Throws a BalsaError `INTERNAL`. */
export function arrayIn(fields: JsonObject, name: string): readonly unknown[] {
  const value = fields[name];
  if (Array.isArray(value)) return value;
  throw new BalsaError("INTERNAL", `the answer's ${name} is not a list`);
}
