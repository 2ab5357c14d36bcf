/**
 * @module
 * What a transaction finds and would change, against a state that it does not touch: the machine makes the changes
 * afterwards, all or none; a reader takes the answers.
 */

import { compareBytes, keyName } from "./keys.ts";
import type { MachineLimits } from "./limits.ts";
import { isBefore, overlaid } from "./read-ahead.ts";
import type { Refusal, TransactionResult } from "./result.ts";
import type { KeyItem, KeyRecord } from "./state-view.ts";
import {
  type Compare,
  isInRange,
  type KeyRange,
  type Order,
  type Transaction,
  type TransactionOperation,
} from "./transaction.ts";

export interface KeyedRecord {
  readonly key: Uint8Array;
  readonly value: KeyRecord;
}

/** The state before the transaction. */
export interface RecordSource {
  present(key: Uint8Array): KeyRecord | undefined;
  /** May throw `RowsMissingError`. */
  records(range: KeyRange, order: Order): Iterable<KeyedRecord>;
}

export type DraftedChange =
  /** `ttlMs` above 0: the lease is to be granted. */
  | { readonly kind: "put"; readonly key: Uint8Array; readonly record: KeyRecord; readonly ttlMs: number }
  | { readonly kind: "delete"; readonly key: Uint8Array };

export interface Draft {
  readonly kind: "draft";
  readonly succeeded: boolean;
  readonly results: readonly TransactionResult[];
  /** In order, no key twice. */
  readonly changes: readonly DraftedChange[];
}

export interface DraftOptions {
  readonly limits: MachineLimits;
  /** The revision that its changes take. */
  readonly revision: number;
  /** Leases granted with its puts have ids from here on. */
  readonly firstLeaseId: number;
}

/** What a result counts beside its keys and values. */
const itemOverheadBytes = 64;

/** The transaction must not change a key twice (`changesKeyTwice`). */
export function draftTransaction(
  transaction: Transaction,
  source: RecordSource,
  options: DraftOptions,
): Draft | Refusal {
  const drafting = new Drafting(source, options);
  const done = drafting.run(transaction);
  if (drafting.tooLarge !== null) return { kind: "tooLarge", what: drafting.tooLarge };
  return { kind: "draft", ...done, changes: drafting.changes };
}

/** A record as listings and transactions answer it. */
export function itemOf(key: Uint8Array, record: KeyRecord, values: boolean): KeyItem {
  const { value, createRevision, modRevision, version, leaseId } = record;
  return { key, value: values ? value : null, createRevision, modRevision, version, leaseId };
}

class Drafting {
  readonly changes: DraftedChange[] = [];
  /** Set once a bound is exceeded: nothing that comes after counts. */
  tooLarge: "deletion" | "answer" | null = null;
  readonly #source: RecordSource;
  readonly #options: DraftOptions;
  readonly #drafted = new Map<string, { readonly key: Uint8Array; readonly value: KeyRecord | null }>();
  #nextLeaseId: number;
  #resultBytes = 0;
  #resultKeys = 0;
  #deletedKeys = 0;
  #deletedBytes = 0;

  constructor(source: RecordSource, options: DraftOptions) {
    this.#source = source;
    this.#options = options;
    this.#nextLeaseId = options.firstLeaseId;
  }

  run({ compares, success, failure }: Transaction): { succeeded: boolean; results: TransactionResult[] } {
    const succeeded = compares.every((compare) => holds(compare, this.#present(compare.key)));
    const results: TransactionResult[] = [];
    for (const operation of succeeded ? success : failure) {
      results.push(this.#execute(operation));
      if (this.tooLarge !== null) break;
    }
    return { succeeded, results };
  }

  #execute(operation: TransactionOperation): TransactionResult {
    switch (operation.kind) {
      case "put":
        return this.#put(operation);
      case "get": {
        const record = this.#present(operation.key);
        return { kind: "get", item: record === undefined ? null : this.#item(operation.key, record, true) };
      }
      case "range":
        return { kind: "range", items: this.#range(operation) };
      case "delete": {
        const record = this.#present(operation.key);
        if (record !== undefined) this.#delete(operation.key, record);
        return { kind: "delete", deleted: record === undefined ? 0 : 1 };
      }
      case "deleteRange":
        return { kind: "delete", deleted: this.#deleteRange(operation.range) };
      case "txn":
        return { kind: "txn", ...this.run(operation.transaction) };
    }
  }

  #put({ key, value, leaseId, ttlMs }: Extract<TransactionOperation, { kind: "put" }>): TransactionResult {
    const { revision } = this.#options;
    const old = this.#present(key);
    const granted = ttlMs > 0 ? this.#nextLeaseId++ : 0;
    const record: KeyRecord = {
      value,
      createRevision: old?.createRevision ?? revision,
      modRevision: revision,
      version: (old?.version ?? 0) + 1,
      leaseId: granted === 0 ? leaseId : granted,
    };
    this.#drafted.set(keyName(key), { key, value: record });
    this.changes.push({ kind: "put", key, record, ttlMs });
    return { kind: "put", modRevision: revision, leaseId: granted };
  }

  #range({ range, order, limit, values }: Extract<TransactionOperation, { kind: "range" }>): KeyItem[] {
    const items: KeyItem[] = [];
    for (const { key, value } of this.#records(range, order)) {
      items.push(this.#item(key, value, values));
      if (items.length === limit || this.tooLarge !== null) break;
    }
    return items;
  }

  #item(key: Uint8Array, record: KeyRecord, values: boolean): KeyItem {
    this.#resultBytes += itemOverheadBytes + key.byteLength + (values ? record.value.byteLength : 0);
    this.#resultKeys++;
    const { resultBytesMax, resultKeysMax } = this.#options.limits;
    if (this.#resultBytes > resultBytesMax || this.#resultKeys > resultKeysMax) this.tooLarge = "answer";
    return itemOf(key, record, values);
  }

  #deleteRange(range: KeyRange): number {
    const doomed: KeyedRecord[] = [];
    for (const found of this.#records(range, "asc")) {
      doomed.push(found);
      this.#countDeleted(found.key, found.value);
      if (this.tooLarge !== null) return 0;
    }
    for (const { key } of doomed) this.#forget(key);
    return doomed.length;
  }

  #delete(key: Uint8Array, record: KeyRecord): void {
    this.#countDeleted(key, record);
    this.#forget(key);
  }

  #countDeleted(key: Uint8Array, record: KeyRecord): void {
    const { deletedKeysMax, deletedBytesMax } = this.#options.limits;
    this.#deletedKeys++;
    this.#deletedBytes += key.byteLength + record.value.byteLength;
    if (this.#deletedKeys > deletedKeysMax || this.#deletedBytes > deletedBytesMax) this.tooLarge = "deletion";
  }

  #forget(key: Uint8Array): void {
    this.#drafted.set(keyName(key), { key, value: null });
    this.changes.push({ kind: "delete", key });
  }

  #present(key: Uint8Array): KeyRecord | undefined {
    const drafted = this.#drafted.get(keyName(key));
    return drafted === undefined ? this.#source.present(key) : (drafted.value ?? undefined);
  }

  #records(range: KeyRange, order: Order): Iterable<KeyedRecord> {
    const before = isBefore(order);
    const drafted = [...this.#drafted.values()]
      .filter(({ key }) => isInRange(key, range))
      .sort((one, other) => (before(one.key, other.key) ? -1 : 1));
    return overlaid(this.#source.records(range, order), drafted, before);
  }
}

function holds(compare: Compare, record: KeyRecord | undefined): boolean {
  if (compare.target === "value") {
    if (record === undefined) return false;
    return isOrdered(compareBytes(record.value, compare.operand), compare.operator);
  }
  return isOrdered((record?.[compare.target] ?? 0) - compare.operand, compare.operator);
}

/** `difference` is below, at or above 0 as what was found is to the operand. */
function isOrdered(difference: number, operator: Compare["operator"]): boolean {
  switch (operator) {
    case "=":
      return difference === 0;
    case "!=":
      return difference !== 0;
    case "<":
      return difference < 0;
    case ">":
      return difference > 0;
  }
}
