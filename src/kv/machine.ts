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
import type { Command } from "./command.ts";
import { type Execution, type ExecutionOutcome, execute, prepare } from "./execute.ts";
import { configurationKey } from "./keys.ts";
import type { MachineLimits } from "./limits.ts";
import { isMarked, type StateMark } from "./mark.ts";
import type { StateMeta } from "./meta.ts";
import { type ReadAhead, RowsMissingError } from "./read-ahead.ts";
import { type Crc32, RecordFormatError } from "./record.ts";
import type { Result } from "./result.ts";
import type { RowChange, RowReader } from "./row.ts";
import { type Remembered, type ResultCodec, SessionTable } from "./session.ts";
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

/** What became of a command of this process. `revision` is the store's after it, the first time it was executed. */
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
  /** The earliest cluster time at which a lease that it has granted or renewed can end; Infinity when none. */
  readonly earliestDue: number;
  /** Of those of its entries that are marked, in order. */
  readonly marks: readonly StateMark[];
}

export interface BatchOptions {
  /** Results are given for commands of this process only. */
  readonly origin: number;
  readonly crc32: Crc32;
  readonly codec: ResultCodec;
  readonly limits: MachineLimits;
  /** What has been read in order since the last batch was written. */
  readonly readAhead: ReadAhead;
  /** A batch ends after the entry that brings it to so many changes of keys. */
  readonly changesMax: number;
  /** What of the history goes with this batch. */
  readonly trim: Trim | null;
}

/**
 * Executes `entries`, the first of which has index `before.appliedIndex + 1`: at least the first, and as many as the
 * batch has room for and rows have been read for; `meta.appliedIndex` says how far it came.
 *
 * Throws `RowsMissingError` when rows have to be read for the first one, `RecordFormatError` on a damaged row.
 */
export function applyBatch(
  before: StateMeta,
  reader: RowReader,
  entries: readonly MachineEntry[],
  options: BatchOptions,
): AppliedBatch {
  const { crc32, limits, readAhead } = options;
  const batch = new StagedBatch(before, { reader, readAhead, crc32 });
  const sessions = new SessionTable(batch.rows, before, options);
  let { appliedIndex, appliedTerm, time, termStartTime } = before;
  const execution: Execution = {
    batch,
    limits,
    index: appliedIndex,
    time,
    termStartTime,
    revision: before.revision + 1,
    compactedRevision: before.compactedRevision,
  };
  const results: OwnResult[] = [];
  const marks: StateMark[] = [];
  let configuration: Uint8Array | null = null;
  for (const entry of entries) {
    if (batch.changes >= options.changesMax) break;
    execution.index = appliedIndex + 1;
    execution.time = entry.time;
    execution.termStartTime = entry.term === appliedTerm ? termStartTime : entry.time;
    if (entry.kind === "configuration") configuration = entry.configuration;
    if (entry.kind === "command") {
      const { origin, sequence } = entry.command;
      const isFirst = appliedIndex === before.appliedIndex;
      const executed = (isFirst ? executeCommand : executedUnlessMissing)(execution, sessions, entry.command);
      if (executed === null) break;
      if (origin === options.origin) results.push({ sequence, revision: executed.revision, result: executed.result });
    }
    appliedIndex = execution.index;
    appliedTerm = entry.term;
    if (isMarked(time, entry.time)) {
      marks.push({ index: appliedIndex, revision: execution.revision - 1, stateHash: batch.stateHash });
    }
    time = entry.time;
    termStartTime = execution.termStartTime;
  }
  if (configuration !== null) batch.putRow(configurationRow(configuration, crc32));
  if (options.trim !== null) batch.trim(options.trim);
  const revision = execution.revision - 1;
  const { compactedRevision } = execution;
  const { sessionsFrom, sessionsEnd, sessionBytes } = sessions.counters;
  const after = {
    appliedIndex,
    appliedTerm,
    time,
    termStartTime,
    revision,
    compactedRevision,
    sessionsFrom,
    sessionsEnd,
    sessionBytes,
  };
  const { rows, meta } = batch.finish(after, before.batch + 1);
  return { rows, meta, results, earliestDue: batch.leases.earliestDue, marks };
}

/** Null when rows are missing: then the batch ends before this entry. */
function executedUnlessMissing(execution: Execution, sessions: SessionTable, command: Command): Remembered | null {
  try {
    return executeCommand(execution, sessions, command);
  } catch (error) {
    if (error instanceof RowsMissingError) return null;
    throw error;
  }
}

/** Gives the result, and the store's revision after it: of a command that is known already, as they were. */
function executeCommand(execution: Execution, sessions: SessionTable, command: Command): Remembered {
  const { idempotency, operation } = command;
  if (idempotency === undefined) return concluded(execution, execute(execution, operation));
  const known = sessions.find(idempotency);
  if (known === "mismatch") return concluded(execution, { result: { kind: "idempotencyMismatch" }, changed: false });
  if (known !== undefined) return known;
  const stage = prepare(execution, operation);
  sessions.expire(execution.time);
  if (!sessions.hasRoom()) return concluded(execution, { result: { kind: "sessionsFull" }, changed: false });
  const executed = concluded(execution, stage());
  sessions.remember(idempotency, executed, execution.time);
  return executed;
}

function concluded(execution: Execution, { result, changed }: ExecutionOutcome): Remembered {
  if (changed) execution.revision++;
  execution.batch.leases.settle();
  return { result, revision: execution.revision - 1 };
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
