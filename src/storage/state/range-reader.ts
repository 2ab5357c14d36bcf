/**
 * @module
 * Listing keys as of a revision: the rows of one moment in order, and the past of those that have changed since.
 */

import { crc32 } from "node:zlib";
import { currentScan, keyOfCurrent } from "../../kv/keys.ts";
import { type CurrentRecord, decodeRecord } from "../../kv/record.ts";
import type { KeyItem, RangeCursor, RangeQuery, RangeStep, StepBounds } from "../../kv/state-view.ts";
import { isEmptyRange } from "../../kv/transaction.ts";
import { itemOf } from "../../kv/transaction-run.ts";
import type { HistoryReader } from "./history-reader.ts";
import { PastSearch } from "./past-search.ts";
import type { Row, RowCursor, RowMoment } from "./state-storage.ts";
import { verified, verifiedNow } from "./verified.ts";

/** Steps into the past that one step of a listing takes at most. */
const searchStepsMax = 64;
const rowsAtOnce = 256;

export class RangeReader implements RangeCursor {
  readonly #query: RangeQuery;
  readonly #history: HistoryReader;
  readonly #rows: RowCursor | null;
  #read: readonly Row[] = [];
  #place = 0;
  /** A key whose past is being looked for. */
  #sought: { readonly key: Uint8Array; readonly search: PastSearch } | null = null;

  constructor(query: RangeQuery, rows: RowMoment, history: HistoryReader) {
    this.#query = query;
    this.#history = history;
    this.#rows = isEmptyRange(query.range) ? null : rows.scan(currentScan(query.range, query.order));
  }

  async next({ rowsMax, bytesMax }: StepBounds): Promise<RangeStep> {
    const items: KeyItem[] = [];
    let bytes = 0;
    let searchSteps = 0;
    for (let rows = this.#sought === null ? 0 : 1; ; ) {
      if (this.#sought !== null) {
        const { key, search } = this.#sought;
        for (; !search.found; searchSteps++) {
          if (searchSteps === searchStepsMax) return { items, done: false };
          await verified(() => search.step());
        }
        this.#take(items, key, search.record);
        await search.close();
        this.#sought = null;
      }
      if (rows >= rowsMax || bytes >= bytesMax) return { items, done: false };
      const row = await this.#nextRow(rowsMax - rows);
      if (row === undefined) return { items, done: true };
      rows++;
      bytes += row.key.byteLength + row.value.byteLength;
      const key = keyOfCurrent(row.key);
      const record = verifiedNow(() => decodeRecord(key, row.value, crc32));
      if (record.modRevision <= this.#query.revision) this.#take(items, key, record);
      else this.#sought = { key, search: new PastSearch(this.#history, key, record, this.#query.revision) };
    }
  }

  #take(items: KeyItem[], key: Uint8Array, record: CurrentRecord | null): void {
    if (record?.kind === "value") items.push(itemOf(key, record, this.#query.values));
  }

  async close(): Promise<void> {
    await this.#sought?.search.close();
    await this.#rows?.close();
  }

  async #nextRow(rowsMax: number): Promise<Row | undefined> {
    if (this.#rows === null) return undefined;
    if (this.#place === this.#read.length) {
      this.#read = await this.#rows.next(Math.min(rowsMax, rowsAtOnce));
      this.#place = 0;
    }
    return this.#read[this.#place++];
  }
}
