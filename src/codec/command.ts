/**
 * @module
 * Commands as bytes: the CBOR of a positional list, `[version, origin, sequence, …operation]`.
 *
 * With an idempotency key its code, key and hash of the request stand before the operation. An operation is its code
 * and its items. A node refuses a version that it does not know.
 */

import type { Command, Condition, Idempotency, KeyValue, Operation } from "../kv/command.ts";
import { keyName } from "../kv/keys.ts";
import {
  idempotencyKeyBytesMax,
  keepAliveLeasesMax,
  leaseTtlMsMax,
  leaseTtlMsMin,
  requestHashBytes,
} from "../kv/limits.ts";
import { CborWriter } from "./cbor-writer.ts";
import { asPlain } from "./codec.ts";
import { CodecError } from "./codec-error.ts";
import { CommandFormatError, CommandReader, expectLength } from "./command-reader.ts";
import { readRange, readTransaction, writeRange, writeTransaction } from "./transaction.ts";

export { CommandFormatError } from "./command-reader.ts";

export const commandVersion = 2;

const opcodes = {
  put: 1,
  delete: 2,
  putAll: 3,
  putWithTtl: 4,
  deleteRange: 5,
  txn: 6,
  leaseGrant: 7,
  leaseKeepAlive: 8,
  leaseRevoke: 9,
  leaseExpire: 10,
  compact: 11,
  /** Idempotency key and hash of the request come first, then the operation. */
  keyed: 32,
} as const;
/** By opcode: items of the operation, the opcode included. */
const operationItems = [undefined, 6, 4, 2, 6, 3, 2, 2, 2, 2, 3, 2] as const;
/** Version, origin and sequence; `keyed`, key and hash. */
const headItems = 3;
const keyedItems = 3;
const conditionCodes = { none: 0, modRevision: 1, absent: 2, present: 3 } as const;
const originEnd = 2 ** 48;

/** Used for one command after the other. As long as the longest yet, whose length the bodies of requests bound. */
const writer = new CborWriter(4096);

/** In bytes that share a larger buffer with others: never to be transferred. */
export function encodeCommand({ origin, sequence, idempotency, operation }: Command): Uint8Array {
  const opcode = opcodeOf(operation);
  writer.rewind();
  writer.writeArrayLength(headItems + (idempotency === undefined ? 0 : keyedItems) + operationItems[opcode]);
  writer.writeWhole(commandVersion);
  writer.writeWhole(origin);
  writer.writeWhole(sequence);
  if (idempotency !== undefined) {
    writer.writeWhole(opcodes.keyed);
    writer.writeBytes(idempotency.key);
    writer.writeBytes(idempotency.requestHash);
  }
  writer.writeWhole(opcode);
  writeOperation(operation);
  return writer.copyPooled();
}

function opcodeOf(operation: Operation): (typeof opcodes)[Operation["kind"] | "putWithTtl"] {
  return operation.kind === "put" && operation.ttlMs !== undefined ? opcodes.putWithTtl : opcodes[operation.kind];
}

/** Writes what follows the opcode. */
function writeOperation(operation: Operation): void {
  switch (operation.kind) {
    case "put":
      writer.writeBytes(operation.key);
      writer.writeBytes(operation.value);
      writer.writeWhole(operation.ttlMs ?? operation.leaseId);
      writeCondition(operation.condition);
      return;
    case "delete":
      writer.writeBytes(operation.key);
      writeCondition(operation.condition);
      return;
    case "putAll":
      writer.writeArrayLength(2 * operation.pairs.length);
      for (const { key, value } of operation.pairs) {
        writer.writeBytes(key);
        writer.writeBytes(value);
      }
      return;
    case "deleteRange":
      writeRange(writer, operation.range);
      return;
    case "txn":
      writeTransaction(writer, operation.transaction);
      return;
    case "leaseGrant":
      writer.writeWhole(operation.ttlMs);
      return;
    case "leaseKeepAlive":
      writer.writeArrayLength(operation.leaseIds.length);
      for (const leaseId of operation.leaseIds) writer.writeWhole(leaseId);
      return;
    case "leaseRevoke":
      writer.writeWhole(operation.leaseId);
      return;
    case "leaseExpire":
      writer.writeWhole(operation.leaseId);
      writer.writeWhole(operation.renewal);
      return;
    case "compact":
      writer.writeWhole(operation.revision);
      return;
  }
}

function writeCondition(condition: Condition): void {
  writer.writeWhole(conditionCodes[condition.kind]);
  writer.writeWhole(condition.kind === "modRevision" ? condition.revision : 0);
}

/**
 * The inverse of `encodeCommand`. Keys and values are views of `bytes`, plain `Uint8Array`s also when `bytes` are a
 * `Buffer`. Throws `CommandFormatError` for anything else; only heads may be longer than `encodeCommand` writes them.
 */
export function decodeCommand(bytes: Uint8Array): Command {
  const items = new CommandReader(asPlain(bytes));
  try {
    const command = readCommand(items);
    items.readEnd();
    return command;
  } catch (error) {
    throw error instanceof CodecError ? new CommandFormatError(error.message) : error;
  }
}

function readCommand(items: CommandReader): Command {
  const length = items.list("it is not an array");
  const version = items.whole();
  if (version !== commandVersion)
    throw new CommandFormatError(`its version is ${version}, this node knows ${commandVersion}`);
  const origin = items.whole();
  if (origin >= originEnd) throw new CommandFormatError("its origin is out of range");
  const sequence = items.whole();
  if (sequence === 0) throw new CommandFormatError("its sequence is 0");
  const opcode = items.whole();
  if (opcode !== opcodes.keyed) {
    expectOperation(opcode, length, headItems);
    return { origin, sequence, operation: readOperation(items, opcode) };
  }
  const idempotency = readIdempotency(items);
  const keyedOpcode = items.whole();
  expectOperation(keyedOpcode, length, headItems + keyedItems);
  return { origin, sequence, idempotency, operation: readOperation(items, keyedOpcode) };
}

function readIdempotency(items: CommandReader): Idempotency {
  const key = items.key();
  const requestHash = items.content();
  if (key.byteLength > idempotencyKeyBytesMax || requestHash.byteLength !== requestHashBytes)
    throw new CommandFormatError("its idempotency key or hash has a length that neither has");
  return { key, requestHash };
}

/** The command is as long as its operation says, with so many items before it. One that is unknown is refused as it is read. */
function expectOperation(opcode: number, length: number, itemsBefore: number): void {
  const items = operationItems[opcode];
  if (items !== undefined) expectLength(length, itemsBefore + items);
}

/** Reads what follows the opcode. */
function readOperation(items: CommandReader, opcode: number): Operation {
  switch (opcode) {
    case opcodes.put: {
      const key = items.key();
      const value = items.content();
      const leaseId = items.whole();
      return { kind: "put", key, value, leaseId, condition: readCondition(items) };
    }
    case opcodes.putWithTtl: {
      const key = items.key();
      const value = items.content();
      const ttlMs = readTtl(items);
      return { kind: "put", key, value, leaseId: 0, ttlMs, condition: readCondition(items) };
    }
    case opcodes.delete: {
      const key = items.key();
      return { kind: "delete", key, condition: readCondition(items) };
    }
    case opcodes.putAll:
      return { kind: "putAll", pairs: readPairs(items) };
    case opcodes.deleteRange:
      return { kind: "deleteRange", range: readRange(items) };
    case opcodes.txn:
      return { kind: "txn", transaction: readTransaction(items) };
    case opcodes.compact:
      return { kind: "compact", revision: items.whole() };
    default:
      return readLeaseOperation(items, opcode);
  }
}

function readLeaseOperation(items: CommandReader, opcode: number): Operation {
  switch (opcode) {
    case opcodes.leaseGrant:
      return { kind: "leaseGrant", ttlMs: readTtl(items) };
    case opcodes.leaseKeepAlive:
      return { kind: "leaseKeepAlive", leaseIds: readLeaseIds(items) };
    case opcodes.leaseRevoke:
      return { kind: "leaseRevoke", leaseId: items.whole() };
    case opcodes.leaseExpire: {
      const leaseId = items.whole();
      return { kind: "leaseExpire", leaseId, renewal: items.whole() };
    }
    default:
      throw new CommandFormatError(`its operation is ${opcode}`);
  }
}

function readTtl(items: CommandReader): number {
  const ttlMs = items.whole();
  if (ttlMs < leaseTtlMsMin || ttlMs > leaseTtlMsMax) throw new CommandFormatError(`a time to live of ${ttlMs} ms`);
  return ttlMs;
}

function readLeaseIds(items: CommandReader): readonly number[] {
  const length = items.list("its list of leases is not an array");
  if (length === 0 || length > keepAliveLeasesMax) throw new CommandFormatError(`it keeps ${length} leases alive`);
  const leaseIds: number[] = [];
  for (let left = length; left > 0; left -= 1) leaseIds.push(items.whole());
  return leaseIds;
}

function readPairs(items: CommandReader): readonly KeyValue[] {
  const notPairs = "its pairs are not keys and values";
  const length = items.list(notPairs);
  if (length === 0 || length % 2 !== 0) throw new CommandFormatError(notPairs);
  const pairs: KeyValue[] = [];
  const seen = new Set<string>();
  for (let left = length; left > 0; left -= 2) {
    const key = items.key();
    seen.add(keyName(key));
    pairs.push({ key, value: items.content() });
  }
  if (seen.size !== pairs.length) throw new CommandFormatError("it puts one key twice");
  return pairs;
}

const noCondition: Condition = { kind: "none" };
const ifAbsent: Condition = { kind: "absent" };
const ifPresent: Condition = { kind: "present" };

function readCondition(items: CommandReader): Condition {
  const code = items.whole();
  const revision = items.whole();
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
      throw new CommandFormatError(`its condition is ${code}`);
  }
}
