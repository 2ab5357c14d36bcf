/**
 * @module
 * Watches: each follows the changes of its keys on one node after the other, through production's reader of history.
 * Every change comes once, in order, whole, wherever the watch goes on.
 */

import { readAfter } from "../../src/http/watch-read.ts";
import { isAbove, isEnd } from "../../src/http/watcher.ts";
import { afterRevision, type ChangePosition } from "../../src/kv/keys.ts";
import type { ChangesRead, KeyChange } from "../../src/kv/state-view.ts";
import { isInRange, type KeyRange, rangeOfPrefix } from "../../src/kv/transaction.ts";
import type { ModelChange } from "../kv/model.ts";
import { plain } from "../kv/plain.ts";
import type { Requests } from "./clients.ts";
import type { Cluster } from "./cluster.ts";
import type { Draws } from "./draws.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Random } from "./random.ts";
import { isSame, toldOf } from "./watch/same.ts";

const invariant = "A watch misses nothing and repeats nothing";
const prefixes = ["", "key", "key0", "held"] as const;
const readBytesMax = 1_000;
const beginTimeoutMs = 2_000;

export interface WatchParts {
  readonly cluster: Cluster;
  readonly draws: Draws;
  readonly requests: Requests;
  readonly random: Random;
}

export class Watch {
  readonly #parts: WatchParts;
  readonly #range: KeyRange;
  /** The client has seen everything up to here; null: it has seen nothing yet, and begins with what is new. */
  #place: ChangePosition | null = null;
  /** The first of the model's changes that the client has not passed. */
  #next = 0;

  constructor(parts: WatchParts) {
    this.#parts = parts;
    const prefix = parts.random.pick(prefixes);
    this.#range = prefix === "" ? { from: new Uint8Array(0), to: null } : rangeOfPrefix(Buffer.from(prefix));
  }

  get hasSeenAll(): boolean {
    return (
      this.#place !== null && this.#place.revision >= this.#parts.cluster.ledger.model.revision && isEnd(this.#place)
    );
  }

  start(): void {
    this.#after(1_000, 100_000, () => this.#begin(null));
  }

  /** On some node, as the route begins a watch: what says where it begins needs no leader. */
  #begin(last: SimulatedProcess | null): void {
    const { cluster, draws, requests, random } = this.#parts;
    const process = draws.process(random, last);
    if (process === undefined) return this.#after(10_000, 100_000, () => this.#begin(null));
    const place = this.#place;
    const floor = cluster.clientWatch.acknowledged;
    const request = { kind: "read", stale: place !== null, minRevision: 0, redirect: false } as const;
    requests.ask(process, request, { key: null, timeoutMs: beginTimeoutMs }, (outcome) => {
      if (outcome?.kind !== "readable") return this.#after(1_000, 200_000, () => this.#begin(null));
      if (place === null) this.#beginAnew(process, floor);
      else
        cluster.world.coverage.sometimes(
          isEnd(place) ? "a watch went on" : "a watch went on in the middle of a command",
        );
      this.#follow(process);
    });
  }

  /** From what is there now, which is not older than what anybody had been answered with: `floor`. */
  #beginAnew(process: SimulatedProcess, floor: number): void {
    const moment = process.view?.moment();
    const revision = moment?.revision ?? 0;
    void moment?.close();
    this.#parts.cluster.world.check(revision >= floor, "Read safety", () => {
      return `${process.id} begins a watch at revision ${revision}, after ${floor} had been acknowledged`;
    });
    this.#pass(afterRevision(revision));
  }

  #follow(process: SimulatedProcess): void {
    const { random } = this.#parts;
    this.#after(500, 200_000, () => {
      if (!process.isAlive || random.chance(0.05)) return this.#begin(null);
      const place = this.#place;
      const view = process.view;
      if (place === null || view === null || view.revision() <= place.revision - (isEnd(place) ? 0 : 1))
        return this.#follow(process);
      this.#read(process, place);
    });
  }

  #read(process: SimulatedProcess, place: ChangePosition): void {
    const { world } = this.#parts.cluster;
    world.touch();
    const ask = { after: place, ranges: [this.#range], bytesMax: readBytesMax };
    readAfter({ view: () => process.view ?? undefined }, ask, "compacted").then(
      (read) => {
        if (!process.isAlive) return this.#begin(null);
        if (read.kind === "compacted") return this.#onCompacted(process, place);
        if (read.kind === "changes" && !this.#onChanges(process, read)) return this.#begin(null);
        this.#follow(process);
      },
      (cause: unknown) => process.fail(cause),
    );
  }

  /** What was to be given is gone, and the client lists the keys anew. */
  #onCompacted(process: SimulatedProcess, place: ChangePosition): void {
    const { world, ledger } = this.#parts.cluster;
    world.coverage.sometimes("a watch was compacted");
    const { compactedRevision } = ledger.model;
    const needed = isEnd(place) ? place.revision : place.revision - 1;
    world.check(compactedRevision > needed, invariant, () => {
      return `${process.id} has compacted what follows revision ${needed}, and is to keep it from ${compactedRevision} on`;
    });
    this.#place = null;
    this.#begin(process);
  }

  /** False: the connection has broken, perhaps before the client had read all of it. */
  #onChanges(process: SimulatedProcess, { changes, through }: ChangesRead): boolean {
    const { random } = this.#parts;
    const breaks = random.chance(0.15);
    const taken = breaks ? changes.slice(0, random.below(changes.length + 1)) : changes;
    for (const change of taken) this.#onChange(process, change);
    const last = taken.at(-1);
    if (taken.length === changes.length) this.#pass(through, process);
    else if (last !== undefined) this.#place = { revision: last.revision, ordinal: last.ordinal };
    return !breaks;
  }

  #onChange({ id }: SimulatedProcess, change: KeyChange): void {
    const { world } = this.#parts.cluster;
    const expected = this.#take();
    const { revision, ordinal, key, record, previous } = change;
    const given = { revision, ordinal, key, record: toldOf(record), previous: toldOf(previous) };
    world.check(isSame(given, expected ?? null), invariant, () => {
      return `${id} gives ${JSON.stringify(plain(given))}, and it is the turn of ${JSON.stringify(expected)}`;
    });
    world.coverage.sometimes("a watch was given a change");
  }

  /** The next of the model's changes that it watches, which counts as given. */
  #take(): ModelChange | undefined {
    const change = this.#peek();
    this.#next += 1;
    return change;
  }

  #peek(): ModelChange | undefined {
    const { changes } = this.#parts.cluster.ledger.model;
    for (; this.#next < changes.length; this.#next += 1) {
      const change = changes[this.#next];
      if (change !== undefined && isInRange(Buffer.from(change.key, "latin1"), this.#range)) return change;
    }
    return undefined;
  }

  /** Without a process to blame, the client begins there; else it must have been given everything up to there. */
  #pass(through: ChangePosition, process: SimulatedProcess | null = null): void {
    this.#place = through;
    for (let change = this.#peek(); change !== undefined && !isAbove(change, through); change = this.#peek()) {
      this.#parts.cluster.world.check(process === null, invariant, () => {
        return `${process?.id ?? ""} says that all is given up to ${through.revision}/${through.ordinal}, and has not given ${JSON.stringify(change)}`;
      });
      this.#next += 1;
    }
  }

  #after(fromUs: number, toUs: number, work: () => void): void {
    this.#parts.cluster.world.schedule.after(this.#parts.random.logUniform(fromUs, toUs), work);
  }
}
