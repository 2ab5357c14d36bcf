/**
 * @module
 * What a node gives against what the model says, which has bytes as strings.
 */

import type { KeyRecord } from "../../../src/kv/state-view.ts";
import { words } from "../../kv/model.ts";

/** Deeply, and nothing more or less on either side. */
export function isSame(given: unknown, expected: unknown): boolean {
  if (given === expected) return true;
  if (given instanceof Uint8Array) return typeof expected === "string" && words(given) === expected;
  if (typeof given !== "object" || typeof expected !== "object" || given === null || expected === null) return false;
  const [one, other] = [Object.entries(given), Object.keys(expected)];
  if (Array.isArray(given) !== Array.isArray(expected) || one.length !== other.length) return false;
  return one.every(([name, value]) => isSame(value, (expected as Readonly<Record<string, unknown>>)[name]));
}

/** Of a record, what clients are told. */
export function toldOf(record: KeyRecord | null): KeyRecord | null {
  if (record === null) return null;
  const { value, createRevision, modRevision, version, leaseId } = record;
  return { value, createRevision, modRevision, version, leaseId };
}
