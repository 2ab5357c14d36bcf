/**
 * @module
 * One process of a simulated node: the four actors as production steps them, joined by simulated edges, over what
 * its machine has on disk.
 */

import { ingressDefaults } from "../../src/actors/ingress/limits.ts";
import { createIngress, type Ingress, type IngressInput } from "../../src/actors/ingress/turn.ts";
import type { RaftConfig } from "../../src/actors/protocol/config.ts";
import type { IngressToRaft, RaftToIngress } from "../../src/actors/protocol/ingress-raft.ts";
import type { LogToRaft, RaftToLog } from "../../src/actors/protocol/raft-log.ts";
import type { RaftToStore, StoreToRaft } from "../../src/actors/protocol/raft-store.ts";
import type { IngressToStore, StoreToIngress } from "../../src/actors/protocol/store-ingress.ts";
import type { RaftActorEffects, RaftActorInput } from "../../src/actors/raft/input.ts";
import { SnapshotTraffic } from "../../src/actors/raft/snapshot-traffic.ts";
import { createRaftActor, type RaftActorState } from "../../src/actors/raft/state.ts";
import { turn as turnRaft } from "../../src/actors/raft/turn.ts";
import type { Outcome } from "../../src/http/request.ts";
import { RowStateView } from "../../src/storage/state/level-state-view.ts";
import { LogPart } from "./log-part.ts";
import type { Machine } from "./machine.ts";
import { type Life, Mailbox, SimulatedEdge } from "./mailbox.ts";
import { momentOf } from "./moment.ts";
import type { Random } from "./random.ts";
import { StorePart } from "./store-part.ts";
import type { World } from "./world.ts";

/** What a process tells those who run and watch it. */
export interface Surroundings {
  beforeRaftTurn(process: SimulatedProcess, inputs: readonly RaftActorInput[]): void;
  afterRaftTurn(process: SimulatedProcess, effects: RaftActorEffects): void;
  /** Messages and snapshots that leave for other nodes. */
  carry(process: SimulatedProcess, effects: RaftActorEffects): void;
  answer(process: SimulatedProcess, requestId: number, outcome: Outcome): void;
  onApplied: StorePartListener<"onApplied">;
  onInstalled: StorePartListener<"onInstalled">;
  /** The process ends by itself: its disk has failed, or its code. */
  onFailed(process: SimulatedProcess, cause: unknown): void;
}

type StoreListeners = Pick<ConstructorParameters<typeof StorePart>[0], "onApplied" | "onInstalled">;
type StorePartListener<Name extends keyof StoreListeners> = (
  process: SimulatedProcess,
  ...said: Parameters<StoreListeners[Name]>
) => void;

export const actorNames = ["ingress", "raft", "log", "store"] as const;

/** A board cell shows what it held that many microseconds ago at most. */
const boardLagUsMax = 20_000;

export class SimulatedProcess implements Life {
  readonly id: string;
  readonly machine: Machine;
  /** Which of its machine's processes it is, from 1. */
  readonly number: number;
  isAlive = true;
  pausedUntil = 0;
  readonly raft: RaftActorState;
  readonly ingress: Ingress;
  readonly log: LogPart;
  readonly store: StorePart;
  readonly raftMailbox: Mailbox<RaftActorInput>;
  readonly ingressMailbox: Mailbox<IngressInput>;
  readonly snapshots: SnapshotTraffic;
  view: RowStateView | null = null;
  readonly #world: World;
  readonly #random: Random;
  readonly #surroundings: Surroundings;
  readonly #edges: {
    readonly toLog: SimulatedEdge<RaftToLog>;
    readonly toStore: SimulatedEdge<RaftToStore>;
    readonly toIngress: SimulatedEdge<RaftToIngress>;
    readonly fromLog: SimulatedEdge<LogToRaft>;
    readonly fromStore: SimulatedEdge<StoreToRaft>;
    readonly fromIngress: SimulatedEdge<IngressToRaft>;
    readonly storeToIngress: SimulatedEdge<StoreToIngress>;
    readonly ingressToStore: SimulatedEdge<IngressToStore>;
  };
  #seenApplied = { appliedIndex: 0, revision: 0, sinceUs: 0 };

  constructor(world: World, machine: Machine, config: RaftConfig, origin: number, surroundings: Surroundings) {
    this.#world = world;
    this.machine = machine;
    this.id = machine.id;
    this.number = machine.starts;
    this.#surroundings = surroundings;
    const random = world.random(`process of ${this.id}`);
    this.#random = random;
    this.raft = createRaftActor(config);
    this.ingress = createIngress({
      ...ingressDefaults,
      nodeId: this.id,
      origin,
      pendingRequestsMax: 1000,
      proposalsInFlightMax: world.swarm.proposalsInFlightMax,
      // There are few clients here: as few as two gather.
      gathering: { ...ingressDefaults.gathering, writersMin: 2 },
      leaseReads: world.swarm.leaseReads,
    });
    const fail = (cause: unknown): void => this.fail(cause);
    this.raftMailbox = new Mailbox(world, random, this, (inputs) => this.#turnRaft(inputs));
    this.ingressMailbox = new Mailbox(world, random, this, (inputs) => this.#turnIngress(inputs));
    const edges = this.#makeEdges(random);
    this.#edges = edges;
    this.log = new LogPart({
      world,
      life: this,
      identity: machine.identity,
      rows: machine.rows,
      slots: machine.slots,
      reply: (messages) => edges.fromLog.send(messages),
      fail,
    });
    this.store = new StorePart({
      world,
      life: this,
      nodeId: this.id,
      origin,
      disk: machine.disk,
      states: machine.states,
      nowMs: () => machine.nowMs(),
      toRaft: (messages) => edges.fromStore.send(messages),
      toIngress: (messages) => edges.storeToIngress.send(messages),
      onApplied: (meta) => surroundings.onApplied(this, meta),
      onInstalled: (meta, rows) => surroundings.onInstalled(this, meta, rows),
      fail,
    });
    this.snapshots = new SnapshotTraffic((message) => edges.toStore.send([message]));
  }

  start(): void {
    this.#world.touch();
    this.log.start().catch((cause: unknown) => this.fail(cause));
    this.store.start().catch((cause: unknown) => this.fail(cause));
    const { tickMs } = this.raft.config.options;
    this.#every(tickMs, this.raftMailbox);
    this.#every(2 * ingressDefaults.tickMs, this.ingressMailbox);
  }

  stall(actor: (typeof actorNames)[number], untilUs: number): void {
    const mailboxes = {
      ingress: this.ingressMailbox,
      raft: this.raftMailbox,
      log: this.log.mailbox,
      store: this.store.mailbox,
    };
    mailboxes[actor].stall(untilUs);
  }

  /** Ticks of an actor. They come once after a pause or a stall of its thread, however many times they were due. */
  #every(intervalMs: number, mailbox: Mailbox<RaftActorInput> | Mailbox<IngressInput>): void {
    const { schedule } = this.#world;
    const next = (): void => {
      const intervalUs = (intervalMs * 1000) / this.machine.clockRate;
      schedule.after(intervalUs + this.#random.below(1000), fire);
    };
    const fire = (): void => {
      if (!this.isAlive) return;
      if (mailbox.freeFrom > this.#world.now) return schedule.at(mailbox.freeFrom, fire);
      mailbox.push({ kind: "tick" });
      next();
    };
    schedule.after(this.#random.below(intervalMs * 1000), next);
  }

  #makeEdges(random: Random) {
    const world = this.#world;
    const edge = <Message>(deliver: (messages: readonly Message[]) => void): SimulatedEdge<Message> =>
      new SimulatedEdge(world, random, this, deliver);
    return {
      toLog: edge<RaftToLog>((messages) => {
        for (const message of messages) this.log.mailbox.push({ kind: "received", message });
      }),
      toStore: edge<RaftToStore>((messages) => this.store.fromRaft(messages)),
      toIngress: edge<RaftToIngress>((messages) => this.ingressMailbox.push({ kind: "raft", messages })),
      fromLog: edge<LogToRaft>((messages) => {
        for (const message of messages) this.raftMailbox.push({ kind: "fromLog", message });
      }),
      fromStore: edge<StoreToRaft>((messages) => this.#hearStore(messages)),
      fromIngress: edge<IngressToRaft>((messages) => {
        for (const message of messages) this.raftMailbox.push({ kind: "fromIngress", message });
      }),
      storeToIngress: edge<StoreToIngress>((messages) => this.ingressMailbox.push({ kind: "store", messages })),
      ingressToStore: edge<IngressToStore>((messages) => this.store.fromIngress(messages)),
    };
  }

  #hearStore(messages: readonly StoreToRaft[]): void {
    for (const message of messages) {
      if (message.kind === "snapshotChunk" || message.kind === "snapshotChunkStored") {
        this.#world.touch();
        this.snapshots.settle(message);
      } else {
        this.raftMailbox.push({ kind: "fromStore", message });
      }
    }
  }

  #turnRaft(inputs: readonly RaftActorInput[]): void {
    this.#surroundings.beforeRaftTurn(this, inputs);
    const { board } = this.store;
    const effects = turnRaft(this.raft, inputs, {
      nowMs: this.machine.nowMs(),
      appliedIndex: board.get("appliedIndex"),
      stateAwaited: board.get("stateAwaited") === 1,
    });
    this.#surroundings.afterRaftTurn(this, effects);
    this.#edges.toLog.send(effects.toLog);
    this.#surroundings.carry(this, effects);
    this.#edges.toStore.send(effects.toStore);
    this.#edges.toIngress.send(effects.toIngress);
  }

  #turnIngress(inputs: readonly IngressInput[]): void {
    const { appliedIndex, revision } = this.#seen();
    const effects = this.ingress.turn(inputs, { nowMs: this.machine.nowMs(), appliedIndex, revision });
    this.#showAwaiting(appliedIndex);
    this.#edges.fromIngress.send(effects.toRaft);
    this.#edges.ingressToStore.send(effects.toStore);
    for (const { requestId, outcome } of effects.answers) this.#surroundings.answer(this, requestId, outcome);
    if (effects.openView !== null) this.#openView(effects.openView.generation);
    this.#wakeIngressAt(this.ingress.wakeAtMs);
  }

  #wakeIngressAt(wakeAtMs: number): void {
    if (wakeAtMs === 0) return;
    const waitUs = Math.max(1, Math.ceil((wakeAtMs - this.machine.nowMs()) * 1000));
    this.#world.schedule.after(waitUs, () => {
      if (this.isAlive && this.ingress.wakeAtMs === wakeAtMs) this.ingressMailbox.push({ kind: "woken" });
    });
  }

  /** As the thread of ingress does it. */
  #showAwaiting(seenIndex: number): void {
    const { awaitsState } = this.ingress;
    const { board } = this.store;
    if (awaitsState === (board.get("stateAwaited") === 1)) return;
    board.set("stateAwaited", awaitsState ? 1 : 0);
    if (awaitsState && board.get("appliedIndex") > seenIndex) this.ingressMailbox.push({ kind: "stateMoved" });
  }

  /** The board's cells, which may be seen late, but never go back. */
  #seen(): { readonly appliedIndex: number; readonly revision: number } {
    const { board } = this.store;
    const world = this.#world;
    const isFresh = world.now - this.#seenApplied.sinceUs > boardLagUsMax || !world.hits("lateBoard");
    if (isFresh) {
      const [appliedIndex, revision] = [board.get("appliedIndex"), board.get("revisionApplied")];
      this.#seenApplied = { appliedIndex, revision, sinceUs: world.now };
    }
    return this.#seenApplied;
  }

  #openView(generation: number): void {
    this.#world.schedule.after(50 + this.#random.below(500), () => {
      if (!this.isAlive) return;
      const rows = this.store.rows(generation);
      const { board } = this.store;
      this.view = new RowStateView(
        (key) => rows.get(key),
        board,
        () => Promise.resolve(),
        () => momentOf(rows),
      );
      this.ingressMailbox.push({ kind: "viewOpened", generation });
    });
  }

  fail(cause: unknown): void {
    if (this.isAlive) this.#surroundings.onFailed(this, cause);
  }
}
