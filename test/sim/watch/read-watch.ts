/**
 * @module
 * What each read index has to cover: all that any node knew to be committed when the read was asked for.
 */

import type { RaftActorEffects, RaftActorInput } from "../../../src/actors/raft/input.ts";
import type { SimulatedProcess } from "../process.ts";
import type { World } from "../world.ts";
import type { Ledger } from "./ledger.ts";

/** Finds a read that is granted too early also where no client happens to have written meanwhile. */
export class ReadWatch {
  readonly #world: World;
  readonly #ledger: Ledger;
  /** The commit index when it was asked for, by process and id. */
  readonly #asked = new WeakMap<SimulatedProcess, Map<number, number>>();

  constructor(world: World, ledger: Ledger) {
    this.#world = world;
    this.#ledger = ledger;
  }

  before(process: SimulatedProcess, inputs: readonly RaftActorInput[]): void {
    for (const input of inputs) {
      if (input.kind !== "fromIngress") continue;
      const { message } = input;
      if (message.kind !== "readIndex" && message.kind !== "leaseRead") continue;
      this.#askedOf(process).set(message.readId, this.#ledger.commitIndex);
    }
  }

  after(process: SimulatedProcess, { toIngress }: RaftActorEffects): void {
    for (const message of toIngress) {
      if (message.kind === "readRefused") this.#askedOf(process).delete(message.readId);
      if (message.kind !== "readGranted") continue;
      const { readId, readIndex } = message;
      const committed = this.#askedOf(process).get(readId) ?? 0;
      this.#askedOf(process).delete(readId);
      this.#world.check(readIndex >= committed, "Read safety", () => {
        return `${process.id} may read at ${readIndex}, and ${committed} was committed when it asked`;
      });
    }
  }

  #askedOf(process: SimulatedProcess): Map<number, number> {
    const known = this.#asked.get(process);
    if (known !== undefined) return known;
    const made = new Map<number, number>();
    this.#asked.set(process, made);
    return made;
  }
}
