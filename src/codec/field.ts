/**
 * @module
 * Checks of single fields of decoded foreign values: each gives the field, typed, or throws `CodecError`.
 */

import { isIncarnation, isNodeId } from "../address/node-id.ts";
import type { NodeId } from "../raft/types.ts";
import { CodecError } from "./codec-error.ts";

const addressPattern = /^[A-Za-z0-9._:[\]%-]{0,320}$/;

/** A whole number from 0 to 2^53 - 1: a term, an index, a count. */
export function wholeOf(value: unknown, name: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(name, "a whole number from 0 to 2^53 - 1");
}

/** A whole number of either sign: an id that its owner chose and only has repeated to it. */
export function integerOf(value: unknown, name: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw wrong(name, "a whole number");
}

export function booleanOf(value: unknown, name: string): boolean {
  if (typeof value === "boolean") return value;
  throw wrong(name, "true or false");
}

export function bytesOf(value: unknown, name: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw wrong(name, "a byte string");
}

export function listOf(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  throw wrong(name, "a list");
}

/** A list of exactly `length` items. */
export function tupleOf(value: unknown, length: number, name: string): readonly unknown[] {
  const list = listOf(value, name);
  if (list.length === length) return list;
  throw wrong(name, `${length} items long`);
}

export function nodeIdOf(value: unknown, name: string): NodeId {
  if (isNodeId(value)) return value;
  throw wrong(name, "a node id");
}

/** `host:port`, or nothing; whether it can be dialled shows when it is. */
export function addressOf(value: unknown, name: string): string {
  if (typeof value === "string" && addressPattern.test(value)) return value;
  throw wrong(name, "an address");
}

/** Names a data directory; empty when it is not known yet. */
export function incarnationOf(value: unknown, name: string): string {
  if (isIncarnation(value)) return value;
  throw wrong(name, "an incarnation");
}

/** One of the words given. */
export function wordOf<Word extends string>(value: unknown, words: readonly Word[], name: string): Word {
  const word = words.find((each) => each === value);
  if (word !== undefined) return word;
  throw wrong(name, `one of ${words.join(", ")}`);
}

/** A map with exactly these fields. */
export function recordOf<Field extends string>(
  value: unknown,
  fields: readonly Field[],
  name: string,
): Readonly<Record<Field, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    throw wrong(name, "a map");
  }
  const keys = Object.keys(value);
  if (keys.length !== fields.length || !fields.every((field) => Object.hasOwn(value, field))) {
    throw wrong(name, `a map of ${fields.join(", ")}`);
  }
  return value as Readonly<Record<Field, unknown>>;
}

function wrong(name: string, expected: string): CodecError {
  return new CodecError(`${name} is not ${expected}`, 0);
}
