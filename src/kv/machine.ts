/**
 * @module
 * The state machine: what committed entries make of the state (Figure 2, "apply log[lastApplied] to state
 * machine").
 *
 * Deterministic: it reads no clock and no randomness; what depends on time is the entry's stamp. The same
 * entries give the same current records, revisions and hash, however they are cut into batches. (The chunks of
 * history are cut where batches are, so their rows differ from node to node; the changes in them do not.)
 */

import type { ClusterTime, Term } from "../raft/types.ts";
import type { Command, Condition, Operation } from "./command.ts";
import { configurationKey } from "./keys.ts";
import type { StateMeta } from "./meta.ts";
import { type Crc32, RecordFormatError, type ValueRecord } from "./record.ts";
import type { Result } from "./result.ts";
import type { RowChange, RowReader } from "./row.ts";
import { StagedBatch } from "./staged-batch.ts";
import type { Trim } from "./trim.ts";

interface EntryStamp {
  readonly term: Term;
  readonly time: ClusterTime;
}

/** A committed entry as the machine takes it; its index is implied by its place. */
export type MachineEntry = EntryStamp &
  (
    | { readonly kind: "command"; readonly command: Command }
    | { readonly kind: "noop" }
    /** `configuration` is the whole configuration after the change, in bytes that the machine does not read. */
    | { readonly kind: "configuration"; readonly configuration: Uint8Array }
  );

/** What became of a command of this process. `revision` is the store's after it. */
export interface OwnResult {
  readonly sequence: number;
  readonly revision: number;
  readonly result: Result;
}

export interface AppliedBatch {
  /** To be written together; no key twice. */
  readonly rows: readonly RowChange[];
  readonly meta: StateMeta;
  readonly results: readonly OwnResult[];
}

export interface BatchOptions {
  /** Results are given for commands of this process only. */
  readonly origin: number;
  readonly crc32: Crc32;
  /** What of the history goes with this batch. */
  readonly trim: Trim | null;
}

/** Executes `entries`, the first of which has index `before.appliedIndex + 1`. Throws `RecordFormatError` on a damaged row. */
export function applyBatch(
  before: StateMeta,
  reader: RowReader,
  entries: readonly MachineEntry[],
  options: BatchOptions,
): AppliedBatch {
  const batch = new StagedBatch(before, reader, options.crc32);
  const results: OwnResult[] = [];
  let { revision, time, appliedTerm } = before;
  let configuration: Uint8Array | null = null;
  for (const entry of entries) {
    appliedTerm = entry.term;
    time = entry.time;
    if (entry.kind === "configuration") configuration = entry.configuration;
    if (entry.kind !== "command") continue;
    const { origin, sequence, operation } = entry.command;
    const outcome = execute(batch, operation, revision + 1, time);
    if (outcome.changed) revision++;
    if (origin === options.origin) results.push({ sequence, revision, result: outcome.result });
  }
  if (configuration !== null) batch.putRow(configurationRow(configuration, options.crc32));
  if (options.trim !== null) batch.trim(options.trim);
  const appliedIndex = before.appliedIndex + entries.length;
  return { ...batch.finish({ appliedIndex, appliedTerm, time, revision }, before.batch + 1), results };
}

interface ExecutionOutcome {
  readonly result: Result;
  /** Whether it takes the revision. */
  readonly changed: boolean;
}

function execute(batch: StagedBatch, operation: Operation, revision: number, time: ClusterTime): ExecutionOutcome {
  switch (operation.kind) {
    case "put": {
      const { key, value, leaseId, condition } = operation;
      if (condition.kind !== "none") {
        const present = batch.present(key);
        if (!holds(condition, present)) return conditionFailed(present);
      }
      batch.put(key, value, leaseId, { revision, ordinal: 0 }, time);
      return { result: { kind: "put", modRevision: revision }, changed: true };
    }
    case "delete": {
      const present = batch.present(operation.key);
      if (!holds(operation.condition, present)) return conditionFailed(present);
      if (present === undefined) return { result: { kind: "deleted", deleted: 0 }, changed: false };
      batch.delete(operation.key, { revision, ordinal: 0 }, time);
      return { result: { kind: "deleted", deleted: 1 }, changed: true };
    }
    case "putAll": {
      for (const [ordinal, { key, value }] of operation.pairs.entries())
        batch.put(key, value, 0, { revision, ordinal }, time);
      return { result: { kind: "putAll" }, changed: true };
    }
    default:
      throw new Error(`not yet: ${operation.kind}`);
  }
}

function holds(condition: Condition, present: ValueRecord | undefined): boolean {
  switch (condition.kind) {
    case "none":
      return true;
    case "absent":
      return present === undefined;
    case "present":
      return present !== undefined;
    case "modRevision":
      return present?.modRevision === condition.revision;
  }
}

function conditionFailed(present: ValueRecord | undefined): ExecutionOutcome {
  return { result: { kind: "conditionFailed", modRevision: present?.modRevision ?? 0 }, changed: false };
}

/** The configuration's row: crc-32 of the bytes that follow. */
export function configurationRow(configuration: Uint8Array, crc32: Crc32): RowChange {
  const value = new Uint8Array(4 + configuration.byteLength);
  value.set(configuration, 4);
  new DataView(value.buffer).setUint32(0, crc32(configuration));
  return { key: configurationKey, value };
}

/** The bytes that `configurationRow` was given. Throws `RecordFormatError` when the row does not verify. */
export function configurationOf(row: Uint8Array, crc32: Crc32): Uint8Array {
  const bytes = row.subarray(4);
  const sealed = row.byteLength >= 4 && new DataView(row.buffer, row.byteOffset).getUint32(0) === crc32(bytes);
  if (!sealed) throw new RecordFormatError("the checksum of the configuration's row is wrong");
  return bytes;
}
