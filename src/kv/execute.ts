/**
 * @module
 * What one command does to the state.
 *
 * A command that reads ranges is looked at first and staged afterwards, since the rows it needs may have to be read:
 * it must leave no trace when it is given up for that.
 */

import type { ClusterTime } from "../raft/types.ts";
import type { Condition, Operation } from "./command.ts";
import { attachmentScan, currentScan } from "./keys.ts";
import { dueTimeOf } from "./lease.ts";
import { type MachineLimits, operationsMax } from "./limits.ts";
import { RecordFormatError, type ValueRecord } from "./record.ts";
import type { Refusal, Result } from "./result.ts";
import type { Scan } from "./row.ts";
import { leaseBytesOf, type StagedBatch } from "./staged-batch.ts";
import { changesKeyTwice, type Transaction } from "./transaction.ts";
import { type Draft, draftTransaction } from "./transaction-run.ts";

/** What commands are executed with. One a batch; what belongs to an entry moves on with it. */
export interface Execution {
  readonly batch: StagedBatch;
  readonly limits: MachineLimits;
  /** Of the entry. */
  index: number;
  time: ClusterTime;
  /** Of the first entry of its term. */
  termStartTime: ClusterTime;
  /** The revision that the command takes if it changes keys. */
  revision: number;
  compactedRevision: number;
}

export interface ExecutionOutcome {
  readonly result: Result;
  /** Whether it takes the revision. */
  readonly changed: boolean;
}

/** Makes the changes of a command that has been looked at. */
export type Staging = () => ExecutionOutcome;

/** What is surely to be read in order before the operation can be executed; it may turn out to need more. */
export function scansOf(operation: Operation): readonly Scan[] {
  switch (operation.kind) {
    case "deleteRange":
      return [currentScan(operation.range, "asc")];
    case "leaseRevoke":
    case "leaseExpire":
      return [attachmentScan(operation.leaseId)];
    default:
      return [];
  }
}

/** Throws `RowsMissingError` before anything is staged. */
export function execute(execution: Execution, operation: Operation): ExecutionOutcome {
  switch (operation.kind) {
    case "put":
      return executePut(execution, operation);
    case "delete":
      return executeDelete(execution, operation);
    case "putAll":
    case "leaseGrant":
    case "leaseKeepAlive":
    case "compact":
      return executeAtOnce(execution, operation);
    default:
      return prepare(execution, operation)();
  }
}

/** Looks at what the operation needs, and throws `RowsMissingError` where it is not there; stages nothing. */
export function prepare(execution: Execution, operation: Operation): Staging {
  switch (operation.kind) {
    case "deleteRange": {
      const transaction = { compares: [], success: [operation], failure: [] };
      const staging = prepareTransaction(execution, transaction);
      return () => {
        const { result, changed } = staging();
        const [deletion] = result.kind === "txn" && result.results !== null ? result.results : [];
        if (deletion?.kind !== "delete") return { result, changed };
        return { result: { kind: "deleted", deleted: deletion.deleted }, changed };
      };
    }
    case "txn":
      return prepareTransaction(execution, operation.transaction);
    case "leaseRevoke":
    case "leaseExpire":
      return prepareLeaseEnd(execution, operation);
    default:
      return () => execute(execution, operation);
  }
}

function executePut(execution: Execution, operation: Extract<Operation, { kind: "put" }>): ExecutionOutcome {
  const { batch, revision, time } = execution;
  const { key, value, leaseId, ttlMs, condition } = operation;
  if (condition.kind !== "none") {
    const present = batch.present(key);
    if (!holds(condition, present)) return conditionFailed(present);
  }
  const position = { revision, ordinal: 0 };
  if (ttlMs !== undefined) {
    const granted = firstLeaseId(execution);
    batch.leases.grant(granted, ttlMs, time, true);
    batch.put(key, value, granted, position, time);
    return { result: { kind: "put", modRevision: revision, leaseId: granted }, changed: true };
  }
  if (leaseId !== 0) {
    const refusal = leaseRefusal(execution, [{ key, value, leaseId }]);
    if (refusal !== null) return { result: refusal, changed: false };
  }
  batch.put(key, value, leaseId, position, time);
  return { result: { kind: "put", modRevision: revision }, changed: true };
}

function executeDelete(execution: Execution, operation: Extract<Operation, { kind: "delete" }>): ExecutionOutcome {
  const { batch, revision, time } = execution;
  const present = batch.present(operation.key);
  if (!holds(operation.condition, present)) return conditionFailed(present);
  if (present === undefined) return { result: { kind: "deleted", deleted: 0 }, changed: false };
  batch.delete(operation.key, { revision, ordinal: 0 }, time);
  return { result: { kind: "deleted", deleted: 1 }, changed: true };
}

function executeAtOnce(
  execution: Execution,
  operation: Extract<Operation, { kind: "putAll" | "leaseGrant" | "leaseKeepAlive" | "compact" }>,
): ExecutionOutcome {
  const { batch, revision, time } = execution;
  switch (operation.kind) {
    case "putAll":
      for (const [ordinal, { key, value }] of operation.pairs.entries())
        batch.put(key, value, 0, { revision, ordinal }, time);
      return { result: { kind: "putAll" }, changed: true };
    case "leaseGrant": {
      const leaseId = firstLeaseId(execution);
      batch.leases.grant(leaseId, operation.ttlMs, time, false);
      return { result: { kind: "leaseGranted", leaseId, ttlMs: operation.ttlMs }, changed: false };
    }
    case "leaseKeepAlive": {
      const leases = operation.leaseIds.map((leaseId) => {
        const lease = batch.leases.get(leaseId);
        if (lease !== undefined) batch.leases.renew(leaseId, lease, time);
        return { leaseId, ttlMs: lease?.ttlMs ?? 0 };
      });
      return { result: { kind: "leasesKept", leases }, changed: false };
    }
    case "compact":
      return { result: compact(execution, operation.revision), changed: false };
  }
}

function compact(execution: Execution, compactedRevision: number): Result {
  const present = execution.revision - 1;
  if (compactedRevision === 0 || compactedRevision > present) return { kind: "wrongRevision", revision: present };
  if (compactedRevision <= execution.compactedRevision)
    return { kind: "alreadyCompacted", compactedRevision: execution.compactedRevision };
  execution.compactedRevision = compactedRevision;
  return { kind: "compacted", compactedRevision };
}

/** A lease's id: the place of its command in the log, and its own in the command. Never used twice, and never 0. */
function firstLeaseId({ index }: Execution): number {
  return index * operationsMax;
}

function prepareTransaction(execution: Execution, transaction: Transaction): Staging {
  const { batch, limits, revision } = execution;
  if (changesKeyTwice(transaction)) return refusing({ kind: "keyChangedTwice" });
  const options = { limits, revision, firstLeaseId: firstLeaseId(execution) };
  const draft = draftTransaction(transaction, batch, options);
  if (draft.kind !== "draft") return refusing(draft);
  const puts: LeasedPut[] = [];
  for (const change of draft.changes)
    if (change.kind === "put" && change.ttlMs === 0 && change.record.leaseId !== 0)
      puts.push({ key: change.key, value: change.record.value, leaseId: change.record.leaseId });
  const refusal = leaseRefusal(execution, puts);
  return refusal === null ? () => stageDraft(execution, draft) : refusing(refusal);
}

function stageDraft({ batch, revision, time }: Execution, draft: Draft): ExecutionOutcome {
  for (const [ordinal, change] of draft.changes.entries()) {
    if (change.kind === "delete") {
      batch.delete(change.key, { revision, ordinal }, time);
      continue;
    }
    const { key, record, ttlMs } = change;
    if (ttlMs > 0) batch.leases.grant(record.leaseId, ttlMs, time, true);
    batch.put(key, record.value, record.leaseId, { revision, ordinal }, time);
  }
  const { succeeded, results } = draft;
  return { result: { kind: "txn", succeeded, results }, changed: draft.changes.length > 0 };
}

function prepareLeaseEnd(
  execution: Execution,
  operation: Extract<Operation, { kind: "leaseRevoke" | "leaseExpire" }>,
): Staging {
  const { batch, revision, time, termStartTime } = execution;
  const { leaseId } = operation;
  const lease = batch.leases.get(leaseId);
  if (lease === undefined) return refusing({ kind: "leaseNotFound", leaseId });
  if (operation.kind === "leaseExpire") {
    const isDue = lease.renewal === operation.renewal && time >= dueTimeOf(lease, termStartTime);
    if (!isDue) return () => ({ result: { kind: "leaseEnded", deleted: 0 }, changed: false });
  }
  const keys = batch.leases.keysOf(leaseId, lease);
  return () => {
    for (const [ordinal, key] of keys.entries()) {
      if (batch.present(key)?.leaseId !== leaseId)
        throw new RecordFormatError(`a key that is not of lease ${leaseId} is attached to it`);
      batch.delete(key, { revision, ordinal }, time);
    }
    const left = batch.leases.get(leaseId);
    if (left !== undefined) batch.leases.remove(leaseId, left);
    return { result: { kind: "leaseEnded", deleted: keys.length }, changed: keys.length > 0 };
  };
}

interface LeasedPut {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly leaseId: number;
}

/** Why these keys cannot be put with their leases, together; null when they can. */
function leaseRefusal({ batch, limits }: Execution, puts: readonly LeasedPut[]): Refusal | null {
  const added = new Map<number, { keys: number; bytes: number }>();
  for (const { key, value, leaseId } of puts) {
    const lease = batch.leases.get(leaseId);
    if (lease === undefined) return { kind: "leaseNotFound", leaseId };
    const sum = added.get(leaseId) ?? { keys: lease.keys, bytes: lease.bytes };
    added.set(leaseId, sum);
    const present = batch.present(key);
    const isAttached = present?.leaseId === leaseId;
    if (!isAttached) sum.keys++;
    sum.bytes += isAttached ? value.byteLength - present.value.byteLength : leaseBytesOf(key, value.byteLength);
    if (sum.keys > limits.leaseKeysMax || sum.bytes > limits.leaseBytesMax) return { kind: "leaseFull", leaseId };
  }
  return null;
}

function refusing(result: Refusal): Staging {
  return () => ({ result, changed: false });
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
