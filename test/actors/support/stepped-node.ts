/**
 * @module
 * A whole node without threads, sockets or time: the four actors' own turns, over edges that are arrays and a
 * disk that is memory. What crosses an edge is encoded and decoded, as between threads.
 */

import { crc32 } from "node:zlib";
import { ingressDefaults } from "../../../src/actors/ingress/limits.ts";
import { createIngress, type Ingress, type IngressInput } from "../../../src/actors/ingress/turn.ts";
import {
  createLogActor,
  type LogActor,
  type LogInput,
  logActorOptions,
  turn as turnLog,
} from "../../../src/actors/log/log-actor.ts";
import type { RaftConfig } from "../../../src/actors/protocol/config.ts";
import type { StateMismatch } from "../../../src/actors/protocol/ingress-raft.ts";
import type { Comparison } from "../../../src/actors/raft/comparison-state.ts";
import type { RaftActorEffects, RaftActorInput } from "../../../src/actors/raft/input.ts";
import { createRaftActor, type RaftActorState } from "../../../src/actors/raft/state.ts";
import { turn as turnRaft } from "../../../src/actors/raft/turn.ts";
import type { StoreInput } from "../../../src/actors/store/input.ts";
import { createStore, type StoreState } from "../../../src/actors/store/state.ts";
import { turn as turnStore } from "../../../src/actors/store/turn.ts";
import { decode, encode } from "../../../src/codec/codec.ts";
import type { IngressRequest, Outcome } from "../../../src/http/request.ts";
import { currentKey } from "../../../src/kv/keys.ts";
import { emptyMeta, type StateMeta } from "../../../src/kv/meta.ts";
import { encodeValue } from "../../../src/kv/record.ts";
import { emptyConfiguration } from "../../../src/raft/types.ts";
import { LogStore } from "../../../src/storage/log/log-store.ts";
import type { MemoryRows } from "../../../src/storage/log/memory-rows.ts";
import { RowStateView } from "../../../src/storage/state/level-state-view.ts";
import { MemoryStateStorage } from "../../../src/storage/state/memory-state-storage.ts";
import type { PeerMessage } from "../../../src/transport/message-parser.ts";

const endless = Number.POSITIVE_INFINITY;

/** A message between two nodes, in flight. */
export interface InFlight {
  readonly from: string;
  readonly to: string;
  readonly message: PeerMessage;
}

/** What outlives a crash: the rows of the log. The state is rebuilt from it, as after a lost disk cache. */
export interface Disk {
  readonly log: MemoryRows;
}

export class SteppedNode {
  readonly id: string;
  /** What this node has sent and the network has not taken. */
  readonly sent: InFlight[] = [];
  /** By request id. */
  readonly answers: Map<number, Outcome> = new Map();
  readonly #raft: RaftActorState;
  readonly #log: LogActor;
  readonly #logStore: LogStore;
  readonly #store: StoreState;
  readonly #storage: MemoryStateStorage;
  readonly #ingress: Ingress;
  readonly #view: RowStateView;
  readonly #mailboxes: { raft: RaftActorInput[]; log: LogInput[]; store: StoreInput[]; ingress: IngressInput[] };
  #nowMs = 0;
  #lastRequestId = 0;

  private constructor(config: RaftConfig, logStore: LogStore, opened: ReturnType<typeof createLogActor>) {
    this.id = config.identity.nodeId;
    this.#raft = createRaftActor(config);
    this.#log = opened.actor;
    this.#logStore = logStore;
    this.#storage = new MemoryStateStorage();
    const origin = Number.parseInt(this.id.slice(1), 10);
    const limits = { bytesMax: 1 << 20, ageMax: 3_600_000, revisionsMin: 100 };
    const generation = {
      generation: 1,
      path: "memory",
      reader: this.#storage,
      meta: emptyMeta,
      configuration: emptyConfiguration,
    };
    this.#store = createStore({ origin, limits, batchEntriesMax: 64 }, generation, 0);
    this.#ingress = createIngress({
      ...ingressDefaults,
      nodeId: this.id,
      origin,
      pendingRequestsMax: 1_000,
      proposalsInFlightMax: 100,
      leaseReads: config.options.voteHoldMs > 0,
    });
    const meta = (): StoreState["meta"] => this.#store.meta;
    this.#view = new RowStateView(
      (key) => this.#storage.get(key),
      { get: (cell) => (cell === "revisionApplied" ? meta().revision : meta().compactedRevision) },
      async () => undefined,
      () => this.#storage.moment(),
    );
    this.#mailboxes = { raft: [], log: [], store: [], ingress: [] };
    for (const message of opened.effects.replies) this.#mailboxes.raft.push({ kind: "fromLog", message });
  }

  static async start(config: RaftConfig, disk: Disk): Promise<SteppedNode> {
    const logStore = new LogStore(disk.log);
    const node = new SteppedNode(config, logStore, createLogActor(await logStore.open(), logActorOptions));
    await node.#stepStore();
    return node;
  }

  get role(): string {
    return this.#raft.shown?.role ?? "follower";
  }

  get meta(): StateMeta {
    return this.#store.meta;
  }

  /** Cluster time by which its store ends leases, while it leads. */
  get timeTold(): number {
    return this.#store.expiry.now;
  }

  get comparison(): Comparison {
    return this.#raft.comparison;
  }

  /** As `/status` shows them. */
  get alarms(): readonly StateMismatch[] {
    return this.#ingress.standing.alarms;
  }

  /** What no command does: from now on the record of a key here has another value, and a checksum that fits it. */
  alter(key: string, value: string): void {
    const [name, bytes] = [new TextEncoder().encode(key), new TextEncoder().encode(value)];
    const { record } = this.#view.read(name);
    if (record === undefined) throw new RangeError(`${this.id} has no ${key}`);
    const { row } = encodeValue(name, { ...record, value: bytes }, crc32);
    void this.#storage.write([{ key: currentKey(name), value: row }]);
  }

  /** Gives the id under which the answer will stand in `answers`. */
  ask(request: IngressRequest): number {
    const requestId = ++this.#lastRequestId;
    this.#mailboxes.ingress.push({ kind: "request", requestId, request, deadlineMs: endless });
    return requestId;
  }

  read(key: string): string | undefined {
    const { record } = this.#view.read(new TextEncoder().encode(key));
    return record === undefined ? undefined : new TextDecoder().decode(record.value);
  }

  tick(milliseconds: number): void {
    this.#nowMs += milliseconds;
    this.#mailboxes.raft.push({ kind: "tick" });
    this.#mailboxes.ingress.push({ kind: "tick" });
  }

  /** Time passes and the process does not notice. */
  sleep(milliseconds: number): void {
    this.#nowMs += milliseconds;
  }

  receive({ from, message }: InFlight): void {
    if (message.kind === "core")
      this.#mailboxes.raft.push({ kind: "fromPeer", message: message.message, entries: message.entries });
    else this.#mailboxes.raft.push({ kind: "serviceFromPeer", from, message: message.message });
  }

  /** A turn of each actor that has something to do. False when none has. */
  async step(): Promise<boolean> {
    const { raft, log, store, ingress } = this.#mailboxes;
    if (raft.length + log.length + store.length + ingress.length === 0) return false;
    if (ingress.length > 0) this.#stepIngress();
    if (raft.length > 0) this.#stepRaft();
    if (log.length > 0) await this.#stepLog();
    if (store.length > 0) await this.#stepStore();
    return true;
  }

  #stepIngress(): void {
    const { appliedIndex, revision } = this.#store.meta;
    const inputs = this.#mailboxes.ingress.splice(0);
    const effects = this.#ingress.turn(inputs, { nowMs: this.#nowMs, appliedIndex, revision });
    for (const message of acrossThreads(effects.toRaft)) this.#mailboxes.raft.push({ kind: "fromIngress", message });
    for (const message of acrossThreads(effects.toStore)) this.#mailboxes.store.push({ kind: "ingress", message });
    for (const { requestId, outcome } of effects.answers) this.answers.set(requestId, outcome);
    if (effects.openView === null) return;
    this.#mailboxes.ingress.push({ kind: "viewOpened", generation: effects.openView.generation });
  }

  #stepRaft(): void {
    const effects: RaftActorEffects = turnRaft(this.#raft, this.#mailboxes.raft.splice(0), {
      nowMs: this.#nowMs,
      appliedIndex: this.#store.meta.appliedIndex,
      stateAwaited: this.#ingress.awaitsState,
    });
    for (const message of acrossThreads(effects.toLog)) this.#mailboxes.log.push({ kind: "received", message });
    for (const message of acrossThreads(effects.toStore)) this.#mailboxes.store.push({ kind: "raft", message });
    const toIngress = acrossThreads(effects.toIngress);
    if (toIngress.length > 0) this.#mailboxes.ingress.push({ kind: "raft", messages: toIngress });
    for (const { message, entries } of effects.toPeers) {
      this.sent.push({ from: this.id, to: message.to, message: { kind: "core", message, entries } });
    }
    for (const { to, message } of effects.serviceToPeers) {
      this.sent.push({ from: this.id, to, message: { kind: "service", message } });
    }
  }

  async #stepLog(): Promise<void> {
    const { reads, write, replies } = turnLog(this.#log, this.#mailboxes.log.splice(0));
    for (const message of acrossThreads(replies)) this.#mailboxes.raft.push({ kind: "fromLog", message });
    for (const range of reads) {
      const entries = await this.#logStore.read(range);
      this.#mailboxes.log.push({ kind: "entriesRead", from: range.from, entries });
    }
    if (write === null) return;
    const { bytes } = await this.#logStore.write(write);
    this.#mailboxes.log.push({ kind: "written", bytes });
  }

  async #stepStore(): Promise<void> {
    const effects = turnStore(this.#store, this.#mailboxes.store.splice(0));
    if (effects.write !== null) {
      await this.#storage.write(effects.write.rows);
      this.#mailboxes.store.push({ kind: "written" });
    }
    for (const message of acrossThreads(effects.toRaft)) this.#mailboxes.raft.push({ kind: "fromStore", message });
    const progress = effects.progress !== null && this.#ingress.awaitsState ? [effects.progress] : [];
    const toIngress = acrossThreads([...effects.toIngress, ...progress]);
    if (toIngress.length > 0) this.#mailboxes.ingress.push({ kind: "store", messages: toIngress });
  }
}

function acrossThreads<Message>(messages: readonly Message[]): readonly Message[] {
  return messages.length === 0 ? [] : (decode(encode(messages)) as readonly Message[]);
}
