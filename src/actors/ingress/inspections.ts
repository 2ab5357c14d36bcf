/**
 * @module
 * What the leader knows of each member, asked of raft: for `GET /cluster/members`, and for those here that decide by
 * it. All that wait share one question.
 */

import type { Inspected, MemberProgress } from "../protocol/ingress-raft.ts";
import { describeMembers } from "./member-list.ts";
import type { Parts } from "./parts.ts";
import type { Barrier, Reads } from "./reads.ts";

/** A list shows every change that was answered before it, unless this node does not catch up within this time. */
const catchUpMsMax = 1_000;

interface PendingList {
  readonly requestId: number;
  readonly deadlineMs: number;
  readonly catchUpByMs: number;
  barrier: Barrier | null;
}

type OnProgress = (progress: readonly MemberProgress[]) => void;

export class Inspections {
  readonly #parts: Parts;
  readonly #reads: Reads;
  readonly #pending = new Map<number, PendingList>();
  /** Of the question under way, and of the next one. */
  #asked: readonly OnProgress[] = [];
  #waiting: OnProgress[] = [];
  #inspectId = 0;
  #underWay = false;

  constructor(parts: Parts, reads: Reads) {
    this.#parts = parts;
    this.#reads = reads;
  }

  get pending(): number {
    return this.#pending.size;
  }

  onRequest(requestId: number, deadlineMs: number): void {
    const { nowMs, leadership } = this.#parts.standing;
    const list: PendingList = { requestId, deadlineMs, catchUpByMs: nowMs + catchUpMsMax, barrier: null };
    this.#pending.set(requestId, list);
    if (leadership.leaderId === null) this.#list(list);
    else list.barrier = this.#reads.barrier(() => this.#list(list));
  }

  cancel(requestId: number): void {
    this.#pending.get(requestId)?.barrier?.cancel();
    this.#pending.delete(requestId);
  }

  /** Calls back with what the leader says from now on; with nothing when no leader answers. */
  look(onProgress: OnProgress): void {
    this.#waiting.push(onProgress);
    if (!this.#underWay) this.#ask();
  }

  #list(list: PendingList): void {
    list.barrier?.cancel();
    list.barrier = null;
    this.look((progress) => {
      const { out, standing } = this.#parts;
      if (!this.#pending.delete(list.requestId)) return;
      const body = { members: describeMembers(standing.leadership, progress) };
      out.answer(list.requestId, { kind: "done", body, created: false });
    });
  }

  #ask(): void {
    this.#asked = this.#waiting;
    this.#waiting = [];
    this.#underWay = this.#asked.length > 0;
    if (this.#underWay) this.#parts.out.toRaft.push({ kind: "inspect", inspectId: ++this.#inspectId });
  }

  onInspected(message: Inspected): void {
    if (!this.#underWay || message.inspectId !== this.#inspectId) return;
    const asked = this.#asked;
    this.#ask();
    for (const onProgress of asked) onProgress(message.progress);
  }

  onTick(stopDeadlineMs: number): void {
    const { out, standing } = this.#parts;
    for (const list of this.#pending.values()) {
      if (standing.nowMs >= Math.min(list.deadlineMs, stopDeadlineMs)) {
        this.cancel(list.requestId);
        out.refuse(list.requestId, "TIMEOUT", "the members' progress was not learned in time");
      } else if (list.barrier !== null && standing.nowMs >= list.catchUpByMs) {
        this.#list(list);
      }
    }
  }
}
