/**
 * @module
 * The rows of a log in memory: for tests and simulation. Closing keeps them, so that it can be opened again.
 */

import type { KeyRange } from "./key.ts";
import type { Row, RowBatch, RowCursor, RowStore } from "./row-store.ts";

const rowsPerRead = 100;

export class MemoryRows implements RowStore {
  readonly place: string;
  /** By the key's bytes as a Latin-1 string, which sorts as the bytes do. */
  readonly #values = new Map<string, Buffer>();
  /** Ascending. */
  #keys: string[] = [];

  constructor(place = "memory") {
    this.place = place;
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  get(key: Buffer): Buffer | undefined {
    const value = this.#values.get(key.toString("latin1"));
    return value === undefined ? undefined : Buffer.from(value);
  }

  batch(): RowBatch {
    const changes: (() => void)[] = [];
    return {
      put: (key, value) => {
        const name = key.toString("latin1");
        const copy = Buffer.from(value);
        changes.push(() => this.#put(name, copy));
      },
      del: (key) => {
        const name = key.toString("latin1");
        changes.push(() => this.#delete(name));
      },
      write: () => {
        for (const change of changes) change();
        return Promise.resolve();
      },
    };
  }

  rows(range: KeyRange): RowCursor {
    const rows = this.#keysIn(range, Number.POSITIVE_INFINITY).map((name) => this.#row(name));
    let position = 0;
    return {
      next: () => {
        const read = rows.slice(position, position + rowsPerRead);
        position += read.length;
        return Promise.resolve(read);
      },
      close: () => Promise.resolve(),
    };
  }

  keys(range: KeyRange, limit: number): Promise<readonly Buffer[]> {
    return Promise.resolve(this.#keysIn(range, limit).map((name) => Buffer.from(name, "latin1")));
  }

  clear(range: KeyRange): Promise<void> {
    for (const name of this.#keysIn(range, Number.POSITIVE_INFINITY)) this.#delete(name);
    return Promise.resolve();
  }

  reclaim(): Promise<void> {
    return Promise.resolve();
  }

  #row(name: string): Row {
    return { key: Buffer.from(name, "latin1"), value: Buffer.from(this.#values.get(name) ?? []) };
  }

  #keysIn({ from, to }: KeyRange, limit: number): readonly string[] {
    const start = this.#position(from.toString("latin1"));
    const end = this.#position(to.toString("latin1"));
    return this.#keys.slice(start, Math.min(end, start + limit));
  }

  #put(name: string, value: Buffer): void {
    if (!this.#values.has(name)) {
      const position = this.#position(name);
      if (position === this.#keys.length) this.#keys.push(name);
      else this.#keys.splice(position, 0, name);
    }
    this.#values.set(name, value);
  }

  #delete(name: string): void {
    if (this.#values.delete(name)) this.#keys.splice(this.#position(name), 1);
  }

  /** Where `name` is or would be. */
  #position(name: string): number {
    let from = 0;
    let to = this.#keys.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#keys[middle] ?? "") < name) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
