/**
 * @module
 * The members with the leader's view of each (`GET /cluster/members`); all that wait share one question.
 */

import type { Inspected } from "../protocol/ingress-raft.ts";
import { describeMembers } from "./member-list.ts";
import type { Parts } from "./parts.ts";

export class Inspections {
  readonly #parts: Parts;
  /** Request id to deadline. */
  readonly #pending = new Map<number, number>();
  /** Requests that the question under way answers. */
  #asked: readonly number[] = [];
  #waiting: number[] = [];
  #inspectId = 0;
  #underWay = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get pending(): number {
    return this.#pending.size;
  }

  onRequest(requestId: number, deadlineMs: number): void {
    this.#pending.set(requestId, deadlineMs);
    this.#waiting.push(requestId);
    if (!this.#underWay) this.#ask();
  }

  cancel(requestId: number): void {
    this.#pending.delete(requestId);
  }

  #ask(): void {
    this.#asked = this.#waiting;
    this.#waiting = [];
    this.#underWay = this.#asked.length > 0;
    if (this.#underWay) this.#parts.out.toRaft.push({ kind: "inspect", inspectId: ++this.#inspectId });
  }

  onInspected(message: Inspected): void {
    if (!this.#underWay || message.inspectId !== this.#inspectId) return;
    const body = { members: describeMembers(this.#parts.standing.leadership, message.progress) };
    for (const requestId of this.#asked) {
      if (this.#pending.delete(requestId)) this.#parts.out.answer(requestId, { kind: "done", body });
    }
    this.#ask();
  }

  onTick(stopDeadlineMs: number): void {
    const { out, standing } = this.#parts;
    for (const [requestId, deadlineMs] of this.#pending) {
      if (standing.nowMs < Math.min(deadlineMs, stopDeadlineMs)) continue;
      this.#pending.delete(requestId);
      out.refuse(requestId, "TIMEOUT", "the members' progress was not learned in time");
    }
    if (!this.#underWay || this.#asked.some((requestId) => this.#pending.has(requestId))) return;
    this.#waiting = this.#waiting.filter((requestId) => this.#pending.has(requestId));
    this.#ask();
  }
}
