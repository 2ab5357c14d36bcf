/**
 * @module
 * Moments of a state in memory and in LevelDB, and what they show in the words of the model.
 */

import { expect } from "chai";
import type { ChangePosition } from "../../../src/kv/keys.ts";
import type { MachineEntry } from "../../../src/kv/machine.ts";
import { emptyMeta, type StateMeta } from "../../../src/kv/meta.ts";
import type { Scan } from "../../../src/kv/row.ts";
import { type KeyChange, type KeyItem, type StateMoment } from "../../../src/kv/state-view.ts";
import type { KeyRange } from "../../../src/kv/transaction.ts";
import { LevelRowMoment } from "../../../src/storage/state/level-row-moment.ts";
import {
  LevelStateStorage,
  openStateDatabase,
  type StateDatabase,
} from "../../../src/storage/state/level-state-storage.ts";
import { MemoryStateStorage } from "../../../src/storage/state/memory-state-storage.ts";
import type { RowCursor, RowMoment, StateStorage } from "../../../src/storage/state/state-storage.ts";
import { Model, type ModelChange, type ModelRecord, words } from "../../kv/model.ts";
import { plain } from "../../kv/plain.ts";
import { apply, cleanUp, temporaryDirectory } from "./support.ts";

export interface Kept {
  readonly storage: StateStorage;
  readonly moment: () => RowMoment;
}

export const wanted = (): boolean => true;

/** Rows of a moment, and what was done to read them. */
export class CountedMoment implements RowMoment {
  cursorReads = 0;
  openCursors = 0;
  readonly #rows: RowMoment;

  constructor(rows: RowMoment) {
    this.#rows = rows;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#rows.get(key);
  }

  scan(scan: Scan): RowCursor {
    const cursor = this.#rows.scan(scan);
    this.openCursors++;
    return {
      next: (rowsMax) => {
        this.cursorReads++;
        return cursor.next(rowsMax);
      },
      close: () => {
        this.openCursors--;
        return cursor.close();
      },
    };
  }

  close(): Promise<void> {
    return this.#rows.close();
  }
}

/** LevelDB: one database for all runs of a property, emptied in between. */
export async function openLevel(): Promise<() => Promise<Kept>> {
  const path = await temporaryDirectory();
  const reader: StateDatabase = await openStateDatabase(path);
  const storage = await LevelStateStorage.open(path);
  cleanUp(async () => {
    await storage.close();
    await reader.close();
  });
  return async () => {
    const all = { from: new Uint8Array(0), to: Uint8Array.of(255), rowsMax: 1e6, bytesMax: 1e9 };
    await storage.write((await storage.read(all)).map(({ key }) => ({ key, value: null })));
    return { storage, moment: () => new LevelRowMoment(reader) };
  };
}

export async function openMemory(): Promise<() => Promise<Kept>> {
  return async () => {
    const storage = new MemoryStateStorage();
    return { storage, moment: () => storage.moment() };
  };
}

/** Applies the log, cut into batches of these sizes. */
export async function fill(
  storage: StateStorage,
  log: readonly MachineEntry[],
  sizes: readonly number[],
): Promise<StateMeta> {
  let meta = emptyMeta;
  for (let turn = 0; meta.appliedIndex < log.length; turn++) {
    const at = meta.appliedIndex;
    meta = (await apply(storage, meta, log.slice(at, at + (sizes[turn % sizes.length] ?? 1)))).meta;
  }
  return meta;
}

export function modelOf(log: readonly MachineEntry[]): Model {
  const model = new Model();
  for (const entry of log) model.apply(entry);
  return model;
}

export async function listed(
  moment: StateMoment,
  query: { range: KeyRange; order: "asc" | "desc"; revision: number; values: boolean },
): Promise<unknown> {
  const cursor = moment.range(query);
  const items: KeyItem[] = [];
  try {
    for (;;) {
      const step = await cursor.next({ rowsMax: 2, bytesMax: 100 });
      expect(step.items.length).to.be.at.most(2);
      items.push(...step.items);
      if (step.done) return plain(items);
    }
  } finally {
    await cursor.close();
  }
}

export function itemsOf(found: readonly (readonly [string, ModelRecord])[]): unknown {
  return found.map(([key, record]) => ({ key, ...record }));
}

export async function allChanges(
  moment: StateMoment,
  after: ChangePosition,
  ranges: KeyRange[] | null,
): Promise<KeyChange[]> {
  const changes: KeyChange[] = [];
  for (let position = after; ; ) {
    const read = await moment.changes({ after: position, ranges, bytesMax: 1 });
    changes.push(...read.changes);
    if (!read.more) return changes;
    const { through } = read;
    const hasMoved = through.revision > position.revision || through.ordinal > position.ordinal;
    expect(hasMoved).to.equal(true);
    position = through;
  }
}

export function changeOf({ revision, ordinal, key, record, previous }: KeyChange): ModelChange {
  return { revision, ordinal, key: words(key), record: recordOf(record), previous: recordOf(previous) };
}

export function recordOf(record: KeyChange["record"]): ModelRecord | null {
  if (record === null) return null;
  const { value, createRevision, modRevision, version, leaseId } = record;
  return { value: words(value), createRevision, modRevision, version, leaseId };
}
