/**
 * @module
 * Leadership handed over on request (`POST /cluster/transfer`, dissertation §3.10).
 */

import type { Parts } from "./parts.ts";

/** The request to hand over may be lost on its way to the leader, so it is repeated. */
const repeatMs = 500;

interface PendingTransfer {
  readonly requestId: number;
  readonly transferee: string;
  readonly deadlineMs: number;
  askedAtMs: number;
}

export class Transfers {
  readonly #parts: Parts;
  readonly #pending = new Map<number, PendingTransfer>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get pending(): number {
    return this.#pending.size;
  }

  onRequest(requestId: number, transferee: string, deadlineMs: number): void {
    const transfer = { requestId, transferee, deadlineMs, askedAtMs: Number.NEGATIVE_INFINITY };
    this.#pending.set(requestId, transfer);
    this.#advance(transfer);
  }

  cancel(requestId: number): void {
    this.#pending.delete(requestId);
  }

  onLeadershipChanged(): void {
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
      out.answer(requestId, { kind: "done", body: { leader: transferee } });
    } else if (standing.nowMs - transfer.askedAtMs >= repeatMs) {
      transfer.askedAtMs = standing.nowMs;
      out.toRaft.push({ kind: "transferLeadership", transferee });
    }
  }

  onTick(stopDeadlineMs: number): void {
    const { out, standing } = this.#parts;
    for (const transfer of this.#pending.values()) {
      const { requestId, transferee, deadlineMs } = transfer;
      if (standing.nowMs < Math.min(deadlineMs, stopDeadlineMs)) {
        this.#advance(transfer);
        continue;
      }
      this.#pending.delete(requestId);
      out.refuse(requestId, "TIMEOUT", `${transferee} did not take over in time`);
    }
  }
}
