/**
 * @module
 * Turns: an actor's inputs gather in a mailbox while the event loop polls, and are stepped through together
 * right after (libuv's check phase). So all that came in one round leaves as one append, one frame a peer.
 */

export interface PumpLimits {
  /** Inputs of one turn; the rest waits for the next, so that sockets and ticks are served in between. */
  readonly inputsPerTurnMax: number;
}

/** Gathers inputs and hands them over, a turn at a time, outside of every event handler. */
export class Pump<Input> {
  #mailbox: Input[] = [];
  #scheduled = false;
  #stopped = false;
  readonly #turn: (inputs: readonly Input[]) => void;
  readonly #limits: PumpLimits;

  constructor(turn: (inputs: readonly Input[]) => void, limits: PumpLimits) {
    this.#turn = turn;
    this.#limits = limits;
  }

  get waiting(): number {
    return this.#mailbox.length;
  }

  push(input: Input): void {
    if (this.#stopped) return;
    this.#mailbox.push(input);
    this.#schedule();
  }

  /** Drops what waits and takes no more. */
  stop(): void {
    this.#stopped = true;
    this.#mailbox = [];
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#stopped || this.#mailbox.length === 0) return;
      const inputs = this.#take();
      if (this.#mailbox.length > 0) this.#schedule();
      this.#turn(inputs);
    });
  }

  #take(): readonly Input[] {
    const taken = this.#mailbox;
    if (taken.length <= this.#limits.inputsPerTurnMax) {
      this.#mailbox = [];
      return taken;
    }
    this.#mailbox = taken.slice(this.#limits.inputsPerTurnMax);
    return taken.slice(0, this.#limits.inputsPerTurnMax);
  }
}
