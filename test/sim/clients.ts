/**
 * @module
 * The clients of a simulated cluster: each asks one thing after the other, of any node, with time-outs, and remembers
 * what it may expect.
 */

import type { IngressRequest, Outcome } from "../../src/http/request.ts";
import type { Operation } from "../../src/kv/command.ts";
import { type Cluster, originOf } from "./cluster.ts";
import { Draws } from "./draws.ts";
import { type AskOnce, KeyedWrite } from "./keyed-clients.ts";
import { type Ask, LeaseHolder } from "./lease-clients.ts";
import { Look } from "./look-clients.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Random } from "./random.ts";
import type { Asked } from "./watch/client-watch.ts";
import { Watch } from "./watch-clients.ts";
import type { World } from "./world.ts";

interface Pending {
  readonly asked: Asked;
  /** Null when the process that was asked is gone, or the client is. */
  readonly onSettled: (outcome: Outcome | null) => void;
  /** By the clock of the machine that was asked: nobody else's tells it when to give up. */
  readonly deadlineMs: number;
}

/** What is asked of nodes and not answered yet. */
export class Requests {
  readonly #cluster: Cluster;
  readonly #world: World;
  readonly #pending = new Map<SimulatedProcess, Map<number, Pending>>();
  readonly #cancelled = new Map<SimulatedProcess, Set<number>>();
  #lastId = 0;
  /** Nothing more is to be asked. */
  isClosed = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#world = cluster.world;
    cluster.onAnswer = (process, requestId, outcome) => this.#onAnswer(process, requestId, outcome);
    cluster.onEnded = (process) => this.#onEnded(process);
  }

  get waiting(): number {
    let waiting = 0;
    for (const requests of this.#pending.values()) waiting += requests.size;
    return waiting;
  }

  /** What should have been answered that long ago, by its kind. */
  overdue(byMs: number): string[] {
    const overdue: string[] = [];
    for (const [{ id, machine }, requests] of this.#pending) {
      for (const { asked, deadlineMs } of requests.values()) {
        if (deadlineMs + byMs < machine.nowMs()) overdue.push(`${asked.request.kind} at ${id}`);
      }
    }
    return overdue;
  }

  ask(
    process: SimulatedProcess,
    request: IngressRequest,
    { key, timeoutMs, floor }: { readonly key: Uint8Array | null; readonly timeoutMs: number; readonly floor?: number },
    onSettled: (outcome: Outcome | null) => void,
  ): number {
    this.#lastId += 1;
    const requestId = this.#lastId;
    const { machine, id } = process;
    const isLeader = process.raft.core?.role === "leader";
    const { clientWatch, ledger } = this.#cluster;
    const asked: Asked = {
      request,
      key,
      node: id,
      origin: originOf(machine),
      floor: floor ?? clientWatch.acknowledged,
      configurations: ledger.configurations.length,
      isLeader,
    };
    this.#world.trace.note(`ask ${request.kind}`, id, "request", requestId);
    const requests = this.#pending.get(process) ?? new Map<number, Pending>();
    this.#pending.set(process, requests);
    const deadlineMs = machine.nowMs() + timeoutMs;
    requests.set(requestId, { asked, onSettled, deadlineMs });
    process.ingressMailbox.push({ kind: "request", requestId, request, deadlineMs });
    return requestId;
  }

  /** The client is gone: an answer may or may not come any more. */
  cancel(process: SimulatedProcess, requestId: number): void {
    const pending = this.#pending.get(process)?.get(requestId);
    if (pending === undefined) return;
    this.#pending.get(process)?.delete(requestId);
    const cancelled = this.#cancelled.get(process) ?? new Set<number>();
    this.#cancelled.set(process, cancelled);
    cancelled.add(requestId);
    process.ingressMailbox.push({ kind: "cancelled", requestId });
    pending.onSettled(null);
  }

  #onAnswer(process: SimulatedProcess, requestId: number, outcome: Outcome): void {
    const pending = this.#pending.get(process)?.get(requestId);
    if (pending === undefined) {
      const wasCancelled = this.#cancelled.get(process)?.delete(requestId) ?? false;
      this.#world.check(
        wasCancelled,
        "Every request is answered once",
        () => `${process.id} answers ${requestId} again`,
      );
      return;
    }
    this.#pending.get(process)?.delete(requestId);
    const { asked } = pending;
    this.#cluster.clientWatch.onAnswer(asked, outcome, () => {
      if (process.view === null || asked.key === null) throw new Error("a state is open when it is called readable");
      return process.view.read(asked.key);
    });
    pending.onSettled(outcome);
  }

  #onEnded(process: SimulatedProcess): void {
    const requests = this.#pending.get(process);
    this.#pending.delete(process);
    this.#cancelled.delete(process);
    for (const { onSettled } of requests?.values() ?? []) onSettled(null);
  }
}

export class Clients {
  readonly #cluster: Cluster;
  readonly #world: World;
  readonly #requests: Requests;
  readonly #draws: Draws;
  readonly #watches: Watch[] = [];
  #keys = 0;

  constructor(cluster: Cluster, requests: Requests) {
    this.#cluster = cluster;
    this.#world = cluster.world;
    this.#requests = requests;
    this.#draws = new Draws(cluster);
  }

  start(): void {
    const { clients, holders, watches } = this.#world.swarm;
    for (let client = 1; client <= clients; client += 1) {
      const random = this.#world.random(`client ${client}`);
      this.#later(random, () => this.#askNext(random, null));
    }
    for (let holder = 1; holder <= holders; holder += 1) {
      const random = this.#world.random(`holder ${holder}`);
      const ask: Ask = (request, last, onSettled) => this.#ask(random, request, null, last, onSettled);
      new LeaseHolder(this.#world, this.#draws, random, ask).begin();
    }
    for (let watch = 1; watch <= watches; watch += 1) {
      const random = this.#world.random(`watch ${watch}`);
      this.#watches.push(new Watch({ cluster: this.#cluster, draws: this.#draws, requests: this.#requests, random }));
    }
    for (const watch of this.#watches) watch.start();
  }

  /** Nothing more is asked; watches go on. */
  close(): void {
    this.#requests.isClosed = true;
  }

  /** Whether every watch was given all there is. */
  get haveSeenAll(): boolean {
    return this.#watches.every((watch) => watch.hasSeenAll);
  }

  #later(random: Random, work: () => void): void {
    this.#world.schedule.after(1 + random.waitUs(1e6 / this.#world.swarm.thinkUs), work);
  }

  #askNext(random: Random, last: SimulatedProcess | null): void {
    if (this.#requests.isClosed) return;
    const key = this.#draws.key(random);
    const next = (_: Outcome | null, process: SimulatedProcess | null): void =>
      this.#later(random, () => this.#askNext(random, process));
    if (random.chance(this.#world.swarm.readShare)) {
      if (random.chance(0.2)) return this.#look(random, last, next);
      return this.#ask(random, this.#draws.read(random), key, last, next);
    }
    const operation = this.#draws.write(random, key);
    if (random.chance(this.#world.swarm.keyedShare)) return this.#askKeyed(random, operation, last, next);
    const redirect = random.chance(0.02);
    this.#ask(random, { kind: "write", operation, redirect }, null, last, next);
  }

  #look(random: Random, last: SimulatedProcess | null, next: OnSettled): void {
    const look = new Look({ cluster: this.#cluster, draws: this.#draws, random });
    this.#ask(random, look.request, null, last, (outcome, process) => {
      if (process !== null) look.onSettled(outcome, process);
      next(outcome, process);
    });
  }

  #askKeyed(random: Random, operation: Operation, last: SimulatedProcess | null, next: OnSettled): void {
    const process = this.#process(random, last);
    if (process === undefined) return this.#later(random, () => next(null, null));
    const askOnce: AskOnce = (process, { floor, ...write }, onSettled) =>
      this.#askOf(random, process, { kind: "write", ...write, redirect: false }, { key: null, floor }, onSettled);
    const parts = { cluster: this.#cluster, draws: this.#draws, requests: this.#requests, random, askOnce };
    this.#keys += 1;
    new KeyedWrite(parts, `write ${this.#keys}`, operation, () => next(null, process)).send(process);
  }

  /** Of some node, as soon as one is there. */
  #ask(
    random: Random,
    request: IngressRequest,
    key: Uint8Array | null,
    last: SimulatedProcess | null,
    onSettled: OnSettled,
  ): void {
    const process = this.#process(random, last);
    if (process === undefined) {
      if (!this.#requests.isClosed) this.#later(random, () => this.#ask(random, request, key, null, onSettled));
      return;
    }
    const floor = this.#cluster.clientWatch.acknowledged;
    this.#askOf(random, process, request, { key, floor }, (outcome) => onSettled(outcome, process));
  }

  /** None either when nothing is to be asked any more. */
  #process(random: Random, last: SimulatedProcess | null): SimulatedProcess | undefined {
    return this.#requests.isClosed ? undefined : this.#draws.process(random, last);
  }

  #askOf(
    random: Random,
    process: SimulatedProcess,
    request: IngressRequest,
    { key, floor }: { readonly key: Uint8Array | null; readonly floor: number },
    onSettled: (outcome: Outcome | null) => void,
  ): void {
    const timeoutMs = this.#draws.timeoutMs(random);
    let isSettled = false;
    const requestId = this.#requests.ask(process, request, { key, timeoutMs, floor }, (outcome) => {
      isSettled = true;
      onSettled(outcome);
    });
    if (this.#world.hits("impatience")) {
      this.#world.schedule.after(random.below(timeoutMs * 1000), () => {
        if (!isSettled && process.isAlive) this.#requests.cancel(process, requestId);
      });
    }
  }
}

type OnSettled = (outcome: Outcome | null, process: SimulatedProcess | null) => void;
