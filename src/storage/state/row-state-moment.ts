/**
 * @module
 * The state as of one moment, answered from its rows: the same for LevelDB and memory.
 */

import { crc32 } from "node:zlib";
import { assert } from "../../errors/assert.ts";
import {
  attachmentKey,
  attachmentScan,
  currentKey,
  currentScan,
  keyOfAttachment,
  keyOfCurrent,
  leaseKey,
  metaKey,
  numberOfKey,
  rangeOf,
  rowPrefixes,
} from "../../kv/keys.ts";
import { decodeLease, leaseOf } from "../../kv/lease.ts";
import { machineLimits } from "../../kv/limits.ts";
import { decodeMeta, emptyMeta, type StateMeta } from "../../kv/meta.ts";
import { ReadAhead, RowsMissingError } from "../../kv/read-ahead.ts";
import { type CurrentRecord, decodeRecord } from "../../kv/record.ts";
import type { Result } from "../../kv/result.ts";
import type { Scan } from "../../kv/row.ts";
import type {
  ChangesAsk,
  ChangesRead,
  KeyRecord,
  Lease,
  LeaseKeysAsk,
  RangeCursor,
  RangeQuery,
  RevisionStanding,
  StateMoment,
} from "../../kv/state-view.ts";
import { isEmptyRange, type KeyRange, type Order, successorOf, type Transaction } from "../../kv/transaction.ts";
import { draftTransaction, type KeyedRecord } from "../../kv/transaction-run.ts";
import { readChanges } from "./changes-reader.ts";
import { HistoryReader } from "./history-reader.ts";
import { PastSearch } from "./past-search.ts";
import { RangeReader } from "./range-reader.ts";
import type { Row, RowMoment } from "./state-storage.ts";
import { verified, verifiedNow } from "./verified.ts";

const rowsAtOnce = 256;

export class RowStateMoment implements StateMoment {
  readonly #rows: RowMoment;
  readonly #meta: StateMeta;
  readonly #history: HistoryReader;

  constructor(rows: RowMoment) {
    this.#rows = rows;
    const row = rows.get(metaKey);
    this.#meta = row === undefined ? emptyMeta : verifiedNow(() => decodeMeta(row, crc32));
    this.#history = new HistoryReader(rows);
  }

  get revision(): number {
    return this.#meta.revision;
  }

  get compactedRevision(): number {
    return this.#meta.compactedRevision;
  }

  get historyFrom(): number {
    return this.#meta.historyFrom;
  }

  get time(): number {
    return this.#meta.time;
  }

  standingOf(revision: number): RevisionStanding {
    if (revision > this.revision) return "future";
    return revision < this.compactedRevision ? "compacted" : "readable";
  }

  get(key: Uint8Array): KeyRecord | undefined {
    const record = verifiedNow(() => this.#current(key));
    return record?.kind === "value" ? record : undefined;
  }

  async getAt(key: Uint8Array, revision: number, isWanted: () => boolean): Promise<KeyRecord | undefined> {
    assert(this.standingOf(revision) === "readable", "only a readable revision is asked for");
    const present = verifiedNow(() => this.#current(key));
    const search = new PastSearch(this.#history, key, present, revision);
    try {
      while (!search.found && isWanted()) await verified(() => search.step());
      return search.found && search.record?.kind === "value" ? search.record : undefined;
    } finally {
      await search.close();
    }
  }

  range(query: RangeQuery): RangeCursor {
    assert(this.standingOf(query.revision) === "readable", "only a readable revision is asked for");
    return new RangeReader(query, this.#rows, this.#history);
  }

  async changes(ask: ChangesAsk): Promise<ChangesRead> {
    assert(ask.after.revision >= this.historyFrom, "only changes that are still here are asked for");
    return verified(() => readChanges(this.#history, this.revision, ask));
  }

  async transact(transaction: Transaction): Promise<Result> {
    const readAhead = new ReadAhead();
    const source = {
      present: (key: Uint8Array) => this.get(key),
      records: (range: KeyRange, order: Order) => recordsOf(readAhead, range, order),
    };
    const options = { limits: machineLimits, revision: this.revision, firstLeaseId: 0 };
    for (;;) {
      try {
        const draft = verifiedNow(() => draftTransaction(transaction, source, options));
        if (draft.kind !== "draft") return draft;
        assert(draft.changes.length === 0, "only a transaction that reads is answered here");
        return { kind: "txn", succeeded: draft.succeeded, results: draft.results };
      } catch (error) {
        if (!(error instanceof RowsMissingError)) throw error;
        const rows = await this.#read(error.rest, error.rowsMin);
        readAhead.add(error.scan, rows, rows.length < error.rowsMin);
      }
    }
  }

  lease(leaseId: number): Lease | undefined {
    const row = this.#rows.get(leaseKey(leaseId));
    return row === undefined ? undefined : this.#leaseIn(leaseKey(leaseId), row);
  }

  async leases({ after, limit }: { readonly after: number; readonly limit: number }): Promise<readonly Lease[]> {
    const rows = await this.#read(
      { from: leaseKey(after + 1), to: rangeOf(rowPrefixes.lease).to, order: "asc" },
      limit,
    );
    return rows.map(({ key, value }) => this.#leaseIn(key, value));
  }

  async leaseKeys({ leaseId, after, limit }: LeaseKeysAsk): Promise<readonly Uint8Array[]> {
    const scan = attachmentScan(leaseId);
    const from = after === null ? scan.from : attachmentKey(leaseId, successorOf(after));
    const rows = await this.#read({ ...scan, from }, limit);
    return rows.map(({ key }) => keyOfAttachment(key));
  }

  async close(): Promise<void> {
    await this.#rows.close();
  }

  #current(key: Uint8Array): CurrentRecord | null {
    const row = this.#rows.get(currentKey(key));
    return row === undefined ? null : decodeRecord(key, row, crc32);
  }

  #leaseIn(rowKey: Uint8Array, row: Uint8Array): Lease {
    const lease = verifiedNow(() => decodeLease(rowKey, row, crc32));
    return leaseOf(numberOfKey(rowKey), lease, this.#meta.termStartTime);
  }

  /** So many rows, or all that there are. */
  async #read(scan: Scan, rowsMax: number): Promise<readonly Row[]> {
    const cursor = this.#rows.scan(scan);
    const rows: Row[] = [];
    try {
      while (rows.length < rowsMax) {
        const read = await cursor.next(Math.min(rowsMax - rows.length, rowsAtOnce));
        if (read.length === 0) break;
        rows.push(...read);
      }
      return rows;
    } finally {
      await cursor.close();
    }
  }
}

function* recordsOf(readAhead: ReadAhead, range: KeyRange, order: Order): Generator<KeyedRecord> {
  if (isEmptyRange(range)) return;
  for (const row of readAhead.rows(currentScan(range, order))) {
    const key = keyOfCurrent(row.key);
    const record = decodeRecord(key, row.value, crc32);
    if (record.kind === "value") yield { key, value: record };
  }
}
