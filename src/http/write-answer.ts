/**
 * @module
 * Answers to writes of keys: what they did, or why they did nothing.
 */

import type { Result } from "../kv/result.ts";
import type { Exchange } from "./exchange.ts";
import { answerRefusal } from "./refusal.ts";
import type { Outcome } from "./request.ts";

export function answerWrite(exchange: Exchange, revision: number, result: Result): void {
  const headers = ["Balsa-Revision", String(revision)];
  switch (result.kind) {
    case "put":
      headers.push("ETag", `"${result.modRevision}"`);
      if (result.leaseId !== undefined) headers.push("Balsa-Lease", String(result.leaseId));
      return exchange.send(204, headers, "");
    case "deleted":
      headers.push("Balsa-Deleted", String(result.deleted));
      return exchange.send(204, headers, "");
    case "putAll":
      return exchange.json(200, { revision }, headers);
    case "compacted":
      return exchange.json(200, { compactedRevision: result.compactedRevision }, headers);
    default:
      return answerRefusal(exchange, result, headers);
  }
}

export function answerDeletedRange(exchange: Exchange, outcome: Outcome): void {
  if (outcome.kind !== "applied") return;
  const { revision, result } = outcome;
  const headers = ["Balsa-Revision", String(revision)];
  if (result.kind === "deleted") exchange.json(200, { deleted: result.deleted, revision }, headers);
  else answerRefusal(exchange, result, headers);
}
