/**
 * @module
 * What the state machine ought to do, in the plainest words: everything in maps of strings, every state kept.
 */

import type { Command, Condition, Operation } from "../../src/kv/command.ts";
import { type MachineLimits, machineLimits } from "../../src/kv/limits.ts";
import type { MachineEntry } from "../../src/kv/machine.ts";
import type { Compare, KeyRange, Transaction, TransactionOperation } from "../../src/kv/transaction.ts";

export interface ModelRecord {
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly leaseId: number;
}

export interface ModelLease {
  readonly ttlMs: number;
  readonly implicit: boolean;
  readonly renewedTime: number;
  readonly renewal: number;
}

export interface ModelChange {
  readonly revision: number;
  readonly ordinal: number;
  readonly key: string;
  readonly record: ModelRecord | null;
  readonly previous: ModelRecord | null;
}

/** A result in plain values. */
type Plain = Readonly<Record<string, unknown>>;

interface ModelSession {
  readonly hash: string;
  readonly time: number;
  readonly result: Plain;
  readonly revision: number;
}

/** The state as it may be given up: what one command works on. */
interface Work {
  records: Map<string, ModelRecord>;
  leases: Map<number, ModelLease>;
  changes: ModelChange[];
}

class Refused extends Error {
  readonly result: Plain;

  constructor(result: Plain) {
    super("refused");
    this.result = result;
  }
}

export class Model {
  readonly limits: MachineLimits;
  index = 0;
  revision = 0;
  time = 0;
  term = 0;
  termStartTime = 0;
  compactedRevision = 0;
  records: Map<string, ModelRecord> = new Map();
  leases: Map<number, ModelLease> = new Map();
  readonly sessions: Map<string, ModelSession> = new Map();
  readonly changes: ModelChange[] = [];
  /** The whole state as of each revision: each command works on a copy. */
  readonly states: ReadonlyMap<string, ModelRecord>[] = [new Map()];
  #grants = 0;

  constructor(limits: MachineLimits = machineLimits) {
    this.limits = limits;
  }

  /** What the command's client is told; null for an entry without a command. */
  apply(entry: MachineEntry): { result: Plain; revision: number } | null {
    this.index++;
    this.time = entry.time;
    if (entry.term !== this.term) this.termStartTime = entry.time;
    this.term = entry.term;
    return entry.kind === "command" ? this.#command(entry.command) : null;
  }

  /** What a transaction that only reads is answered at a past revision. */
  looked(transaction: Transaction, revision: number): Plain {
    const work = { records: new Map(this.states[revision]), leases: new Map<number, ModelLease>(), changes: [] };
    return { kind: "txn", ...this.#transact(work, transaction, { keys: 0 }) };
  }

  #command({ idempotency, operation }: Command): { result: Plain; revision: number } {
    if (idempotency === undefined) return this.#execute(operation);
    const name = words(idempotency.key);
    const hash = words(idempotency.requestHash);
    const known = this.sessions.get(name);
    if (known !== undefined) {
      const isSame = known.hash === hash;
      if (isSame) return { result: known.result, revision: known.revision };
      return { result: { kind: "idempotencyMismatch" }, revision: this.revision };
    }
    let gone = 0;
    for (const [oldest, session] of this.sessions) {
      if (gone === 4 || session.time > this.time - this.limits.sessionAgeMin) break;
      this.sessions.delete(oldest);
      gone++;
    }
    const executed = this.#execute(operation);
    this.sessions.set(name, { hash, time: this.time, ...executed });
    return executed;
  }

  #execute(operation: Operation): { result: Plain; revision: number } {
    this.#grants = 0;
    const work: Work = { records: new Map(this.records), leases: new Map(this.leases), changes: [] };
    try {
      const result = this.#operate(work, operation);
      for (const [id, lease] of work.leases) {
        const isHeld = (): boolean => [...work.records.values()].some(({ leaseId }) => leaseId === id);
        if (lease.implicit && this.leases.has(id) && !isHeld()) work.leases.delete(id);
      }
      this.records = work.records;
      this.leases = work.leases;
      if (work.changes.length > 0) {
        this.revision++;
        this.changes.push(...work.changes);
        this.states.push(this.records);
      }
      return { result, revision: this.revision };
    } catch (error) {
      if (error instanceof Refused) return { result: error.result, revision: this.revision };
      throw error;
    }
  }

  #operate(work: Work, operation: Operation): Plain {
    switch (operation.kind) {
      case "put": {
        const key = words(operation.key);
        this.#expect(operation.condition, work.records.get(key));
        const granted = operation.ttlMs === undefined ? 0 : this.#grant(work, operation.ttlMs, true);
        this.#put(work, key, words(operation.value), granted === 0 ? operation.leaseId : granted);
        const put = { kind: "put", modRevision: this.revision + 1 };
        return granted === 0 ? put : { ...put, leaseId: granted };
      }
      case "delete": {
        const key = words(operation.key);
        this.#expect(operation.condition, work.records.get(key));
        return { kind: "deleted", deleted: this.#delete(work, key) };
      }
      case "putAll":
        for (const { key, value } of operation.pairs) this.#put(work, words(key), words(value), 0);
        return { kind: "putAll" };
      case "deleteRange":
        return { kind: "deleted", deleted: this.#deleteRange(work, operation.range, { keys: 0 }) };
      case "txn":
        if (changesTwice(operation.transaction)) throw new Refused({ kind: "keyChangedTwice" });
        return { kind: "txn", ...this.#transact(work, operation.transaction, { keys: 0 }) };
      case "leaseGrant": {
        const leaseId = this.#grant(work, operation.ttlMs, false);
        return { kind: "leaseGranted", leaseId, ttlMs: operation.ttlMs };
      }
      case "leaseKeepAlive":
        return { kind: "leasesKept", leases: operation.leaseIds.map((id) => this.#keepAlive(work, id)) };
      case "leaseRevoke":
      case "leaseExpire":
        return this.#endLease(work, operation);
      case "compact":
        return this.#compact(operation.revision);
    }
  }

  #expect(condition: Condition, present: ModelRecord | undefined): void {
    const holds =
      condition.kind === "present"
        ? present !== undefined
        : condition.kind === "absent"
          ? present === undefined
          : condition.kind === "none" || present?.modRevision === condition.revision;
    if (!holds) throw new Refused({ kind: "conditionFailed", modRevision: present?.modRevision ?? 0 });
  }

  #grant(work: Work, ttlMs: number, implicit: boolean): number {
    const id = this.index * 128 + this.#grants++;
    work.leases.set(id, { ttlMs, implicit, renewedTime: this.time, renewal: 0 });
    return id;
  }

  #keepAlive(work: Work, leaseId: number): Plain {
    const lease = work.leases.get(leaseId);
    if (lease === undefined) return { leaseId, ttlMs: 0 };
    work.leases.set(leaseId, { ...lease, renewedTime: this.time, renewal: lease.renewal + 1 });
    return { leaseId, ttlMs: lease.ttlMs };
  }

  #endLease(work: Work, operation: Extract<Operation, { kind: "leaseRevoke" | "leaseExpire" }>): Plain {
    const { leaseId } = operation;
    const lease = work.leases.get(leaseId);
    if (lease === undefined) throw new Refused({ kind: "leaseNotFound", leaseId });
    if (operation.kind === "leaseExpire") {
      const dueTime = Math.max(lease.renewedTime, this.termStartTime) + lease.ttlMs;
      if (lease.renewal !== operation.renewal || this.time < dueTime) return { kind: "leaseEnded", deleted: 0 };
    }
    const keys = [...work.records].filter(([, record]) => record.leaseId === leaseId).map(([key]) => key);
    for (const key of keys.sort()) this.#delete(work, key);
    work.leases.delete(leaseId);
    return { kind: "leaseEnded", deleted: keys.length };
  }

  #compact(revision: number): Plain {
    if (revision === 0 || revision > this.revision)
      throw new Refused({ kind: "wrongRevision", revision: this.revision });
    const { compactedRevision } = this;
    if (revision <= compactedRevision) throw new Refused({ kind: "alreadyCompacted", compactedRevision });
    this.compactedRevision = revision;
    return { kind: "compacted", compactedRevision: revision };
  }

  #transact(work: Work, transaction: Transaction, deleted: { keys: number }): { succeeded: boolean; results: Plain[] } {
    const succeeded = transaction.compares.every((compare) => holds(compare, work.records.get(words(compare.key))));
    const branch = succeeded ? transaction.success : transaction.failure;
    return { succeeded, results: branch.map((operation) => this.#inTransaction(work, operation, deleted)) };
  }

  #inTransaction(work: Work, operation: TransactionOperation, deleted: { keys: number }): Plain {
    switch (operation.kind) {
      case "put": {
        const granted = operation.ttlMs > 0 ? this.#grant(work, operation.ttlMs, true) : 0;
        const leaseId = granted === 0 ? operation.leaseId : granted;
        // A lease counts as it was before the transaction, whatever happens to its keys in it.
        if (granted === 0 && leaseId !== 0 && !this.leases.has(leaseId))
          throw new Refused({ kind: "leaseNotFound", leaseId });
        this.#put(work, words(operation.key), words(operation.value), leaseId);
        return { kind: "put", modRevision: this.revision + 1, leaseId: granted };
      }
      case "get": {
        const key = words(operation.key);
        const record = work.records.get(key);
        return { kind: "get", item: record === undefined ? null : { key, ...record } };
      }
      case "range": {
        const found = within(work.records, operation.range);
        if (operation.order === "desc") found.reverse();
        const items = found.slice(0, operation.limit).map(([key, record]) => ({ key, ...record }));
        return { kind: "range", items: items.map((item) => (operation.values ? item : { ...item, value: null })) };
      }
      case "delete":
        return { kind: "delete", deleted: this.#delete(work, words(operation.key)) };
      case "deleteRange":
        return { kind: "delete", deleted: this.#deleteRange(work, operation.range, deleted) };
      case "txn":
        return { kind: "txn", ...this.#transact(work, operation.transaction, deleted) };
    }
  }

  #deleteRange(work: Work, range: KeyRange, deleted: { keys: number }): number {
    const keys = within(work.records, range).map(([key]) => key);
    deleted.keys += keys.length;
    if (deleted.keys > this.limits.deletedKeysMax) throw new Refused({ kind: "tooLarge", what: "deletion" });
    for (const key of keys) this.#delete(work, key);
    return keys.length;
  }

  #put(work: Work, key: string, value: string, leaseId: number): void {
    if (leaseId !== 0 && !work.leases.has(leaseId)) throw new Refused({ kind: "leaseNotFound", leaseId });
    const previous = work.records.get(key) ?? null;
    const modRevision = this.revision + 1;
    const createRevision = previous?.createRevision ?? modRevision;
    const record = { value, createRevision, modRevision, version: (previous?.version ?? 0) + 1, leaseId };
    work.records.set(key, record);
    work.changes.push({ revision: modRevision, ordinal: work.changes.length, key, record, previous });
  }

  #delete(work: Work, key: string): number {
    const previous = work.records.get(key);
    if (previous === undefined) return 0;
    work.records.delete(key);
    const ordinal = work.changes.length;
    work.changes.push({ revision: this.revision + 1, ordinal, key, record: null, previous });
    return 1;
  }
}

/** Bytes as a string of the same order. */
export function words(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** The records in the range, in order of keys. */
export function within(records: ReadonlyMap<string, ModelRecord>, { from, to }: KeyRange): [string, ModelRecord][] {
  return [...records]
    .filter(([key]) => key >= words(from) && (to === null || key < words(to)))
    .sort(([one], [other]) => (one < other ? -1 : 1));
}

function holds(compare: Compare, record: ModelRecord | undefined): boolean {
  const isValue = compare.target === "value";
  if (isValue && record === undefined) return false;
  const found = isValue ? (record?.value ?? "") : (record?.[compare.target] ?? 0);
  const operand = isValue ? words(compare.operand) : compare.operand;
  if (compare.operator === "=") return found === operand;
  if (compare.operator === "!=") return found !== operand;
  return compare.operator === "<" ? found < operand : found > operand;
}

/** Tries every way through the transaction. */
function changesTwice(transaction: Transaction): boolean {
  const top = "\uffff";
  return waysThrough(transaction).some((way) =>
    way.some((one, at) =>
      way.slice(at + 1).some((other) => {
        const from = [one, other].map((range) => words(range.from)).sort()[1] ?? "";
        const to = [one, other].map((range) => (range.to === null ? top : words(range.to))).sort()[0] ?? "";
        return from < to;
      }),
    ),
  );
}

function waysThrough({ success, failure }: Transaction): KeyRange[][] {
  return [success, failure].flatMap((branch) => {
    let ways: KeyRange[][] = [[]];
    for (const operation of branch) {
      const further = waysOf(operation);
      ways = ways.flatMap((way) => further.map((more) => [...way, ...more]));
    }
    return ways;
  });
}

function waysOf(operation: TransactionOperation): KeyRange[][] {
  switch (operation.kind) {
    case "put":
    case "delete":
      return [[{ from: operation.key, to: Uint8Array.of(...operation.key, 0) }]];
    case "deleteRange":
      return [[operation.range]];
    case "txn":
      return waysThrough(operation.transaction);
    case "get":
    case "range":
      return [[]];
  }
}
