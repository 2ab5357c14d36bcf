/**
 * @module
 * The state machine over plain maps, and commands made short.
 */

import { crc32 } from "node:zlib";
import { decode, encode } from "../../src/codec/codec.ts";
import type { Command, Condition, Operation } from "../../src/kv/command.ts";
import { type Chunk, decodeChunk } from "../../src/kv/history.ts";
import { compareBytes, keyName, keyOfCurrent, rowPrefixes } from "../../src/kv/keys.ts";
import { type MachineLimits, machineLimits } from "../../src/kv/limits.ts";
import {
  type AppliedBatch,
  applyBatch,
  type BatchOptions,
  type MachineEntry,
  type OwnResult,
} from "../../src/kv/machine.ts";
import type { StateMark } from "../../src/kv/mark.ts";
import { emptyMeta, type StateMeta } from "../../src/kv/meta.ts";
import { ReadAhead, RowsMissingError } from "../../src/kv/read-ahead.ts";
import { type CurrentRecord, decodeRecord } from "../../src/kv/record.ts";
import type { Row, RowChange, RowReader, Scan } from "../../src/kv/row.ts";
import type { Trim } from "../../src/kv/trim.ts";
import { words } from "./model.ts";

export const origin = 7;

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(of: Uint8Array): string {
  return new TextDecoder().decode(of);
}

/** What a batch is applied with, but for its rows read ahead and its trim. */
export function options(limits: MachineLimits = machineLimits): Omit<BatchOptions, "readAhead" | "trim"> {
  return { origin, crc32, codec: { encode, decode }, limits, changesMax: 4096 };
}

/** Rows by the names of their keys. */
export class Rows implements RowReader {
  readonly rows: Map<string, { key: Uint8Array; value: Uint8Array }> = new Map();
  meta: StateMeta = emptyMeta;
  readonly limits: MachineLimits;

  constructor(limits: MachineLimits = machineLimits) {
    this.limits = limits;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.rows.get(keyName(key))?.value;
  }

  write(changes: readonly RowChange[]): void {
    for (const { key, value } of changes) {
      if (value === null) this.rows.delete(keyName(key));
      else this.rows.set(keyName(key), { key, value });
    }
  }

  /** Applies all of them, in as many batches as the machine makes of them; results, rows and marks are those of all. */
  apply(entries: readonly MachineEntry[], trim: Trim | null = null): Pick<AppliedBatch, "rows" | "results" | "marks"> {
    const rows: RowChange[] = [];
    const marks: StateMark[] = [];
    const results: OwnResult[] = [];
    const end = this.meta.appliedIndex + entries.length;
    let left = trim;
    do {
      const batch = this.#applyNext(entries.slice(entries.length - (end - this.meta.appliedIndex)), left);
      left = null;
      rows.push(...batch.rows);
      results.push(...batch.results);
      marks.push(...batch.marks);
    } while (this.meta.appliedIndex < end);
    return { rows, results, marks };
  }

  #applyNext(entries: readonly MachineEntry[], trim: Trim | null): AppliedBatch {
    const readAhead = new ReadAhead();
    for (;;) {
      try {
        const batch = applyBatch(this.meta, this, entries, { ...options(this.limits), readAhead, trim });
        this.write(batch.rows);
        this.meta = batch.meta;
        return batch;
      } catch (error) {
        if (!(error instanceof RowsMissingError)) throw error;
        const rows = this.scan(error.rest).slice(0, error.rowsMin);
        readAhead.add(error.scan, rows, rows.length < error.rowsMin);
      }
    }
  }

  /** All rows of the scan, in its order. */
  scan({ from, to, order }: Scan): Row[] {
    const found = [...this.rows.values()]
      .filter(({ key }) => compareBytes(key, from) >= 0 && compareBytes(key, to) < 0)
      .sort((one, other) => compareBytes(one.key, other.key));
    return order === "asc" ? found : found.reverse();
  }

  /** Current records by key, deleted ones included. */
  current(): Map<string, CurrentRecord> {
    const records = new Map<string, CurrentRecord>();
    for (const { key, value } of this.rows.values())
      if (key[0] === rowPrefixes.current)
        records.set(text(keyOfCurrent(key)), decodeRecord(keyOfCurrent(key), value, crc32));
    return records;
  }

  /** As `current`, by keys as strings of their bytes. */
  currentByWords(): [string, CurrentRecord][] {
    return [...this.rows.values()]
      .filter(({ key }) => key[0] === rowPrefixes.current)
      .map(({ key, value }) => [words(keyOfCurrent(key)), decodeRecord(keyOfCurrent(key), value, crc32)]);
  }

  historyRows(): { key: Uint8Array; value: Uint8Array }[] {
    return [...this.rows.entries()]
      .filter(([, row]) => row.key[0] === rowPrefixes.history)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([, row]) => row);
  }

  history(): Chunk[] {
    return this.historyRows().map(({ key, value }) => decodeChunk(key, value, crc32));
  }
}

const unconditional: Condition = { kind: "none" };
let sequence = 0;

export function command(operation: Operation, time = 0, term = 1): MachineEntry {
  const made: Command = { origin, sequence: ++sequence, operation };
  return { kind: "command", term, time, command: made };
}

export function put(key: string, value: string, condition: Condition = unconditional, time = 0): MachineEntry {
  return command({ kind: "put", key: bytes(key), value: bytes(value), leaseId: 0, condition }, time);
}

export function del(key: string, condition: Condition = unconditional, time = 0): MachineEntry {
  return command({ kind: "delete", key: bytes(key), condition }, time);
}

export function putAll(pairs: Readonly<Record<string, string>>, time = 0): MachineEntry {
  const operation: Operation = {
    kind: "putAll",
    pairs: Object.entries(pairs).map(([key, value]) => ({ key: bytes(key), value: bytes(value) })),
  };
  return command(operation, time);
}

export function compact(revision: number): MachineEntry {
  return command({ kind: "compact", revision });
}

/** A small generator with a seed (mulberry32): whole numbers in [0, below). */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
