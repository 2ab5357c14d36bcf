/**
 * @module
 * Leadership handed over on request (`POST /cluster/transfer`, dissertation §3.10).
 */

import type { LeaderView } from "./leader-view.ts";
import type { Parts } from "./parts.ts";

/**
 * The request to hand over may be lost on its way to the leader, so it is repeated; not sooner, since a leader takes
 * no proposals while it waits for the other, and gives up by itself.
 */
const repeatMs = 2_000;

interface PendingTransfer {
  readonly requestId: number;
  readonly transferee: string;
  readonly deadlineMs: number;
  readonly admittedMs: number;
  askedAtMs: number;
  /** Whether the leader said of the other that it hears it. */
  healthy: boolean;
}

export class Transfers {
  readonly #parts: Parts;
  readonly #view: LeaderView;
  readonly #pending = new Map<number, PendingTransfer>();

  constructor(parts: Parts, view: LeaderView) {
    this.#parts = parts;
    this.#view = view;
  }

  get pending(): number {
    return this.#pending.size;
  }

  onRequest(requestId: number, transferee: string, deadlineMs: number): void {
    const admittedMs = this.#parts.standing.nowMs;
    const askedAtMs = Number.NEGATIVE_INFINITY;
    const transfer = { requestId, transferee, deadlineMs, admittedMs, askedAtMs, healthy: true };
    this.#pending.set(requestId, transfer);
    this.#advance(transfer);
  }

  cancel(requestId: number): void {
    this.#pending.delete(requestId);
  }

  /** Leadership, the members or the leader's view of them have changed. */
  onNews(): void {
    for (const transfer of this.#pending.values()) this.#advance(transfer);
  }

  #advance(transfer: PendingTransfer): void {
    const { out, standing } = this.#parts;
    const { leaderId, configuration } = standing.leadership;
    const { requestId, transferee } = transfer;
    if (leaderId === null) return;
    if (!Object.hasOwn(configuration.members, transferee)) {
      this.#pending.delete(requestId);
      out.refuse(requestId, "MEMBER_NOT_FOUND", `no member is called ${transferee}`);
    } else if (!configuration.voters.includes(transferee)) {
      this.#pending.delete(requestId);
      out.refuse(requestId, "BAD_REQUEST", `${transferee} is a learner and cannot lead`);
    } else if (leaderId === transferee) {
      this.#pending.delete(requestId);
      out.answer(requestId, { kind: "done", body: { leader: transferee }, created: false });
    } else if (standing.nowMs - transfer.askedAtMs >= repeatMs) {
      this.#ask(transfer);
    }
  }

  /** Only one that the leader hears: to wait for a dead one would stop all writes for an election timeout. */
  #ask(transfer: PendingTransfer): void {
    const { out, standing } = this.#parts;
    const progress = this.#view.since(transfer.admittedMs);
    if (progress === null) return;
    transfer.healthy = progress.get(transfer.transferee)?.healthy === true;
    if (!transfer.healthy) return;
    transfer.askedAtMs = standing.nowMs;
    out.toRaft.push({ kind: "transferLeadership", transferee: transfer.transferee });
  }

  onTick(stopDeadlineMs: number): void {
    const { out, standing } = this.#parts;
    for (const transfer of this.#pending.values()) {
      const { requestId, transferee, deadlineMs, healthy } = transfer;
      if (standing.nowMs < Math.min(deadlineMs, stopDeadlineMs)) {
        this.#advance(transfer);
        continue;
      }
      this.#pending.delete(requestId);
      const why = healthy ? "" : `; ${standing.leadership.leaderId ?? "the leader"} does not hear it`;
      out.refuse(requestId, "TIMEOUT", `${transferee} did not take over in time${why}`);
    }
  }
}
