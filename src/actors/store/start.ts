/**
 * @module
 * The store's thread: joins the turn to its edges, the board and the disk.
 */

import { monotonicMs } from "../../actor/clock.ts";
import type { ActorContext, RunningActor, StartActor } from "../../actor/context.ts";
import type { Edge } from "../../actor/edge.ts";
import { Pump } from "../../actor/pump.ts";
import type { AppliedBatch } from "../../kv/machine.ts";
import { historyAgeMax, historyRevisionsMin } from "../../kv/trim.ts";
import { IncomingSnapshot } from "../../storage/snapshot/incoming-snapshot.ts";
import { PoolJobs } from "../../storage/snapshot/jobs.ts";
import { SnapshotDirectory } from "../../storage/snapshot/snapshot-directory.ts";
import { StateGenerations } from "../../storage/state/state-generations.ts";
import type { StoreConfig } from "../protocol/config.ts";
import type { RaftToStore, StoreToRaft } from "../protocol/raft-store.ts";
import type { IngressToStore, StoreToIngress } from "../protocol/store-ingress.ts";
import { carryOut, type StoreHands } from "./carry-out.ts";
import { StoreDisk } from "./disk.ts";
import type { StoreInput, StoreTask } from "./input.ts";
import { createStore, type StoreState } from "./state.ts";
import { turn } from "./turn.ts";

const batchEntriesMax = 512;
const inputsPerTurnMax = 256;

export const startStore: StartActor<StoreConfig> = async (context) => {
  const { config } = context;
  const jobs = new PoolJobs();
  const snapshots = await SnapshotDirectory.open(config.snapshotDirectory);
  const generations = new StateGenerations(config.stateDirectory, snapshots, context.supervisor, jobs);
  const opened = await generations.open();
  for (const warning of opened.warnings) context.supervisor.log("warn", warning, { node: config.identity.nodeId });
  const incoming = new IncomingSnapshot(snapshots, jobs);
  const disk = new StoreDisk({ generations, snapshots, incoming, jobs, fail: (cause) => context.fail(cause) }, opened);
  const limits = {
    bytesMax: config.historyBytesMax,
    ageMax: historyAgeMax,
    revisionsMin: historyRevisionsMin,
  };
  const [newest] = await snapshots.list();
  const options = { origin: config.origin, limits, batchEntriesMax };
  return new RunningStore(context, disk, createStore(options, disk.current(), newest?.index ?? 0));
};

class RunningStore implements RunningActor {
  readonly #context: ActorContext<StoreConfig>;
  readonly #disk: StoreDisk;
  readonly #state: StoreState;
  readonly #raft: Edge<RaftToStore, StoreToRaft>;
  readonly #ingress: Edge<IngressToStore, StoreToIngress>;
  readonly #pump: Pump<StoreInput>;
  readonly #hands: StoreHands;
  #turnBeganMs = 0;
  #writing: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(context: ActorContext<StoreConfig>, disk: StoreDisk, state: StoreState) {
    this.#context = context;
    this.#disk = disk;
    this.#state = state;
    this.#raft = context.edge("raft");
    this.#ingress = context.edge("ingress");
    this.#pump = new Pump((inputs) => this.#turn(inputs), { inputsPerTurnMax });
    this.#hands = {
      board: context.board,
      nowMs: monotonicMs,
      write: (batch) => {
        this.#writing = this.#write(batch);
      },
      toRaft: (messages) => this.#raft.send(messages),
      toIngress: (messages) => this.#ingress.send(messages),
      begin: (task) => this.#begin(task),
    };
    this.#turn([]);
    this.#raft.onMessages((messages) => {
      for (const message of messages) this.#pump.push({ kind: "raft", message });
    });
    this.#ingress.onMessages((messages) => {
      for (const message of messages) this.#pump.push({ kind: "ingress", message });
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#pump.stop();
    this.#raft.close();
    this.#ingress.close();
    await this.#writing;
    await this.#disk.close();
  }

  #turn(inputs: readonly StoreInput[]): void {
    this.#turnBeganMs = performance.now();
    carryOut(turn(this.#state, inputs), this.#hands);
  }

  #begin(task: StoreTask): void {
    this.#disk.run(task).then(
      (input) => {
        if (input === null) return;
        this.#tell(input);
        this.#pump.push(input);
      },
      (cause: unknown) => this.#fail(cause),
    );
  }

  async #write(batch: AppliedBatch): Promise<void> {
    const turnBeganMs = this.#turnBeganMs;
    try {
      await this.#disk.write(batch.rows);
      this.#context.board.record("applyBatch", (performance.now() - turnBeganMs) * 1000);
      this.#pump.push({ kind: "written" });
    } catch (cause) {
      this.#fail(cause);
    }
  }

  /** Snapshots are the heaviest thing that a store does: who looks at a graph wants to know when. */
  #tell(input: StoreInput): void {
    const { supervisor } = this.#context;
    if (input.kind === "snapshotMade" && input.snapshot !== null) {
      const { lastIncludedIndex, lastIncludedTerm } = input.snapshot;
      const { bytes } = input;
      supervisor.log("info", `a snapshot was made up to index ${lastIncludedIndex} of term ${lastIncludedTerm}`, {
        bytes,
      });
    } else if (input.kind === "built") {
      const { appliedIndex, appliedTerm } = input.generation.meta;
      supervisor.log("info", `the leader's snapshot up to index ${appliedIndex} of term ${appliedTerm} is installed`);
    }
  }

  #fail(cause: unknown): void {
    if (!this.#stopping) this.#context.fail(cause);
  }
}
