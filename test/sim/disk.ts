/**
 * @module
 * One machine's disk: how long it takes, when it fails, and which process still hears of it.
 */

import { StorageError } from "../../src/errors/balsa-error.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** What is on a disk and can lose what was not synced. */
export interface Surface {
  /** The process is gone. What it had not been told to be written may be there or not. */
  onKill(): void;
  /** The power is gone: what was not synced may be there, or not, or in part. */
  onPowerCut(): void;
}

/** A full disk still reads, and still syncs what is there. */
export type DiskUse = "reads" | "writes";

export class SimulatedDisk {
  readonly node: string;
  readonly #world: World;
  readonly #random: Random;
  readonly #surfaces: Surface[] = [];
  /** The process that hears of what is finished: none hears of what an earlier one has begun. */
  #process = 0;
  #hungUntil = 0;
  /** Operations that are still to fail: one, or all from now on. */
  #failures = 0;
  /** Nothing can be written; what is there can be read. */
  isFull = false;
  /** Whether a process has met a failure. */
  hasFailed = false;

  constructor(world: World, node: string) {
    this.#world = world;
    this.node = node;
    this.#random = world.random(`disk of ${node}`);
  }

  get random(): Random {
    return this.#random;
  }

  add(surface: Surface): void {
    this.#surfaces.push(surface);
  }

  hang(untilUs: number): void {
    this.#hungUntil = Math.max(this.#hungUntil, untilUs);
  }

  fail(operations: number): void {
    this.#failures = operations;
  }

  /** What was begun ends in silence, and the disk works again for the next process. */
  end(withPower: boolean): void {
    this.#process += 1;
    this.#hungUntil = 0;
    this.#failures = 0;
    this.hasFailed = false;
    for (const surface of this.#surfaces) {
      if (withPower) surface.onKill();
      else surface.onPowerCut();
    }
  }

  /** Everybody's storm is over. */
  mend(): void {
    this.#hungUntil = Math.min(this.#hungUntil, this.#world.now);
    this.#failures = 0;
    this.isFull = false;
  }

  /** As `run`, for those who wait by a promise. */
  done(use: DiskUse, finish: () => void, onFailed?: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.run(
        use,
        () => {
          this.#world.touch();
          finish();
          resolve();
        },
        (cause) => {
          this.#world.touch();
          onFailed?.();
          reject(cause);
        },
      );
    });
  }

  /**
   * One operation: `finish` runs when the disk has done it, `fail` when it could not, neither when the process ends
   * before.
   */
  run(use: DiskUse, finish: () => void, fail: (cause: StorageError) => void): void {
    const world = this.#world;
    const process = this.#process;
    const usual = 40 + this.#random.below(260);
    const latency = world.hits("slowDisk") ? usual * this.#random.logUniform(10, 3_000) : usual;
    const doneAt = Math.max(world.now, this.#hungUntil) + Math.round(latency);
    const complete = (): void => {
      if (process !== this.#process) return;
      if (this.#hungUntil > world.now) {
        world.schedule.at(this.#hungUntil + usual, complete);
        return;
      }
      const isRefused = this.isFull && use === "writes";
      if (this.#failures === 0 && !isRefused) return finish();
      if (this.#failures > 0) this.#failures -= 1;
      this.hasFailed = true;
      if (isRefused) world.coverage.sometimes("a full disk failed a node");
      // The bytes of a write that failed may be there all the same.
      world.coverage.sometimes("a disk failed a node");
      fail(new StorageError(`the simulated disk of ${this.node} has failed`));
    };
    world.schedule.at(doneAt, complete);
  }
}
