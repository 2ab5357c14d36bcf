/**
 * @module
 * Values to be compared: bytes as strings, nothing left of the classes and prototypes of typed arrays.
 */

import type { CurrentRecord } from "../../src/kv/record.ts";
import { type ModelRecord, words } from "./model.ts";

/** Deeply, with bytes as strings of the same order. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return words(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}

/** The record as the model has it; null of a key that is not there. */
export function modelRecord(record: CurrentRecord | null | undefined): ModelRecord | null {
  if (record?.kind !== "value") return null;
  const { value, createRevision, modRevision, version, leaseId } = record;
  return { value: words(value), createRevision, modRevision, version, leaseId };
}
