/**
 * @module
 * Requests that want to be sent on to the leader instead of being carried there (`?redirect`).
 */

import type { IngressRequest } from "../../http/request.ts";
import type { Parts } from "./parts.ts";

export interface WaitingRedirect {
  readonly requestId: number;
  readonly request: IngressRequest;
  readonly deadlineMs: number;
}

export class Redirects {
  readonly #parts: Parts;
  readonly #waiting = new Map<number, WaitingRedirect>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get pending(): number {
    return this.#waiting.size;
  }

  /** Answers with the leader's address, or waits for a leader; false when this node leads and shall serve it itself. */
  take(requestId: number, request: IngressRequest, deadlineMs: number): boolean {
    if (this.#parts.standing.leadership.leaderId === this.#parts.limits.nodeId) return false;
    if (!this.#sendOn(requestId)) this.#waiting.set(requestId, { requestId, request, deadlineMs });
    return true;
  }

  cancel(requestId: number): void {
    this.#waiting.delete(requestId);
  }

  /** Sends on what waits; gives what this node, now the leader, shall serve itself. */
  onLeadershipChanged(): readonly WaitingRedirect[] {
    const own: WaitingRedirect[] = [];
    const leads = this.#parts.standing.leadership.leaderId === this.#parts.limits.nodeId;
    for (const waiting of this.#waiting.values()) {
      if (leads) own.push(waiting);
      if (leads || this.#sendOn(waiting.requestId)) this.#waiting.delete(waiting.requestId);
    }
    return own;
  }

  #sendOn(requestId: number): boolean {
    const { leaderId, configuration } = this.#parts.standing.leadership;
    if (leaderId === null || !Object.hasOwn(configuration.members, leaderId)) return false;
    const leader = configuration.members[leaderId];
    if (leader === undefined || leader.httpAddr === "") return false;
    this.#parts.out.answer(requestId, { kind: "redirect", httpAddr: leader.httpAddr });
    return true;
  }

  onTick(stopDeadlineMs: number): void {
    const { nowMs } = this.#parts.standing;
    for (const { requestId, deadlineMs } of this.#waiting.values()) {
      if (nowMs < Math.min(deadlineMs, stopDeadlineMs)) continue;
      this.#waiting.delete(requestId);
      if (nowMs >= stopDeadlineMs) this.#parts.out.refuse(requestId, "SHUTTING_DOWN", "this node is shutting down");
      else this.#parts.out.refuse(requestId, "NO_LEADER", "no leader to redirect to is known");
    }
  }
}
