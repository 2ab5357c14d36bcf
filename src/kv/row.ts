/**
 * @module
 * The small storage interface below the state machine: ordered rows of bytes, read one at a time, written
 * together.
 */

import type { Order } from "./transaction.ts";

export interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** One row of a batch: what it becomes, or null when it goes. No key twice in a batch. */
export interface RowChange {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** The rows as of the last batch written. */
export interface RowReader {
  get(key: Uint8Array): Uint8Array | undefined;
}

/** Rows with keys in [from, to), one after the other. */
export interface Scan {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly order: Order;
}
