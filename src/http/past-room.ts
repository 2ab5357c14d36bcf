/**
 * @module
 * How much of the past may lie in memory for clients that have not taken it, and how much of that each watch may have.
 *
 * While less than half of the room is taken, anybody may have of it what a read gives. The other half is shared out: each
 * watch of the past may have its share whatever the others do. So clients that take nothing end with their share, and
 * the others go on. A change that is larger than a share waits for the first half: then each may have one change of that,
 * and who has more than a share and moves no byte is cut off soon.
 */

import { setTimeout } from "node:timers/promises";
import { Turnstile } from "./turnstile.ts";
import type { Watcher } from "./watcher.ts";

/** What is left untaken is measured anew no more often than this: it shrinks by itself. */
const lookAgainMs = 100;

export class PastRoom {
  readonly #bytesMax: number;
  /** All watches of the past, and what their clients had not taken when it was measured last. */
  readonly #untaken = new Map<Watcher, number>();
  #total = 0;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  readonly #line = new Turnstile(1, Number.POSITIVE_INFINITY);
  #waiting = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  enter(watcher: Watcher): void {
    this.#untaken.set(watcher, 0);
    this.#measure(watcher, watcher.untaken);
  }

  leave(watcher: Watcher): void {
    this.#measure(watcher, 0);
    this.#untaken.delete(watcher);
  }

  /** Bytes that each watch of the past may have. */
  get share(): number {
    return this.#bytesMax / 2 / Math.max(1, this.#untaken.size);
  }

  /** Whether `watcher` may be given `bytes` more; they count from then on. */
  take(watcher: Watcher, bytes: number): boolean {
    const untaken = watcher.untaken + bytes;
    if (!this.#hasRoom(watcher, untaken)) {
      this.#lookAgain();
      if (!this.#hasRoom(watcher, untaken)) return false;
    }
    this.#measure(watcher, untaken);
    return true;
  }

  /** Resolves once `watcher`, whose client has taken everything, may be given as many bytes, or has ended. */
  async wait(watcher: Watcher, bytes: number): Promise<void> {
    this.#waiting++;
    await this.#line.enter();
    try {
      while (!watcher.ended && !this.#hasRoom(watcher, bytes)) {
        for (const other of this.#untaken.keys()) if (other.untaken > this.share) other.hurry();
        await setTimeout(lookAgainMs, undefined, { ref: false });
        this.#lookAgain();
      }
    } finally {
      this.#waiting--;
      this.#line.leave();
    }
  }

  /** Whether there is room for so much untaken by the client of `watcher`. */
  #hasRoom(watcher: Watcher, untaken: number): boolean {
    const total = this.#total - (this.#untaken.get(watcher) ?? 0) + untaken;
    if (untaken <= this.share && total <= this.#bytesMax) return true;
    return total <= this.#bytesMax / 2 && (this.#waiting === 0 || watcher.untaken === 0);
  }

  #measure(watcher: Watcher, bytes: number): void {
    this.#total += bytes - (this.#untaken.get(watcher) ?? 0);
    this.#untaken.set(watcher, bytes);
  }

  #lookAgain(): void {
    const nowMs = performance.now();
    if (nowMs - this.#lookedAtMs < lookAgainMs) return;
    this.#lookedAtMs = nowMs;
    for (const watcher of this.#untaken.keys()) this.#measure(watcher, watcher.untaken);
  }
}
