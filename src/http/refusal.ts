/**
 * @module
 * What a command that changed nothing is answered with.
 */

import { machineLimits } from "../kv/limits.ts";
import type { Refusal, Result } from "../kv/result.ts";
import type { Exchange } from "./exchange.ts";

/** Answers a refusal as its kind says; anything else as the failure of this node. `headers` is extended. */
export function answerRefusal(exchange: Exchange, result: Result, headers: string[]): void {
  switch (result.kind) {
    case "conditionFailed":
      if (result.modRevision > 0) headers.push("ETag", `"${result.modRevision}"`);
      return exchange.refuse("PRECONDITION_FAILED", conditionDetail(result.modRevision), headers);
    case "leaseNotFound":
      return exchange.refuse("LEASE_NOT_FOUND", `there is no lease ${result.leaseId}`, headers);
    case "leaseFull":
      return exchange.refuse(
        "BAD_REQUEST",
        `lease ${result.leaseId} holds as many keys, or bytes, as one may`,
        headers,
      );
    case "alreadyCompacted":
      return exchange.refuse("COMPACTED", compactedDetail(result.compactedRevision), headers);
    case "wrongRevision":
      return exchange.refuse("BAD_REQUEST", wrongRevisionDetail(result), headers);
    case "keyChangedTwice":
      return exchange.refuse("BAD_REQUEST", "one way through the transaction changes a key twice", headers);
    case "tooLarge":
      return exchange.refuse("BAD_REQUEST", tooLargeDetail(result), headers);
    case "idempotencyMismatch":
      return exchange.refuse("IDEMPOTENCY_MISMATCH", "this Idempotency-Key was sent with another request", headers);
    case "sessionsFull":
      return exchange.refuse("OVERLOADED", "the cluster remembers as many idempotency keys as it can", headers);
    default:
      return exchange.refuse("INTERNAL", `a ${result.kind} is not what was asked for`, headers);
  }
}

export function compactedDetail(compactedRevision: number): string {
  return `what was before revision ${compactedRevision} is compacted`;
}

function conditionDetail(modRevision: number): string {
  return modRevision === 0 ? "the key does not exist" : `the key stands at revision ${modRevision}`;
}

function wrongRevisionDetail({ revision }: Extract<Refusal, { kind: "wrongRevision" }>): string {
  return `a store can be compacted from revision 1 to where it stands, which is ${revision}`;
}

function tooLargeDetail({ what }: Extract<Refusal, { kind: "tooLarge" }>): string {
  const { deletedKeysMax, deletedBytesMax, resultBytesMax, resultKeysMax } = machineLimits;
  return what === "deletion"
    ? `it would delete more than ${deletedKeysMax} keys or ${deletedBytesMax} bytes in one command: delete smaller ranges`
    : `its answer would be larger than ${resultBytesMax} bytes or ${resultKeysMax} keys: ask for fewer keys, or without their values`;
}
