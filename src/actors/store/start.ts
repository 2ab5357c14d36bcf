/**
 * @module
 * The store's thread: joins the turn to its edges, the board and the disk.
 */

import type { Board } from "../../actor/board.ts";
import { monotonicMs } from "../../actor/clock.ts";
import type { ActorContext, RunningActor, StartActor } from "../../actor/context.ts";
import type { Edge } from "../../actor/edge.ts";
import { Pump } from "../../actor/pump.ts";
import type { AppliedBatch } from "../../kv/machine.ts";
import type { StateMeta } from "../../kv/meta.ts";
import { historyAgeMax, historyRevisionsMin } from "../../kv/trim.ts";
import { IncomingSnapshot } from "../../storage/snapshot/incoming-snapshot.ts";
import { PoolJobs } from "../../storage/snapshot/jobs.ts";
import { SnapshotDirectory } from "../../storage/snapshot/snapshot-directory.ts";
import { StateGenerations } from "../../storage/state/state-generations.ts";
import type { StoreConfig } from "../protocol/config.ts";
import type { RaftToStore, StoreToRaft } from "../protocol/raft-store.ts";
import type { IngressToStore, StoreToIngress } from "../protocol/store-ingress.ts";
import { StoreDisk } from "./disk.ts";
import type { StoreEffects, StoreInput } from "./input.ts";
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
  const disk = new StoreDisk({ generations, snapshots, incoming: new IncomingSnapshot(snapshots, jobs), jobs }, opened);
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
  #writing: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(context: ActorContext<StoreConfig>, disk: StoreDisk, state: StoreState) {
    this.#context = context;
    this.#disk = disk;
    this.#state = state;
    this.#raft = context.edge("raft");
    this.#ingress = context.edge("ingress");
    this.#pump = new Pump((inputs) => this.#turn(inputs), { inputsPerTurnMax });
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
    const startedAt = performance.now();
    this.#perform(turn(this.#state, inputs), startedAt);
  }

  #perform(effects: StoreEffects, startedAt: number): void {
    const { board } = this.#context;
    if (effects.applied !== null) showApplied(board, effects.applied);
    if (effects.applying !== null) showApplying(board, effects.applying);
    if (effects.write !== null) this.#writing = this.#write(effects.write, startedAt);
    this.#raft.send(effects.toRaft);
    this.#ingress.send(effects.toIngress);
    // Read after `appliedIndex` was shown, and ingress looks there after it has shown that it waits: one of the two sees.
    if (effects.progress !== null && board.get("stateAwaited") === 1) this.#ingress.send([effects.progress]);
    for (const task of effects.tasks)
      this.#disk.run(task).then(
        (input) => {
          if (input === null) return;
          this.#tell(input);
          this.#pump.push(input);
        },
        (cause: unknown) => this.#fail(cause),
      );
  }

  async #write(batch: AppliedBatch, startedAt: number): Promise<void> {
    try {
      await this.#disk.write(batch.rows);
      this.#context.board.record("applyBatch", (performance.now() - startedAt) * 1000);
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

/** Before the batch is written. */
function showApplying(board: Board, meta: StateMeta): void {
  board.set("revisionApplying", meta.revision);
}

/**
 * Once the batch is readable. Readers take `compactedRevision` for a revision that they can see; and rows of deleted
 * keys go only with later batches, up to what it says by then (`RowStateView`).
 */
function showApplied(board: Board, meta: StateMeta): void {
  board.set("revisionApplied", meta.revision);
  board.set("compactedRevision", meta.compactedRevision);
  board.set("stateHash", meta.stateHash);
  board.set("historyBytes", meta.historyBytes);
  board.set("leases", meta.leases);
  board.set("sessions", meta.sessionsEnd - meta.sessionsFrom);
  board.set("sessionBytes", meta.sessionBytes);
  board.set("appliedAtUs", Math.round(monotonicMs() * 1000));
  board.set("appliedIndex", meta.appliedIndex);
}
