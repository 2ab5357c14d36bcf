/**
 * @module
 * Directories that go away, main's part of keeping LevelDB open, and a state that is applied to.
 */

import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterEach } from "mocha";
import { decode, encode } from "../../../src/codec/codec.ts";
import type { Command } from "../../../src/kv/command.ts";
import { machineLimits } from "../../../src/kv/limits.ts";
import { type AppliedBatch, applyBatch, type BatchOptions, type MachineEntry } from "../../../src/kv/machine.ts";
import type { StateMeta } from "../../../src/kv/meta.ts";
import { ReadAhead, RowsMissingError } from "../../../src/kv/read-ahead.ts";
import { type Configuration, emptyConfiguration, type SnapshotMetadata } from "../../../src/raft/types.ts";
import { openStateDatabase, type StateDatabase } from "../../../src/storage/state/level-state-storage.ts";
import type { StateKeeper } from "../../../src/storage/state/state-generations.ts";
import type { StateStorage } from "../../../src/storage/state/state-storage.ts";

export const origin = 7;

const cleanups: (() => Promise<unknown>)[] = [];

/** Runs after the test, the last one first. */
export function cleanUp(work: () => Promise<unknown>): void {
  cleanups.push(work);
}

/** Call inside a `describe` whose tests use what is cleaned up. */
export function cleansUp(): void {
  afterEach(async () => {
    for (let work = cleanups.pop(); work !== undefined; work = cleanups.pop()) await work();
  });
}

/** A real path under the system's temporary directory, removed after the test. */
export async function temporaryDirectory(): Promise<string> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "balsa-state-")));
  cleanUp(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Holds the first handle of each path, as main does. */
export class TestKeeper implements StateKeeper {
  readonly #kept: Map<string, StateDatabase> = new Map();

  constructor() {
    cleanUp(async () => {
      for (const database of this.#kept.values()) await database.close();
    });
  }

  get paths(): string[] {
    return [...this.#kept.keys()];
  }

  async keep(path: string): Promise<void> {
    this.#kept.set(path, await openStateDatabase(path));
  }

  async release(path: string): Promise<void> {
    await this.#kept.get(path)?.close();
    this.#kept.delete(path);
  }
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

let sequence = 0;

export function put(key: string, value: string): MachineEntry {
  const operation = {
    kind: "put",
    key: bytes(key),
    value: bytes(value),
    leaseId: 0,
    condition: { kind: "none" },
  } as const;
  const command: Command = { origin, sequence: ++sequence, operation };
  return { kind: "command", term: 1, time: 5, command };
}

export function del(key: string): MachineEntry {
  const operation = { kind: "delete", key: bytes(key), condition: { kind: "none" } } as const;
  return { kind: "command", term: 1, time: 5, command: { origin, sequence: ++sequence, operation } };
}

export const configuration: Configuration = { ...emptyConfiguration, voters: ["n1", "n2"] };

export function configurationEntry(): MachineEntry {
  return { kind: "configuration", term: 1, time: 5, configuration: encode(configuration) };
}

/** Applies one batch; it may end before the last of many entries. */
export async function apply(
  storage: StateStorage,
  meta: StateMeta,
  entries: readonly MachineEntry[],
): Promise<AppliedBatch> {
  const readAhead = new ReadAhead();
  for (;;) {
    try {
      const batch = applyBatch(meta, storage, entries, { ...batchOptions, readAhead });
      await storage.write(batch.rows);
      return batch;
    } catch (error) {
      if (!(error instanceof RowsMissingError)) throw error;
      const rows = await storage.read({ ...error.rest, rowsMax: error.rowsMin, bytesMax: Number.POSITIVE_INFINITY });
      readAhead.add(error.scan, rows, rows.length < error.rowsMin);
    }
  }
}

export const batchOptions: Omit<BatchOptions, "readAhead"> = {
  origin,
  crc32,
  codec: { encode, decode },
  limits: machineLimits,
  changesMax: 4096,
  trim: null,
};

export function metadataOf(meta: StateMeta): SnapshotMetadata {
  return {
    lastIncludedIndex: meta.appliedIndex,
    lastIncludedTerm: meta.appliedTerm,
    lastIncludedTime: meta.time,
    configuration,
  };
}
