/**
 * @module
 * The store actor of a simulated process: production's turn and state machine, over simulated generations.
 */

import { Board, createBoardMemory } from "../../src/actor/board.ts";
import type { RaftToStore, StoreToRaft } from "../../src/actors/protocol/raft-store.ts";
import type { IngressToStore, StoreToIngress } from "../../src/actors/protocol/store-ingress.ts";
import { carryOut, type StoreHands } from "../../src/actors/store/carry-out.ts";
import type { Generation, StoreInput, StoreTask } from "../../src/actors/store/input.ts";
import { createStore, type StoreState } from "../../src/actors/store/state.ts";
import { turn } from "../../src/actors/store/turn.ts";
import { historyKey, rangeOf, rowPrefixes } from "../../src/kv/keys.ts";
import type { AppliedBatch } from "../../src/kv/machine.ts";
import type { StateMeta } from "../../src/kv/meta.ts";
import type { SnapshotMetadata } from "../../src/raft/types.ts";
import type { DiskUse, SimulatedDisk } from "./disk.ts";
import { type Life, Mailbox } from "./mailbox.ts";
import type { Random } from "./random.ts";
import type { OpenedState, StateDisk, StateRows } from "./state-disk.ts";
import type { World } from "./world.ts";

const historyAgeMax = 3_600_000;
const historyRevisionsMin = 20;
const trimRowsMax = 4;
/** Of the writes, those after which LevelDB has moved all to tables. */
const flushShare = 0.02;
/** What making a state from a snapshot takes, from and to. */
const buildUs = [50, 300_000] as const;

export interface StorePartOptions {
  readonly world: World;
  readonly life: Life;
  readonly nodeId: string;
  readonly origin: number;
  readonly disk: SimulatedDisk;
  readonly states: StateDisk;
  readonly nowMs: () => number;
  readonly toRaft: (messages: readonly StoreToRaft[]) => void;
  readonly toIngress: (messages: readonly StoreToIngress[]) => void;
  readonly onApplied: (meta: StateMeta) => void;
  readonly onInstalled: (meta: StateMeta, rows: StateRows) => void;
  readonly fail: (cause: unknown) => void;
}

export class StorePart {
  readonly mailbox: Mailbox<StoreInput>;
  readonly #options: StorePartOptions;
  readonly #random: Random;
  #state: StoreState | null = null;
  #rows: StateRows | null = null;
  readonly #hands: StoreHands;
  readonly board: Board = new Board(createBoardMemory());

  constructor(options: StorePartOptions) {
    this.#options = options;
    this.#random = options.world.random(`store of ${options.nodeId}`);
    this.mailbox = new Mailbox(options.world, this.#random, options.life, (inputs) => this.#turn(inputs));
    this.#hands = {
      board: this.board,
      nowMs: options.nowMs,
      write: (batch) => this.#write(batch),
      toRaft: options.toRaft,
      toIngress: options.toIngress,
      begin: (task) => this.#begin(task),
    };
  }

  async start(): Promise<void> {
    const { states, life, world, origin } = this.#options;
    const opened = await states.open();
    if (!life.isAlive) return;
    const { swarm } = world;
    const limits = { bytesMax: swarm.historyBytesMax, ageMax: historyAgeMax, revisionsMin: historyRevisionsMin };
    const options = { origin, limits, batchEntriesMax: swarm.batchEntriesMax };
    this.#rows = opened.rows;
    this.#state = createStore(options, generationOf(opened), states.newestIndex());
    this.#turn([]);
  }

  get meta(): StateMeta | null {
    return this.#state?.meta ?? null;
  }

  rows(generation: number): StateRows {
    return this.#options.states.rows(generation);
  }

  fromRaft(messages: readonly RaftToStore[]): void {
    for (const message of messages) this.mailbox.push({ kind: "raft", message });
  }

  fromIngress(messages: readonly IngressToStore[]): void {
    for (const message of messages) this.mailbox.push({ kind: "ingress", message });
  }

  #turn(inputs: readonly StoreInput[]): void {
    if (this.#state === null) throw new Error("the state is open before it is asked");
    const effects = turn(this.#state, inputs);
    carryOut(effects, this.#hands);
    if (effects.applied !== null) this.#options.onApplied(effects.applied);
  }

  #write({ meta, rows: changes }: AppliedBatch): void {
    const rows = this.current();
    if (meta.historyFrom > (this.#state?.meta.historyFrom ?? 0)) {
      this.#options.world.coverage.sometimes("history was trimmed");
    }
    this.#later("writes", () => {
      rows.put(changes, false);
      if (this.#random.chance(flushShare)) rows.flush();
      return { kind: "written" };
    });
  }

  #begin(task: StoreTask): void {
    const { states, world } = this.#options;
    switch (task.kind) {
      case "readHistory": {
        const { to } = rangeOf(rowPrefixes.history);
        const from = historyKey({ revision: task.fromRevision, ordinal: 0 });
        const chunks = this.current().rows(from, to, trimRowsMax);
        return this.#later("reads", () => ({ kind: "historyRead", chunks }));
      }
      case "readRows":
        return this.#readRows(task.wanted);
      case "readDue": {
        const due = rangeOf(rowPrefixes.due);
        const rows = this.current().rows(task.from ?? due.from, due.to, task.rowsMax);
        return this.#later("reads", () => ({ kind: "dueRead", rows }));
      }
      case "makeSnapshot": {
        const { metadata, bytes } = states.imageOf(this.current());
        return this.#later("writes", () => {
          states.adopt(metadata, bytes);
          world.coverage.sometimes("a snapshot was taken");
          return { kind: "snapshotMade", snapshot: metadata, bytes: bytes.byteLength };
        });
      }
      case "readChunk":
        return this.#readChunk(task.message);
      case "storeChunk": {
        const { message } = task;
        const { from, last, snapshot } = message;
        return this.#later("writes", () => {
          const { offset, accepted } = states.storeChunk(message);
          const { lastIncludedIndex } = snapshot;
          return {
            kind: "chunkStored",
            verdict: { kind: "snapshotChunkStored", from, lastIncludedIndex, offset, last, accepted },
          };
        });
      }
      case "build":
        return this.#build(task.snapshot);
      case "keepSnapshot":
      case "reclaim":
        return;
      case "retire":
        return states.retire(task.kept);
    }
  }

  /** A large state takes long: meanwhile the node goes on, or crashes. */
  #build(snapshot: SnapshotMetadata): void {
    const { states, life, world, onInstalled } = this.#options;
    world.schedule.after(this.#random.logUniform(...buildUs), () => {
      if (!life.isAlive) return;
      this.#later("writes", () => {
        const opened = states.build(snapshot);
        this.#rows = opened.rows;
        onInstalled(opened.meta, opened.rows);
        return { kind: "built", generation: generationOf(opened) };
      });
    });
  }

  #readRows(wanted: Extract<StoreTask, { kind: "readRows" }>["wanted"]): void {
    const pieces = wanted.map((each) => {
      const all = this.current().rows(each.rest.from, each.rest.to);
      const rows = (each.rest.order === "desc" ? all.toReversed() : all).slice(0, each.rowsMin);
      return { wanted: each, rows, complete: rows.length === all.length };
    });
    this.#later("reads", () => ({ kind: "rowsRead", pieces }));
  }

  #readChunk(message: Extract<RaftToStore, { kind: "readSnapshotChunk" }>): void {
    const { to, lastIncludedIndex, lastIncludedTerm, offset } = message;
    const id = { index: lastIncludedIndex, term: lastIncludedTerm };
    const bytesMax = Math.min(message.bytesMax, this.#options.world.swarm.chunkBytesMax);
    this.#later("reads", () => {
      const chunk = this.#options.states.readChunk(id, offset, bytesMax);
      const { bytes, last } = chunk ?? { bytes: new Uint8Array(0), last: false };
      return {
        kind: "chunkRead",
        chunk: { kind: "snapshotChunk", to, lastIncludedIndex, offset, bytes, last, found: chunk !== null },
      };
    });
  }

  /** Once the disk has done it; what it gives is an input of a later turn. */
  #later(use: DiskUse, finish: () => StoreInput): void {
    const { disk, fail } = this.#options;
    disk.run(
      use,
      () => {
        let input: StoreInput;
        try {
          input = finish();
        } catch (cause) {
          return fail(cause);
        }
        this.mailbox.push(input);
      },
      fail,
    );
  }

  /** The generation that is written to. */
  current(): StateRows {
    if (this.#rows === null) throw new Error("the state is open before it is asked");
    return this.#rows;
  }
}

function generationOf({ generation, rows, meta, configuration }: OpenedState): Generation {
  return { generation, path: `generation ${generation}`, reader: rows, meta, configuration };
}
