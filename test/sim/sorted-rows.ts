/**
 * @module
 * Rows in the order of their keys, held so that a range of them costs what it gives.
 */

import type { Row } from "../../src/storage/state/state-storage.ts";

export class SortedRows {
  readonly #rows = new Map<string, Row>();
  /** Of the keys, as `keyName` gives them: ascending, which is the order of their bytes. */
  readonly #names: string[] = [];

  get(name: string): Row | undefined {
    return this.#rows.get(name);
  }

  set(name: string, row: Row): void {
    if (!this.#rows.has(name)) {
      const position = this.#position(name);
      if (position === this.#names.length) this.#names.push(name);
      else this.#names.splice(position, 0, name);
    }
    this.#rows.set(name, row);
  }

  delete(name: string): void {
    if (this.#rows.delete(name)) this.#names.splice(this.#position(name), 1);
  }

  /** Adds to `found` those with names in [from, to), in order, until it holds `rowsMax`. */
  collect(from: string, to: string, rowsMax: number, found: Row[]): void {
    const end = this.#position(to);
    for (let at = this.#position(from); at < end && found.length < rowsMax; at += 1) {
      const row = this.#rows.get(this.#names[at] ?? "");
      if (row !== undefined) found.push(row);
    }
  }

  /** Where `name` is or would be; most often that is the end. */
  #position(name: string): number {
    let to = this.#names.length;
    if (to === 0 || (this.#names[to - 1] ?? "") < name) return to;
    let from = 0;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#names[middle] ?? "") < name) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
