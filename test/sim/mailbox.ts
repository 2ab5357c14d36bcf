/**
 * @module
 * Mailboxes and edges of a simulated node: what gathers while an actor is busy is stepped through together, order
 * is kept within an edge, and nothing is promised between edges.
 */

import { decode, encodePooled } from "../../src/codec/codec.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** What all actors of one process share. */
export interface Life {
  readonly isAlive: boolean;
  /** The process does nothing until then. */
  readonly pausedUntil: number;
  /** An actor has failed, and with it the process. */
  fail(cause: unknown): void;
}

const inputsPerTurnMax = 256;

export class Mailbox<Input> {
  readonly #world: World;
  readonly #random: Random;
  readonly #life: Life;
  readonly #turn: (inputs: readonly Input[]) => void;
  #inputs: Input[] = [];
  #isScheduled = false;
  #stalledUntil = 0;

  constructor(world: World, random: Random, life: Life, turn: (inputs: readonly Input[]) => void) {
    this.#world = world;
    this.#random = random;
    this.#life = life;
    this.#turn = turn;
  }

  get waiting(): number {
    return this.#inputs.length;
  }

  push(input: Input): void {
    this.#inputs.push(input);
    this.#schedule();
  }

  stall(untilUs: number): void {
    this.#stalledUntil = Math.max(this.#stalledUntil, untilUs);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const { schedule, now } = this.#world;
    schedule.at(Math.max(now + 1 + this.#random.below(40), this.freeFrom), this.#run);
  }

  readonly #run = (): void => {
    if (!this.#life.isAlive) return;
    const freeFrom = this.freeFrom;
    if (freeFrom > this.#world.now) return this.#world.schedule.at(freeFrom, this.#run);
    this.#isScheduled = false;
    try {
      this.#turn(this.#take());
    } catch (cause) {
      this.#life.fail(cause);
    }
    if (this.#inputs.length > 0 && this.#life.isAlive) this.#schedule();
  };

  /** What one turn takes in. */
  #take(): readonly Input[] {
    if (this.#inputs.length > inputsPerTurnMax) return this.#inputs.splice(0, inputsPerTurnMax);
    const inputs = this.#inputs;
    this.#inputs = [];
    return inputs;
  }

  /** The thread stands still until then. */
  get freeFrom(): number {
    return Math.max(this.#stalledUntil, this.#life.pausedUntil);
  }
}

export class SimulatedEdge<Message> {
  readonly #world: World;
  readonly #random: Random;
  readonly #life: Life;
  readonly #deliver: (messages: readonly Message[]) => void;
  #lastArrival = 0;

  constructor(world: World, random: Random, life: Life, deliver: (messages: readonly Message[]) => void) {
    this.#world = world;
    this.#random = random;
    this.#life = life;
    this.#deliver = deliver;
  }

  /** One frame, encoded and decoded as between threads. */
  send(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    const frame = encodePooled(messages);
    const usual = 10 + this.#random.below(40);
    const delay = this.#world.hits("slowEdges") ? this.#random.logUniform(100, 300_000) : usual;
    this.#lastArrival = Math.max(this.#lastArrival, this.#world.now + Math.round(delay));
    this.#world.schedule.at(this.#lastArrival, () => {
      if (this.#life.isAlive) this.#deliver(decode(frame) as readonly Message[]);
    });
  }
}
