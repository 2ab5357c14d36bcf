/**
 * @module
 * The state's rows in memory: for tests and simulation.
 */

import { compareBytes, keyName } from "../../kv/keys.ts";
import type { RowChange, Scan } from "../../kv/row.ts";
import {
  cursorBytes,
  type Row,
  type RowMoment,
  type RowRange,
  type StateSnapshot,
  type StateStorage,
} from "./state-storage.ts";

export class MemoryStateStorage implements StateStorage {
  readonly #rows = new Map<string, Row>();
  /** All rows in order; null after a key came or went. */
  #sorted: readonly Row[] | null = null;

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#rows.get(keyName(key))?.value;
  }

  async write(rows: readonly RowChange[]): Promise<void> {
    for (const { key, value } of rows) {
      const name = keyName(key);
      if (value === null) this.#rows.delete(name);
      else this.#rows.set(name, { key: Uint8Array.from(key), value: Uint8Array.from(value) });
    }
    this.#sorted = null;
  }

  async read({ from, to, rowsMax, bytesMax, order = "asc" }: RowRange): Promise<readonly Row[]> {
    const found: Row[] = [];
    let bytes = 0;
    for (const row of inScan(this.#inOrder(), { from, to, order })) {
      if (found.length > 0 && (found.length >= rowsMax || bytes >= bytesMax)) break;
      found.push(row);
      bytes += row.key.byteLength + row.value.byteLength;
    }
    return found;
  }

  async *keys(from: Uint8Array, to: Uint8Array): AsyncIterable<readonly Uint8Array[]> {
    const keys = this.rows(from, to).map((row) => row.key);
    if (keys.length > 0) yield keys;
  }

  snapshot(): StateSnapshot {
    const rows = this.#inOrder();
    const values = new Map([...this.#rows].map(([name, row]) => [name, row.value]));
    let at = 0;
    return {
      get: (key) => values.get(keyName(key)),
      next: async (bytesMax) => {
        const start = at;
        for (let bytes = 0; at < rows.length && (at === start || bytes < bytesMax); at++)
          bytes += (rows[at]?.key.byteLength ?? 0) + (rows[at]?.value.byteLength ?? 0);
        return rows.slice(start, at);
      },
      close: async () => undefined,
    };
  }

  moment(): RowMoment {
    const rows = this.#inOrder();
    const values = new Map([...this.#rows].map(([name, row]) => [name, row.value]));
    return {
      get: (key) => values.get(keyName(key)),
      scan: (scan) => {
        const scanned = inScan(rows, scan);
        let at = 0;
        return {
          next: async (rowsMax) => {
            const start = at;
            for (
              let bytes = 0;
              at < scanned.length && at - start < rowsMax && (at === start || bytes < cursorBytes);
              at++
            )
              bytes += scanned[at]?.value.byteLength ?? 0;
            return scanned.slice(start, at);
          },
          close: async () => undefined,
        };
      },
      close: async () => undefined,
    };
  }

  async close(): Promise<void> {
    this.#rows.clear();
  }

  /** Rows with keys in [from, to), in order. */
  rows(from: Uint8Array, to: Uint8Array): readonly Row[] {
    return inScan(this.#inOrder(), { from, to, order: "asc" });
  }

  #inOrder(): readonly Row[] {
    this.#sorted ??= [...this.#rows.values()].sort((one, other) => compareBytes(one.key, other.key));
    return this.#sorted;
  }
}

function inScan(rows: readonly Row[], { from, to, order }: Scan): readonly Row[] {
  const within = rows.filter((row) => compareBytes(row.key, from) >= 0 && compareBytes(row.key, to) < 0);
  return order === "asc" ? within : within.reverse();
}
