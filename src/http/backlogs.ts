/**
 * @module
 * What has been written to watches and not been taken by their clients, and how much of that there may be.
 */

import type { Watcher } from "./watcher.ts";

export interface BacklogBounds {
  /** Of one watch. */
  readonly bytesMax: number;
  /** Of all together. */
  readonly totalBytesMax: number;
}

/** All backlogs are looked at anew no more often than this: they shrink by themselves. */
const lookAgainMs = 100;

export class Backlogs {
  readonly #bounds: BacklogBounds;
  readonly #bytes = new Map<Watcher, number>();
  #total = 0;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(bounds: BacklogBounds) {
    this.#bounds = bounds;
  }

  /** As last measured: at least what there is. */
  get total(): number {
    return this.#total;
  }

  measure(watcher: Watcher, bytes: number): void {
    this.#total += bytes - (this.#bytes.get(watcher) ?? 0);
    if (bytes === 0) this.#bytes.delete(watcher);
    else this.#bytes.set(watcher, bytes);
  }

  remove(watcher: Watcher): void {
    this.measure(watcher, 0);
  }

  /** Whether `watcher`, with a backlog of `bytes`, may be given nothing more: for its own sake, or for that of all. */
  isTooMuch(watcher: Watcher, bytes: number): boolean {
    this.measure(watcher, bytes);
    if (bytes === 0) return false;
    if (bytes > this.#bounds.bytesMax) return true;
    if (this.#total > this.#bounds.totalBytesMax) this.#lookAgain();
    return this.#total > this.#bounds.totalBytesMax;
  }

  #lookAgain(): void {
    const nowMs = performance.now();
    if (nowMs - this.#lookedAtMs < lookAgainMs) return;
    this.#lookedAtMs = nowMs;
    for (const watcher of this.#bytes.keys()) this.measure(watcher, watcher.backlog);
  }
}
