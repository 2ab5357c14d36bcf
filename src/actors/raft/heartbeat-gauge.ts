/**
 * @module
 * How regularly heartbeats go out and come in: what the promise of isolation is measured by.
 */

import type { Board } from "../../actor/board.ts";

export class HeartbeatGauge {
  readonly #board: Board;
  #sentAtMs: number | null = null;
  #heardAtMs: number | null = null;

  constructor(board: Board) {
    this.#board = board;
  }

  onSent(nowMs: number): void {
    if (this.#sentAtMs !== null) {
      this.#board.record("heartbeatGap", (nowMs - this.#sentAtMs) * 1000);
    }
    this.#sentAtMs = nowMs;
  }

  onHeard(nowMs: number): void {
    if (this.#heardAtMs !== null) {
      this.#board.record("heartbeatHeardGap", (nowMs - this.#heardAtMs) * 1000);
    }
    this.#heardAtMs = nowMs;
  }

  /** The next round that goes out is the first of a new leadership. */
  onNotLeading(): void {
    this.#sentAtMs = null;
  }
}
