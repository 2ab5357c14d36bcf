/**
 * @module
 * What a client's write becomes: a command in the log (design: "The state machine").
 *
 * On disk and wire a command is the CBOR of the positional array that `commandToWire` gives. Its first item is
 * the version of the format; a node refuses a version that it does not know.
 */

import { keyName } from "./keys.ts";

/** What must hold of the key for the command to change anything. */
export type Condition =
  | { readonly kind: "none" }
  /** The key is there, last changed at exactly this revision (If-Match). */
  | { readonly kind: "modRevision"; readonly revision: number }
  /** The key is not there (If-None-Match: *). */
  | { readonly kind: "absent" }
  /** The key is there (If-Match: *). */
  | { readonly kind: "present" };

export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export type Operation =
  /** `leaseId` 0: no lease. */
  | {
      readonly kind: "put";
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      readonly leaseId: number;
      readonly condition: Condition;
    }
  | { readonly kind: "delete"; readonly key: Uint8Array; readonly condition: Condition }
  /** All or nothing, in one revision; no key twice. */
  | { readonly kind: "putAll"; readonly pairs: readonly KeyValue[] };

export interface Command {
  /** The process that took the request: random below 2^48. */
  readonly origin: number;
  /** Counts that process's requests, from 1. */
  readonly sequence: number;
  readonly operation: Operation;
}

export const commandVersion = 1;

/** Thrown for bytes that are not a command of a version this node knows: the log must not hold such. */
export class CommandFormatError extends Error {
  constructor(what: string) {
    super(`not a command that this version understands: ${what}`);
    this.name = "CommandFormatError";
  }
}

const opcodes = { put: 1, delete: 2, putAll: 3 } as const;
const conditionCodes = { none: 0, modRevision: 1, absent: 2, present: 3 } as const;
const originEnd = 2 ** 48;

/** The positional array that stands for the command on disk and wire; its CBOR is what the log carries. */
export function commandToWire(command: Command): unknown[] {
  const { origin, sequence, operation } = command;
  switch (operation.kind) {
    case "put":
      return [
        commandVersion,
        origin,
        sequence,
        opcodes.put,
        operation.key,
        operation.value,
        operation.leaseId,
        conditionCodes[operation.condition.kind],
        revisionOf(operation.condition),
      ];
    case "delete":
      return [
        commandVersion,
        origin,
        sequence,
        opcodes.delete,
        operation.key,
        conditionCodes[operation.condition.kind],
        revisionOf(operation.condition),
      ];
    case "putAll":
      return [
        commandVersion,
        origin,
        sequence,
        opcodes.putAll,
        operation.pairs.flatMap((pair) => [pair.key, pair.value]),
      ];
  }
}

/** The inverse of `commandToWire`. Throws `CommandFormatError` for anything else than what it gives. */
export function commandFromWire(wire: unknown): Command {
  if (!Array.isArray(wire)) throw new CommandFormatError("it is not an array");
  const items: readonly unknown[] = wire;
  if (items[0] !== commandVersion) throw new CommandFormatError(`its version is ${String(items[0])}`);
  const origin = wholeAt(items, 1);
  if (origin >= originEnd) throw new CommandFormatError("its origin is out of range");
  const sequence = wholeAt(items, 2);
  if (sequence === 0) throw new CommandFormatError("its sequence is 0");
  return { origin, sequence, operation: operationFromWire(items) };
}

function operationFromWire(items: readonly unknown[]): Operation {
  switch (items[3]) {
    case opcodes.put:
      expectLength(items, 9);
      return {
        kind: "put",
        key: keyAt(items, 4),
        value: bytesAt(items, 5),
        leaseId: wholeAt(items, 6),
        condition: conditionAt(items, 7),
      };
    case opcodes.delete:
      expectLength(items, 7);
      return { kind: "delete", key: keyAt(items, 4), condition: conditionAt(items, 5) };
    case opcodes.putAll:
      expectLength(items, 5);
      return { kind: "putAll", pairs: pairsFromWire(items[4]) };
    default:
      throw new CommandFormatError(`its operation is ${String(items[3])}`);
  }
}

function pairsFromWire(flat: unknown): readonly KeyValue[] {
  if (!Array.isArray(flat) || flat.length === 0 || flat.length % 2 !== 0)
    throw new CommandFormatError("its pairs are not keys and values");
  const items: readonly unknown[] = flat;
  const pairs: KeyValue[] = [];
  const seen = new Set<string>();
  for (let at = 0; at < items.length; at += 2) {
    const key = keyAt(items, at);
    seen.add(keyName(key));
    pairs.push({ key, value: bytesAt(items, at + 1) });
  }
  if (seen.size !== pairs.length) throw new CommandFormatError("it puts one key twice");
  return pairs;
}

const noCondition: Condition = { kind: "none" };
const ifAbsent: Condition = { kind: "absent" };
const ifPresent: Condition = { kind: "present" };

function conditionAt(items: readonly unknown[], at: number): Condition {
  const code = items[at];
  const revision = wholeAt(items, at + 1);
  if (code === conditionCodes.modRevision) return { kind: "modRevision", revision };
  if (revision !== 0) throw new CommandFormatError("its condition has a revision that it does not use");
  switch (code) {
    case conditionCodes.none:
      return noCondition;
    case conditionCodes.absent:
      return ifAbsent;
    case conditionCodes.present:
      return ifPresent;
    default:
      throw new CommandFormatError(`its condition is ${String(code)}`);
  }
}

function revisionOf(condition: Condition): number {
  return condition.kind === "modRevision" ? condition.revision : 0;
}

function expectLength(items: readonly unknown[], length: number): void {
  if (items.length !== length) throw new CommandFormatError(`it has ${items.length} items instead of ${length}`);
}

function wholeAt(items: readonly unknown[], at: number): number {
  const value = items[at];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw new CommandFormatError(`item ${at} is not a whole number`);
  return value;
}

function bytesAt(items: readonly unknown[], at: number): Uint8Array {
  const value = items[at];
  if (!(value instanceof Uint8Array)) throw new CommandFormatError(`item ${at} is not bytes`);
  return value;
}

function keyAt(items: readonly unknown[], at: number): Uint8Array {
  const key = bytesAt(items, at);
  if (key.byteLength === 0) throw new CommandFormatError("its key is empty");
  return key;
}
