/**
 * @module
 * Rows beside the users' keys (leases, sessions) while a batch is made: what its commands see of each other.
 */

import { keyName } from "./keys.ts";
import { isBefore, overlaid, type ReadAhead } from "./read-ahead.ts";
import type { Row, RowChange, RowReader, Scan } from "./row.ts";

export class StagedRows {
  readonly #reader: RowReader;
  readonly #readAhead: ReadAhead;
  readonly #changes = new Map<string, RowChange>();

  constructor(reader: RowReader, readAhead: ReadAhead) {
    this.#reader = reader;
    this.#readAhead = readAhead;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const change = this.#changes.get(keyName(key));
    return change === undefined ? this.#reader.get(key) : (change.value ?? undefined);
  }

  set(key: Uint8Array, value: Uint8Array | null): void {
    this.#changes.set(keyName(key), { key, value });
  }

  /** Throws `RowsMissingError` where rows have not been read. */
  rows(scan: Scan): Iterable<Row> {
    return overlaid(this.#readAhead.rows(scan), changesWithin(scan, this.#changes.values()), isBefore(scan.order));
  }

  changes(): Iterable<RowChange> {
    return this.#changes.values();
  }
}

/** Those in the scan, in its order. */
export function changesWithin(scan: Scan, changes: Iterable<RowChange>): RowChange[] {
  const ascending = isBefore("asc");
  const before = isBefore(scan.order);
  const within: RowChange[] = [];
  for (const change of changes)
    if (!ascending(change.key, scan.from) && ascending(change.key, scan.to)) within.push(change);
  return within.sort((one, other) => (before(one.key, other.key) ? -1 : 1));
}
