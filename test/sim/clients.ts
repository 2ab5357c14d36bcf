/**
 * @module
 * The clients of a simulated cluster: each asks one thing after the other, of any node, with time-outs, and remembers
 * what it may expect.
 */

import type { IngressRequest, Outcome } from "../../src/http/request.ts";
import type { Condition } from "../../src/kv/command.ts";
import { type Cluster, originOf } from "./cluster.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Random } from "./random.ts";
import type { Asked } from "./watch/client-watch.ts";
import type { World } from "./world.ts";

interface Pending {
  readonly asked: Asked;
  /** Null when the process that was asked is gone, or the client is. */
  readonly onSettled: (outcome: Outcome | null) => void;
  readonly deadlineUs: number;
}

/** What is asked of nodes and not answered yet. */
export class Requests {
  readonly #cluster: Cluster;
  readonly #world: World;
  readonly #pending = new Map<SimulatedProcess, Map<number, Pending>>();
  readonly #cancelled = new Map<SimulatedProcess, Set<number>>();
  #lastId = 0;

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
  overdue(byUs: number): string[] {
    const overdue: string[] = [];
    for (const [{ id }, requests] of this.#pending) {
      for (const { asked, deadlineUs } of requests.values()) {
        if (deadlineUs + byUs < this.#world.now) overdue.push(`${asked.request.kind} at ${id}`);
      }
    }
    return overdue;
  }

  ask(
    process: SimulatedProcess,
    request: IngressRequest,
    { key, timeoutMs }: { readonly key: Uint8Array | null; readonly timeoutMs: number },
    onSettled: (outcome: Outcome | null) => void,
  ): number {
    this.#lastId += 1;
    const requestId = this.#lastId;
    const { machine, id } = process;
    const isLeader = process.raft.core?.role === "leader";
    const asked = this.#cluster.clientWatch.asked({ request, key, node: id, origin: originOf(machine), isLeader });
    this.#world.trace.note(`ask ${request.kind}`, id, "request", requestId);
    const requests = this.#pending.get(process) ?? new Map<number, Pending>();
    this.#pending.set(process, requests);
    const deadlineUs = this.#world.now + timeoutMs * 1000;
    requests.set(requestId, { asked, onSettled, deadlineUs });
    const deadlineMs = machine.nowMs() + timeoutMs;
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
  #values = 0;
  #isClosed = false;

  constructor(cluster: Cluster, requests: Requests) {
    this.#cluster = cluster;
    this.#world = cluster.world;
    this.#requests = requests;
  }

  start(): void {
    for (let client = 1; client <= this.#world.swarm.clients; client += 1) {
      const random = this.#world.random(`client ${client}`);
      this.#later(random, () => this.#askNext(random, null));
    }
  }

  /** Nothing more is asked. */
  close(): void {
    this.#isClosed = true;
  }

  #later(random: Random, work: () => void): void {
    this.#world.schedule.after(1 + random.waitUs(1e6 / this.#world.swarm.thinkUs), work);
  }

  #askNext(random: Random, last: SimulatedProcess | null): void {
    if (this.#isClosed) return;
    const { processes } = this.#cluster;
    const leaders = processes.filter(({ raft }) => raft.core?.role === "leader");
    const chosen =
      leaders.length > 0 && random.chance(0.4) ? random.pick(leaders) : processes[random.below(processes.length)];
    const process = last?.isAlive === true && random.chance(0.7) ? last : chosen;
    if (process === undefined) return this.#later(random, () => this.#askNext(random, null));
    const key = Buffer.from(`key${random.below(this.#world.swarm.keys)}`);
    const request = this.#draw(random, key);
    const timeoutMs = Math.round(random.logUniform(100, 8_000));
    let isSettled = false;
    const requestId = this.#requests.ask(process, request, { key, timeoutMs }, () => {
      isSettled = true;
      this.#later(random, () => this.#askNext(random, process));
    });
    if (this.#world.hits("impatience")) {
      this.#world.schedule.after(random.below(timeoutMs * 1000), () => {
        if (!isSettled && process.isAlive) this.#requests.cancel(process, requestId);
      });
    }
  }

  #draw(random: Random, key: Uint8Array): IngressRequest {
    const redirect = random.chance(0.02);
    if (random.chance(this.#world.swarm.readShare)) {
      const stale = random.chance(0.3);
      const minRevision = random.chance(0.2) ? random.below(this.#cluster.ledger.model.revision + 2) : 0;
      return { kind: "read", stale, minRevision, redirect };
    }
    const choice = random.below(10);
    if (choice === 0) {
      return { kind: "write", redirect, operation: { kind: "delete", key, condition: this.#condition(random, key) } };
    }
    if (choice === 1) {
      const pairs = [key, Buffer.from("pair")].map((one) => ({ key: one, value: this.#value(random) }));
      return { kind: "write", redirect, operation: { kind: "putAll", pairs } };
    }
    const condition = this.#condition(random, key);
    const value = this.#value(random);
    return { kind: "write", redirect, operation: { kind: "put", key, value, leaseId: 0, condition } };
  }

  #condition(random: Random, key: Uint8Array): Condition {
    const choice = random.below(8);
    if (choice === 0) return { kind: "absent" };
    if (choice === 1) return { kind: "present" };
    const { model } = this.#cluster.ledger;
    const { revision, value } = model.at(key, model.revision);
    return choice === 2 && value !== null ? { kind: "modRevision", revision } : { kind: "none" };
  }

  /** Never the same twice. */
  #value(random: Random): Uint8Array {
    this.#values += 1;
    const text = `value${this.#values}`;
    return Buffer.from(text.padEnd(random.below(this.#world.swarm.valueBytesMax), "."));
  }
}
