/**
 * @module
 * Long work on a thread that others wait for, cut into slices.
 */

import { setImmediate } from "node:timers/promises";

/** So long others wait at most, in milliseconds. */
const sliceMs = 2;

export class Slice {
  #beganAtMs = performance.now();

  /** Whether it is the others' turn. */
  get isOver(): boolean {
    return performance.now() - this.#beganAtMs >= sliceMs;
  }

  /** Lets the event loop go round once. */
  async next(): Promise<void> {
    await setImmediate();
    this.#beganAtMs = performance.now();
  }
}
