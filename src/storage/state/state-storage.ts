/**
 * @module
 * What the state is kept in: ordered rows of bytes, with atomic batches and consistent snapshots. Used by the
 * store's thread alone; other threads read through a `StateView`.
 */

import type { Row, RowChange, RowReader, Scan } from "../../kv/row.ts";
import type { Order } from "../../kv/transaction.ts";

export type { Row } from "../../kv/row.ts";

/** Rows with keys in [from, to), ascending unless `order` says otherwise; reading stops at either bound, but gives at least one row. */
export interface RowRange {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly rowsMax: number;
  readonly bytesMax: number;
  readonly order?: Order;
}

/** Every function throws a StorageError when the environment fails; after a rejected write nothing may be written again. */
export interface StateStorage extends RowReader {
  /** Atomic, readable by all threads when it resolves, and not synced: it outlives the process, not the machine. */
  write(rows: readonly RowChange[]): Promise<void>;
  read(range: RowRange): Promise<readonly Row[]>;
  /** The keys in [from, to), in order, a piece at a time. */
  keys(from: Uint8Array, to: Uint8Array): AsyncIterable<readonly Uint8Array[]>;
  /** The rows as of now, whatever is written later. */
  snapshot(): StateSnapshot;
  close(): Promise<void>;
}

/** Must be closed, before its storage. */
export interface StateSnapshot extends RowReader {
  /** The next rows of all, in the order of keys, roughly `bytesMax`; none at the end. */
  next(bytesMax: number): Promise<readonly Row[]>;
  close(): Promise<void>;
}

/** The rows as of one moment, as a thread reads them that does not write. Must be closed, before its storage. */
export interface RowMoment extends RowReader {
  /** Must be closed, before its moment. */
  scan(scan: Scan): RowCursor;
  close(): Promise<void>;
}

export interface RowCursor {
  /** The next rows: at most `rowsMax`, about `cursorBytes` of them; none at the end. One call at a time. */
  next(rowsMax: number): Promise<readonly Row[]>;
  close(): Promise<void>;
}

/** What a cursor gives at once: one row may exceed it. */
export const cursorBytes: number = 256 * 1024;
