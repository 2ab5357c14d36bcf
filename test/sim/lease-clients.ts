/**
 * @module
 * Clients that hold leases: each is granted one, puts keys with it, keeps it alive for a while, then gives it up, or
 * just falls silent, and begins anew.
 */

import type { IngressRequest, Outcome } from "../../src/http/request.ts";
import type { Operation } from "../../src/kv/command.ts";
import type { Draws } from "./draws.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** Asks one thing of some node; null: nobody will answer. */
export type Ask = (
  request: IngressRequest,
  last: SimulatedProcess | null,
  onSettled: (outcome: Outcome | null, process: SimulatedProcess | null) => void,
) => void;

interface Held {
  readonly leaseId: number;
  readonly ttlMs: number;
}

export class LeaseHolder {
  readonly #world: World;
  readonly #draws: Draws;
  readonly #random: Random;
  readonly #ask: Ask;
  #last: SimulatedProcess | null = null;

  constructor(world: World, draws: Draws, random: Random, ask: Ask) {
    this.#world = world;
    this.#draws = draws;
    this.#random = random;
    this.#ask = ask;
  }

  begin(): void {
    const ttlMs = this.#draws.ttlMs(this.#random);
    this.#write({ kind: "leaseGrant", ttlMs }, (outcome) => {
      const granted = outcome?.kind === "applied" && outcome.result.kind === "leaseGranted" ? outcome.result : null;
      if (granted === null) return this.#after(this.#world.swarm.thinkUs, () => this.begin());
      this.#hold(granted, this.#random.below(8));
    });
  }

  /** A few turns of work under the lease. */
  #hold(held: Held, turns: number): void {
    if (turns === 0) return this.#end(held);
    const next = (): void =>
      this.#after(held.ttlMs * 1000 * this.#random.logUniform(0.02, 0.6), () => this.#hold(held, turns - 1));
    if (this.#random.chance(0.6))
      return this.#request({ kind: "keepAlive", leaseId: held.leaseId, redirect: false }, next);
    const [random, draws] = [this.#random, this.#draws];
    const key = random.chance(0.7) ? Buffer.from(`held${random.between(1, 3)}`) : draws.key(random);
    const condition = { kind: "none" } as const;
    this.#write({ kind: "put", key, value: draws.value(random), leaseId: held.leaseId, condition }, next);
  }

  #end(held: Held): void {
    const { leaseId, ttlMs } = held;
    if (this.#random.chance(0.4)) return this.#write({ kind: "leaseRevoke", leaseId }, () => this.begin());
    this.#after(ttlMs * 1000 * this.#random.next(), () => this.begin());
  }

  #write(operation: Operation, onSettled: (outcome: Outcome | null) => void): void {
    this.#request({ kind: "write", operation, redirect: false }, onSettled);
  }

  #request(request: IngressRequest, onSettled: (outcome: Outcome | null) => void): void {
    this.#ask(request, this.#last, (outcome, process) => {
      this.#last = process;
      onSettled(outcome);
    });
  }

  #after(delayUs: number, work: () => void): void {
    this.#world.schedule.after(1 + delayUs, work);
  }
}
