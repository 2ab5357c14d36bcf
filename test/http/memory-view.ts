/**
 * @module
 * A state in memory that commands are applied to by the real machine, at once, as the store would.
 */

import { crc32 } from "node:zlib";
import { decode, encode } from "../../src/codec/codec.ts";
import type { Command } from "../../src/kv/command.ts";
import { machineLimits } from "../../src/kv/limits.ts";
import { type AppliedBatch, applyBatch, type MachineEntry } from "../../src/kv/machine.ts";
import { emptyMeta, type StateMeta } from "../../src/kv/meta.ts";
import { ReadAhead, RowsMissingError } from "../../src/kv/read-ahead.ts";
import type { Result } from "../../src/kv/result.ts";
import { type KeyRead, MomentClosedError, type StateMoment, type StateView } from "../../src/kv/state-view.ts";
import { RowStateView } from "../../src/storage/state/level-state-view.ts";
import { MemoryStateStorage } from "../../src/storage/state/memory-state-storage.ts";
import type { RowMoment } from "../../src/storage/state/state-storage.ts";

export interface Applied {
  readonly revision: number;
  readonly result: Result;
}

export class MemoryView implements StateView {
  readonly #storage = new MemoryStateStorage();
  readonly #cells = { revisionApplied: 0, compactedRevision: 0 };
  readonly #view: RowStateView;
  #meta: StateMeta = emptyMeta;
  /** Set by a test: the next read finds a record that does not verify. */
  broken: Error | undefined = undefined;
  /** Set by a test: so many scans find that their state was replaced. */
  replacedScans = 0;
  #generation = 0;
  /** Cluster time of the commands applied from now on. */
  timeMs = 1_000_000;
  limits: typeof machineLimits = machineLimits;
  /** Moments that were not closed yet. */
  openMoments = 0;

  constructor() {
    this.#view = new RowStateView(
      (rowKey) => this.#storage.get(rowKey),
      { get: (cell) => this.#cells[cell] },
      () => Promise.resolve(),
      () => this.#openMoment(),
    );
  }

  read(key: Uint8Array): KeyRead {
    if (this.broken !== undefined) throw this.broken;
    return this.#view.read(key);
  }

  revision(): number {
    return this.#view.revision();
  }

  moment(): StateMoment {
    if (this.broken !== undefined) throw this.broken;
    return this.#view.moment();
  }

  close(): Promise<void> {
    return this.#view.close();
  }

  /** Scans that are open find that their state was replaced. */
  cutScans(): void {
    this.#generation++;
  }

  apply(command: Command): Applied {
    const entry: MachineEntry = { kind: "command", term: 1, time: this.timeMs, command };
    const { rows, meta, results } = this.#execute(entry);
    void this.#storage.write(rows);
    this.#meta = meta;
    this.#cells.compactedRevision = meta.compactedRevision;
    this.#cells.revisionApplied = meta.revision;
    const own = results[0];
    if (own === undefined) throw new Error("a command has a result");
    return { revision: own.revision, result: own.result };
  }

  #execute(entry: MachineEntry & { readonly kind: "command" }): AppliedBatch {
    const readAhead = new ReadAhead();
    const codec = { encode, decode };
    const origin = entry.command.origin;
    const bounds = { limits: this.limits, changesMax: 1, trim: null };
    for (;;) {
      try {
        return applyBatch(this.#meta, this.#storage, [entry], { origin, crc32, codec, readAhead, ...bounds });
      } catch (error) {
        if (!(error instanceof RowsMissingError)) throw error;
        const { from, to, order } = error.rest;
        const rows = this.#storage.rows(from, to);
        readAhead.add(error.scan, order === "asc" ? rows : [...rows].reverse(), true);
      }
    }
  }

  #openMoment(): RowMoment {
    const moment = this.#storage.moment();
    this.openMoments++;
    return {
      get: (key) => moment.get(key),
      scan: (scan) => {
        if (this.replacedScans > 0) {
          this.replacedScans--;
          throw new MomentClosedError();
        }
        const generation = this.#generation;
        const cursor = moment.scan(scan);
        return {
          next: async (rowsMax) => {
            if (generation !== this.#generation) throw new MomentClosedError();
            return cursor.next(rowsMax);
          },
          close: () => cursor.close(),
        };
      },
      close: async () => {
        this.openMoments--;
        await moment.close();
      },
    };
  }
}
