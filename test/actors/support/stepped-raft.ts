/**
 * @module
 * One raft actor with its log actor on a disk that is memory; store, ingress and peers are the test. It starts at a
 * snapshot, in term 1, as one of three voters.
 */

import {
  createLogActor,
  type LogActor,
  type LogInput,
  logActorOptions,
  turn,
} from "../../../src/actors/log/log-actor.ts";
import type { RaftToStore } from "../../../src/actors/protocol/raft-store.ts";
import type { RaftActorEffects, RaftActorInput, SendSnapshot } from "../../../src/actors/raft/input.ts";
import { createRaftActor, type RaftActorState, startedCore } from "../../../src/actors/raft/state.ts";
import { turn as turnRaft } from "../../../src/actors/raft/turn.ts";
import type { Message } from "../../../src/raft/message.ts";
import type { RaftState } from "../../../src/raft/state.ts";
import type { SnapshotMetadata } from "../../../src/raft/types.ts";
import { LogStore } from "../../../src/storage/log/log-store.ts";
import { MemoryRows } from "../../../src/storage/log/memory-rows.ts";
import { configurationOf, noneCommitted } from "../../support/core-node.ts";
import { configOf } from "./stepped-cluster.ts";

export const configuration: SnapshotMetadata["configuration"] = configurationOf(["n1", "n2", "n3"]);

export function snapshotAt(lastIncludedIndex: number): SnapshotMetadata {
  return { lastIncludedIndex, lastIncludedTerm: 1, lastIncludedTime: 0, configuration };
}

export class SteppedRaft {
  readonly state: RaftActorState = createRaftActor(configOf("n1", false));
  readonly logStore: LogStore;
  /** All that was said so far. */
  readonly toStore: RaftToStore[] = [];
  readonly toPeers: Message[] = [];
  readonly sendSnapshots: SendSnapshot[] = [];
  /** As the board shows them. */
  appliedIndex = 0;
  stateAwaited = false;
  readonly #log: LogActor;
  #nowMs = 0;

  private constructor(logStore: LogStore, log: LogActor) {
    this.logStore = logStore;
    this.#log = log;
  }

  static async start(snapshot: SnapshotMetadata): Promise<SteppedRaft> {
    const rows = new MemoryRows();
    const before = new LogStore(rows);
    await before.open();
    const hardState = { currentTerm: 1, votedFor: null };
    await before.write([
      { kind: "append", firstIndex: 1, entries: [], hardState, term: 0, lastIndex: 0 },
      { kind: "reset", snapshot },
    ]);
    const logStore = new LogStore(rows);
    const { actor, effects } = createLogActor(await logStore.open(), logActorOptions);
    const raft = new SteppedRaft(logStore, actor);
    const { lastIncludedIndex: appliedIndex, lastIncludedTerm: appliedTerm } = snapshot;
    await raft.turn(...effects.replies.map((message) => ({ kind: "fromLog", message }) as const), {
      kind: "fromStore",
      message: { kind: "opened", appliedIndex, appliedTerm, configuration },
    });
    return raft;
  }

  get core(): RaftState {
    return startedCore(this.state);
  }

  hear(message: Message): Promise<void> {
    return this.turn({ kind: "fromPeer", message, entries: undefined });
  }

  /** One turn of those inputs, then as many as the log's answers need. */
  async turn(...inputs: readonly RaftActorInput[]): Promise<void> {
    let waiting = inputs;
    while (waiting.length > 0) {
      this.#nowMs += 1;
      const effects: RaftActorEffects = turnRaft(this.state, waiting, {
        nowMs: this.#nowMs,
        appliedIndex: this.appliedIndex,
        stateAwaited: this.stateAwaited,
      });
      this.toStore.push(...effects.toStore);
      this.toPeers.push(...effects.toPeers.map(({ message }) => message));
      this.sendSnapshots.push(...effects.sendSnapshots);
      waiting = await this.#write(effects);
    }
  }

  /** Lets time pass until something of that kind is said, and gives what is said of it from then on. */
  async untilSays<Kind extends Message["kind"]>(kind: Kind): Promise<Extract<Message, { kind: Kind }>> {
    this.toPeers.length = 0;
    for (let tick = 0; tick < 50; tick += 1) {
      await this.turn({ kind: "tick" });
      for (const message of this.toPeers) if (isOf(message, kind)) return message;
    }
    throw new Error(`in 50 ticks there was no ${kind}`);
  }

  /** Wins an election with the vote of n2. */
  async elect(): Promise<void> {
    const { term } = await this.untilSays("preVoteRequest");
    await this.hear({
      kind: "preVoteResponse",
      committed: noneCommitted,
      from: "n2",
      to: "n1",
      term,
      voteGranted: true,
    });
    await this.hear({
      kind: "requestVoteResponse",
      committed: noneCommitted,
      from: "n2",
      to: "n1",
      term,
      voteGranted: true,
    });
    if (this.core.role !== "leader") throw new Error("n1 was not elected");
  }

  async #write(effects: RaftActorEffects): Promise<RaftActorInput[]> {
    const answers: RaftActorInput[] = [];
    let inputs: LogInput[] = effects.toLog.map((message) => ({ kind: "received", message }));
    while (inputs.length > 0) {
      const { replies, write } = turn(this.#log, inputs);
      for (const message of replies) answers.push({ kind: "fromLog", message });
      inputs = write === null ? [] : [{ kind: "written", bytes: (await this.logStore.write(write)).bytes }];
    }
    return answers;
  }
}

function isOf<Kind extends Message["kind"]>(message: Message, kind: Kind): message is Extract<Message, { kind: Kind }> {
  return message.kind === kind;
}
