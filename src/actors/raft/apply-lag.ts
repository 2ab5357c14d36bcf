/**
 * @module
 * How long the store takes for what it is handed: entries go there as soon as they are committed and durable here.
 */

import type { Board } from "../../actor/board.ts";
import type { LogIndex } from "../../raft/types.ts";

interface HandedOn {
  readonly lastIndex: LogIndex;
  readonly atMs: number;
}

/** Batches under way that are timed; those above are not. */
const batchesMax = 1024;

export class ApplyLag {
  readonly #board: Board;
  /** Ascending in both fields. */
  #underWay: HandedOn[] = [];

  constructor(board: Board) {
    this.#board = board;
  }

  /** Everything up to `lastIndex` has gone to the store. */
  onHandedOn(lastIndex: LogIndex, nowMs: number): void {
    if (this.#underWay.length < batchesMax) this.#underWay.push({ lastIndex, atMs: nowMs });
  }

  /** Everything up to `index` is applied, the last of it since `appliedAtMs`. */
  onApplied(index: LogIndex, appliedAtMs: number): void {
    let applied = 0;
    for (const { lastIndex, atMs } of this.#underWay) {
      if (lastIndex > index) break;
      this.#board.record("applyLag", (appliedAtMs - atMs) * 1000);
      applied += 1;
    }
    if (applied > 0) this.#underWay.splice(0, applied);
  }

  /** An installed snapshot has replaced what was under way: it will never be applied. */
  onReplaced(): void {
    this.#underWay = [];
  }
}
