/**
 * @module
 * When the store's disk brings back the space of dropped rows: some time after rows were dropped, a piece at a time, with
 * pauses that leave the disk to others.
 */

import { monotonicMs } from "../../actor/clock.ts";
import type { DroppedSpace } from "../../storage/state/dropped-space.ts";

/** Milliseconds from a drop to the first look, and between looks while it is not the time. */
const lookMs = 10_000;
/** The latter doubles up to this. */
const lookMsMax = 160_000;
/** A pause after a step is so many times as long as the step. */
const pauseShare = 4;

export class Reclaim {
  readonly #space: DroppedSpace;
  readonly #lookMs: number;
  readonly #fail: (cause: unknown) => void;
  #timer: NodeJS.Timeout | null = null;
  #waitMs: number;
  /** The look under way, or the last one; it never rejects. */
  #look: Promise<void> = Promise.resolve();
  #isLooking = false;
  /** Rows were dropped since the look under way began. */
  #isStale = false;
  #isClosed = false;

  /** Looks a first time also when nothing is dropped: an earlier process may have left something. */
  constructor(space: DroppedSpace, fail: (cause: unknown) => void, firstLookMs: number = lookMs) {
    this.#space = space;
    this.#fail = fail;
    this.#lookMs = firstLookMs;
    this.#waitMs = firstLookMs;
    this.#schedule(firstLookMs);
  }

  onDropped(historyFrom: number, deletedBytes: number): void {
    this.#space.onDropped(historyFrom, deletedBytes);
    if (this.#isLooking) this.#isStale = true;
    else this.#schedule(this.#lookMs);
  }

  /** Resolves once nothing is merged any more, and nothing will be. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#look;
  }

  /** Unless a look is due already. */
  #schedule(waitMs: number): void {
    if (this.#timer !== null || this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#look = this.#lookOnce().catch((cause: unknown) => {
        if (!this.#isClosed) this.#fail(cause);
      });
    }, waitMs).unref();
  }

  async #lookOnce(): Promise<void> {
    this.#isLooking = true;
    this.#isStale = false;
    const beganAtMs = monotonicMs();
    const step = await this.#space.step();
    this.#isLooking = false;
    if (step === "more") this.#schedule(pauseShare * (monotonicMs() - beganAtMs));
    else if (step === "later") this.#schedule(this.#waitMs);
    else if (this.#isStale) this.#schedule(this.#lookMs);
    this.#waitMs = step === "later" ? Math.min(this.#waitMs * 2, lookMsMax) : this.#lookMs;
  }
}
