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
import type { Row, RowCursor, RowMoment } from "./state-storage.ts";
import { verified } from "./verified.ts";

/** Steps into the past that one step of a listing takes at most. */
const stepsBackMax = 256;
const rowsAtOnce = 256;

export class RangeReader implements RangeCursor {
  readonly #query: RangeQuery;
  readonly #history: HistoryReader;
  readonly #rows: RowCursor | null;
  #read: readonly Row[] = [];
  #place = 0;
  /** A key whose past is being looked for. */
  #sought: { readonly key: Uint8Array; record: CurrentRecord | null } | null = null;

  constructor(query: RangeQuery, rows: RowMoment, history: HistoryReader) {
    this.#query = query;
    this.#history = history;
    this.#rows = isEmptyRange(query.range) ? null : rows.scan(currentScan(query.range, query.order));
  }

  async next({ rowsMax, bytesMax }: StepBounds): Promise<RangeStep> {
    const items: KeyItem[] = [];
    let bytes = 0;
    let stepsBack = 0;
    for (let rows = this.#sought === null ? 0 : 1; ; ) {
      if (this.#sought === null) {
        if (rows >= rowsMax || bytes >= bytesMax) return { items, done: false };
        const row = await this.#nextRow(rowsMax - rows);
        if (row === undefined) return { items, done: true };
        rows++;
        bytes += row.key.byteLength + row.value.byteLength;
        const key = keyOfCurrent(row.key);
        this.#sought = { key, record: await verified(() => decodeRecord(key, row.value, crc32)) };
      }
      const { key, record } = this.#sought;
      if (record !== null && record.modRevision > this.#query.revision) {
        if (stepsBack === stepsBackMax) return { items, done: false };
        stepsBack++;
        this.#sought.record = await verified(() => this.#history.stepBack(key, record, this.#query.revision));
        continue;
      }
      if (record?.kind === "value") items.push(itemOf(key, record, this.#query.values));
      this.#sought = null;
    }
  }

  async close(): Promise<void> {
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
