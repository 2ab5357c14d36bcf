/**
 * @module
 * A store stepped by hand: its rows in memory, each write done when the test says so.
 */

import type { RaftToStore } from "../../../src/actors/protocol/raft-store.ts";
import type { StoreToIngress } from "../../../src/actors/protocol/store-ingress.ts";
import type { ReadPiece } from "../../../src/actors/store/batch.ts";
import type { Generation, StoreEffects, StoreInput, StoreTask } from "../../../src/actors/store/input.ts";
import { createStore, type StoreState } from "../../../src/actors/store/state.ts";
import { turn } from "../../../src/actors/store/turn.ts";
import { decodeCommand, encodeCommand } from "../../../src/codec/command.ts";
import { encodeEntries } from "../../../src/codec/entries.ts";
import type { Operation } from "../../../src/kv/command.ts";
import { rangeOf, rowPrefixes } from "../../../src/kv/keys.ts";
import { emptyMeta } from "../../../src/kv/meta.ts";
import {
  type CommandEntry,
  type Configuration,
  type Entry,
  emptyConfiguration,
  type SnapshotMetadata,
} from "../../../src/raft/types.ts";
import { MemoryStateStorage } from "../../../src/storage/state/memory-state-storage.ts";

export const origin = 7;
export const configuration: Configuration = { ...emptyConfiguration, voters: ["n1"] };

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function put(
  index: number,
  key: string,
  value: string,
  of: { sequence?: number; term?: number; origin?: number } = {},
): CommandEntry {
  const operation: Operation = {
    kind: "put",
    key: bytes(key),
    value: bytes(value),
    leaseId: 0,
    condition: { kind: "none" },
  };
  const command = encodeCommand({ origin: of.origin ?? origin, sequence: of.sequence ?? index, operation });
  return { kind: "command", index, term: of.term ?? 1, time: index, command };
}

/** Any command of this process, stamped. */
export function command(operation: Operation, index: number, time: number = index, term = 1): CommandEntry {
  const encoded = encodeCommand({ origin, sequence: index, operation });
  return { kind: "command", index, term, time, command: encoded };
}

/** One command that puts so many keys. */
export function putAll(index: number, keys: number): CommandEntry {
  const pairs = Array.from({ length: keys }, (_, ordinal) => ({ key: bytes(`key ${ordinal}`), value: bytes("x") }));
  const command = encodeCommand({ origin, sequence: index, operation: { kind: "putAll", pairs } });
  return { kind: "command", index, term: 1, time: index, command };
}

export function configurationAt(index: number): Entry {
  return { kind: "configuration", index, term: 1, time: index, change: { steps: [], transition: "auto" } };
}

export function applyMessage(
  entries: readonly Entry[],
  configurations: readonly Configuration[] = [],
  awaited = true,
): RaftToStore {
  const firstIndex = entries[0]?.index ?? 0;
  return { kind: "apply", firstIndex, entries: encodeEntries(entries), configurations, awaited };
}

export function metadata(index: number, term = 1): SnapshotMetadata {
  return { lastIncludedIndex: index, lastIncludedTerm: term, lastIncludedTime: index, configuration };
}

export class Stepped {
  readonly storage: MemoryStateStorage = new MemoryStateStorage();
  readonly state: StoreState;
  /** What the last step wanted done. */
  effects: StoreEffects;
  /** What the store has proposed so far, in `settle`. */
  readonly proposed: Operation[] = [];
  /** What `settle` has not done yet. */
  #unsettled: StoreEffects[] = [];

  constructor(historyBytesMax = 1e9) {
    const generation: Generation = {
      generation: 1,
      path: "/state/1",
      reader: this.storage,
      meta: emptyMeta,
      configuration: emptyConfiguration,
    };
    const limits = { bytesMax: historyBytesMax, ageMax: 1e9, revisionsMin: 10 };
    this.state = createStore({ origin, limits, batchEntriesMax: 4 }, generation, 0);
    this.effects = turn(this.state, []);
  }

  step(...inputs: StoreInput[]): StoreEffects {
    this.effects = turn(this.state, inputs);
    this.#unsettled.push(this.effects);
    return this.effects;
  }

  raft(...messages: RaftToStore[]): StoreEffects {
    return this.step(...messages.map((message): StoreInput => ({ kind: "raft", message })));
  }

  /** Does the write under way, and says so. */
  async finishWrite(): Promise<StoreEffects> {
    const { writing } = this.state;
    if (writing === null) throw new Error("no write is under way");
    await this.storage.write(writing.rows);
    return this.step({ kind: "written" });
  }

  async readHistory(): Promise<StoreEffects> {
    const chunks = await this.storage.read({ ...rangeOf(rowPrefixes.history), rowsMax: 2, bytesMax: 1e9 });
    return this.step({ kind: "historyRead", chunks });
  }

  /** This node leads, and its core has told what time it is. */
  lead(time: number, term = 1): StoreEffects {
    return this.raft({ kind: "leading", leading: true, term }, { kind: "time", term, time });
  }

  /**
   * Does what the store wants done until it wants nothing more, as disk and raft would; what it proposes is committed
   * with this stamp. Gives all that it told ingress.
   */
  async settle({ time = 0, term = 1 }: { time?: number; term?: number } = {}): Promise<StoreToIngress[]> {
    const told: StoreToIngress[] = [];
    for (let effects = this.#unsettled.shift(); effects !== undefined; effects = this.#unsettled.shift()) {
      const { tasks, write, toRaft, toIngress } = effects;
      told.push(...toIngress);
      for (const task of tasks) await this.#perform(task);
      if (write !== null) await this.finishWrite();
      const proposed = toRaft.flatMap((message) => (message.kind === "storeProposal" ? [message.command] : []));
      this.proposed.push(...proposed.map((command) => decodeCommand(command).operation));
      const entries = proposed.map((command, place): Entry => {
        return { kind: "command", index: this.state.receivedIndex + 1 + place, term, time, command };
      });
      if (entries.length > 0) this.raft(applyMessage(entries));
    }
    return told;
  }

  async #perform(task: StoreTask): Promise<StoreEffects> {
    switch (task.kind) {
      case "readHistory":
        return this.readHistory();
      case "readRows": {
        const pieces: ReadPiece[] = [];
        for (const wanted of task.wanted) {
          // Few at a time, so that commands begin anew more than once.
          const rows = await this.storage.read({ ...wanted.rest, rowsMax: 3, bytesMax: 1e9 });
          pieces.push({ wanted, rows, complete: rows.length < 3 });
        }
        return this.step({ kind: "rowsRead", pieces });
      }
      case "readDue": {
        const { from, to } = rangeOf(rowPrefixes.due);
        const range = { from: task.from ?? from, to, rowsMax: task.rowsMax, bytesMax: 1e9 };
        return this.step({ kind: "dueRead", rows: await this.storage.read(range) });
      }
      case "reclaim":
        return this.effects;
      default:
        throw new Error(`${task.kind} is not done here`);
    }
  }
}
