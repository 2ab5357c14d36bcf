/**
 * @module
 * Answers to requests that change leases.
 */

import type { Result } from "../kv/result.ts";
import type { Exchange } from "./exchange.ts";
import { answerRefusal } from "./refusal.ts";
import { StateRefusal } from "./state-refusal.ts";

export function answerLease(exchange: Exchange, revision: number, result: Result): void {
  const headers = ["Balsa-Revision", String(revision)];
  switch (result.kind) {
    case "leaseGranted": {
      const id = String(result.leaseId);
      headers.push("Location", `/lease/${id}`);
      return exchange.json(201, { id, ttlMs: result.ttlMs }, headers);
    }
    case "leasesKept": {
      const [kept] = result.leases;
      if (kept === undefined || kept.ttlMs === 0) throw leaseNotFound(kept?.leaseId ?? 0, revision);
      return exchange.json(200, { id: String(kept.leaseId), ttlMs: kept.ttlMs }, headers);
    }
    case "leaseEnded":
      headers.push("Balsa-Deleted", String(result.deleted));
      return exchange.send(204, headers, "");
    default:
      return answerRefusal(exchange, result, headers);
  }
}

export function leaseNotFound(leaseId: number, revision: number): StateRefusal {
  return new StateRefusal("LEASE_NOT_FOUND", `there is no lease ${leaseId}`, revision);
}
