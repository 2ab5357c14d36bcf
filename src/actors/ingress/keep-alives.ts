/**
 * @module
 * Keep-alives of leases: all that come in one turn go in one command.
 */

import { keepAliveLeasesMax } from "../../kv/limits.ts";
import type { Parts } from "./parts.ts";
import type { Writes } from "./writes.ts";

interface PendingKeepAlive {
  readonly requestId: number;
  readonly leaseId: number;
  readonly deadlineMs: number;
}

export class KeepAlives {
  readonly #parts: Parts;
  readonly #writes: Writes;
  readonly #pending = new Map<number, PendingKeepAlive>();
  /** Of this turn. */
  #gathered: PendingKeepAlive[] = [];

  constructor(parts: Parts, writes: Writes) {
    this.#parts = parts;
    this.#writes = writes;
  }

  get pending(): number {
    return this.#pending.size;
  }

  onRequest(requestId: number, leaseId: number, deadlineMs: number): void {
    const keepAlive = { requestId, leaseId, deadlineMs };
    this.#pending.set(requestId, keepAlive);
    this.#gathered.push(keepAlive);
  }

  cancel(requestId: number): void {
    this.#pending.delete(requestId);
  }

  /** Makes commands of what has come; to be called before the writes are flushed. */
  flush(): void {
    if (this.#gathered.length === 0) return;
    const gathered = this.#gathered.filter(({ requestId }) => this.#pending.has(requestId));
    this.#gathered = [];
    let leases = new Map<number, PendingKeepAlive[]>();
    for (const keepAlive of gathered) {
      const sharing = leases.get(keepAlive.leaseId);
      if (sharing !== undefined) sharing.push(keepAlive);
      else leases.set(keepAlive.leaseId, [keepAlive]);
      if (leases.size < keepAliveLeasesMax) continue;
      this.#submit(leases);
      leases = new Map();
    }
    if (leases.size > 0) this.#submit(leases);
  }

  /** The command may wait as long as the most patient of them; each is told when its own time is over. */
  #submit(leases: ReadonlyMap<number, readonly PendingKeepAlive[]>): void {
    const sharing = [...leases.values()].flat();
    const deadlineMs = Math.max(...sharing.map((keepAlive) => keepAlive.deadlineMs));
    const operation = { kind: "leaseKeepAlive", leaseIds: [...leases.keys()] } as const;
    this.#writes.onShared({ operation }, deadlineMs, (outcome, milestones) => {
      const { out } = this.#parts;
      const kept = outcome.kind === "applied" && outcome.result.kind === "leasesKept" ? outcome.result.leases : [];
      const ttls = new Map(kept.map(({ leaseId, ttlMs }) => [leaseId, ttlMs]));
      for (const { requestId, leaseId } of sharing) {
        if (!this.#pending.delete(requestId)) continue;
        if (outcome.kind !== "applied") {
          out.answer(requestId, outcome, milestones);
          continue;
        }
        const own = { leaseId, ttlMs: ttls.get(leaseId) ?? 0 };
        const result = { kind: "leasesKept", leases: [own] } as const;
        out.answer(requestId, { kind: "applied", revision: outcome.revision, result }, milestones);
      }
    });
  }

  /** Whose own time is over while the command of all waits on. */
  onTick(): void {
    const { out, standing } = this.#parts;
    for (const { requestId, deadlineMs } of this.#pending.values()) {
      if (standing.nowMs < deadlineMs) continue;
      this.#pending.delete(requestId);
      out.refuse(requestId, "TIMEOUT", "the keep-alive was not applied here in time");
    }
  }
}
