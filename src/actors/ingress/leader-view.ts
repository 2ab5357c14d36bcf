/**
 * @module
 * What the leader said last of each member's progress, asked for again while somebody decides by it.
 */

import type { MemberProgress } from "../protocol/ingress-raft.ts";
import type { Inspections } from "./inspections.ts";
import type { Parts } from "./parts.ts";

const refreshMs = 200;

export class LeaderView {
  readonly #parts: Parts;
  readonly #inspections: Inspections;
  #progress: ReadonlyMap<string, MemberProgress> = new Map();
  /** When the question was asked that gave it. */
  #ofMs = Number.NEGATIVE_INFINITY;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: Parts, inspections: Inspections) {
    this.#parts = parts;
    this.#inspections = inspections;
  }

  /** Null when the leader has said nothing since then: it is asked. */
  since(timeMs: number): ReadonlyMap<string, MemberProgress> | null {
    this.#refresh();
    return this.#ofMs >= timeMs ? this.#progress : null;
  }

  #refresh(): void {
    const askedAtMs = this.#parts.standing.nowMs;
    if (askedAtMs - this.#askedAtMs < refreshMs) return;
    this.#askedAtMs = askedAtMs;
    this.#inspections.look((progress) => {
      if (progress.length === 0) return;
      this.#progress = new Map(progress.map((member) => [member.id, member]));
      this.#ofMs = askedAtMs;
    });
  }
}
