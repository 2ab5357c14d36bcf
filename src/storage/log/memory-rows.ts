/**
 * @module
 * The rows of a log in memory: for tests and simulation. Closing keeps them, so that it can be opened again.
 */

import type { KeyRange } from "./key.ts";
import type { Row, RowBatch, RowCursor, RowStore } from "./row-store.ts";

const rowsPerRead = 100;

/** What one row becomes, by its key's bytes as a Latin-1 string, which sorts as they do; null when it goes. */
export interface NamedChange {
  readonly name: string;
  readonly value: Buffer | null;
}

export class MemoryRows implements RowStore {
  readonly place: string;
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
    const value = this.peek(nameOf(key));
    return value === undefined ? undefined : Buffer.from(value);
  }

  /** The row itself, not a copy: it is not to be written to. */
  peek(name: string): Buffer | undefined {
    return this.#values.get(name);
  }

  /** The last row of the range. */
  lastName({ from, to }: KeyRange): string | undefined {
    const name = this.#keys[this.#position(nameOf(to)) - 1];
    return name === undefined || name < nameOf(from) ? undefined : name;
  }

  /** The rows of the range, in order. */
  names(range: KeyRange): readonly string[] {
    return this.#namesIn(range, Number.POSITIVE_INFINITY);
  }

  /** Atomic, and there when it returns. The bytes are kept, not copied. */
  apply(changes: readonly NamedChange[]): void {
    for (const { name, value } of changes) {
      if (value === null) this.#delete(name);
      else this.#put(name, value);
    }
  }

  batch(): RowBatch {
    const changes: NamedChange[] = [];
    return {
      put: (key, value) => void changes.push({ name: nameOf(key), value: Buffer.from(value) }),
      del: (key) => void changes.push({ name: nameOf(key), value: null }),
      write: () => {
        this.apply(changes);
        return Promise.resolve();
      },
    };
  }

  rows(range: KeyRange): RowCursor {
    const rows = this.#namesIn(range, Number.POSITIVE_INFINITY).map((name) => this.#row(name));
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
    return Promise.resolve(this.#namesIn(range, limit).map((name) => Buffer.from(name, "latin1")));
  }

  clear(range: KeyRange): Promise<void> {
    for (const name of this.#namesIn(range, Number.POSITIVE_INFINITY)) this.#delete(name);
    return Promise.resolve();
  }

  reclaim(): Promise<void> {
    return Promise.resolve();
  }

  #row(name: string): Row {
    return { key: Buffer.from(name, "latin1"), value: Buffer.from(this.#values.get(name) ?? []) };
  }

  #namesIn({ from, to }: KeyRange, limit: number): readonly string[] {
    const start = this.#position(nameOf(from));
    const end = this.#position(nameOf(to));
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

export function nameOf(key: Buffer): string {
  return key.toString("latin1");
}
