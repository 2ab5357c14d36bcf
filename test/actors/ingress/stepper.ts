/**
 * @module
 * The ingress actor stepped by hand, and short words for what goes in and comes out.
 */

import type { Effects } from "../../../src/actors/ingress/outbox.ts";
import type { IngressLimits } from "../../../src/actors/ingress/parts.ts";
import { createIngress, type Ingress, type IngressInput } from "../../../src/actors/ingress/turn.ts";
import type {
  IngressToRaft,
  LeadershipChanged,
  Propose,
  RaftToIngress,
} from "../../../src/actors/protocol/ingress-raft.ts";
import type { BatchApplied, StoreToIngress } from "../../../src/actors/protocol/store-ingress.ts";
import { decodeCommand } from "../../../src/codec/command.ts";
import type { IngressRequest } from "../../../src/http/request.ts";
import { resultToWire } from "../../../src/kv/result.ts";
import { emptyConfiguration } from "../../../src/raft/types.ts";

export const limits: IngressLimits = {
  nodeId: "n1",
  origin: 5,
  pendingRequestsMax: 8,
  proposalsInFlightMax: 4,
  pendingBytesMax: 1000,
  proposedBytesMax: 1000,
  queuedMsMax: 60_000,
  slabBytesMax: 500,
  gathering: { writersMin: 100, share: 1, commandsMax: 100, bytesMax: 1000, behindMsMax: 10, returnMsMax: 2 },
  leaseReads: false,
};
export const stale: IngressRequest = { kind: "read", stale: true, minRevision: 9, redirect: false };
export const linearizable: IngressRequest = { kind: "read", stale: false, minRevision: 0, redirect: false };

/** Steps an ingress, keeping time and the last effects. */
export class Stepper {
  readonly ingress: Ingress;
  nowMs = 0;
  #requests = 0;

  constructor(changes: Partial<IngressLimits> = {}) {
    this.ingress = createIngress({ ...limits, ...changes });
  }

  turn(...inputs: readonly IngressInput[]): Effects {
    return this.ingress.turn(inputs, { nowMs: this.nowMs, appliedIndex: 0, revision: 0 });
  }

  /** Ready to serve: a leader in `term`, the state open. */
  lead(term = 1, leaderId: string | null = "n1"): Effects {
    return this.turn({ kind: "viewOpened", generation: 1 }, raft(leadership(term, leaderId)));
  }

  ask(request: IngressRequest, timeoutMs = 1000): IngressInput {
    return { kind: "request", requestId: ++this.#requests, request, deadlineMs: this.nowMs + timeoutMs };
  }

  /** `key`: its idempotency key, empty for none. */
  put(timeoutMs?: number, valueBytes = 1, key = ""): IngressInput {
    const operation = {
      kind: "put",
      key: Uint8Array.of(1),
      value: new Uint8Array(valueBytes),
      leaseId: 0,
      condition: { kind: "none" },
    } as const;
    const write = { kind: "write", operation, redirect: false } as const;
    if (key === "") return this.ask(write, timeoutMs);
    const idempotency = { key: Buffer.from(key), requestHash: new Uint8Array(16) };
    return this.ask({ ...write, idempotency }, timeoutMs);
  }

  tickAt(nowMs: number): Effects {
    this.nowMs = nowMs;
    return this.turn({ kind: "tick" });
  }
}

export function raft(...messages: readonly RaftToIngress[]): IngressInput {
  return { kind: "raft", messages };
}

export function store(...messages: readonly StoreToIngress[]): IngressInput {
  return { kind: "store", messages };
}

export function leadership(term: number, leaderId: string | null): LeadershipChanged {
  return {
    kind: "leadershipChanged",
    role: leaderId === "n1" ? "leader" : "follower",
    term,
    leaderId,
    configuration: emptyConfiguration,
    removed: false,
  };
}

/** The sequences given were put, each at the revision of its number. */
export function applied(appliedTerm: number, appliedIndex: number, ...sequences: readonly number[]): BatchApplied {
  return {
    kind: "batchApplied",
    appliedIndex,
    appliedTerm,
    revision: appliedIndex,
    results: sequences.map((sequence) => [sequence, sequence, resultToWire({ kind: "put", modRevision: sequence })]),
  };
}

export function proposals(effects: Effects): Propose[] {
  return effects.toRaft.filter((message: IngressToRaft) => message.kind === "propose");
}

export function sequencesOf(propose: Propose | undefined): number[] {
  let start = 0;
  return (propose?.ends ?? []).map((end) => {
    const command = decodeCommand((propose?.slab ?? new Uint8Array(0)).subarray(start, end));
    start = end;
    return command.sequence;
  });
}

/** `requestId code` of what was refused, `requestId kind` of the rest. */
export function answersOf(effects: Effects): string[] {
  return effects.answers.map(({ requestId, outcome }) =>
    outcome.kind === "refused" ? `${requestId} ${outcome.code}` : `${requestId} ${outcome.kind}`,
  );
}

export const accepted = (proposalId: number, term: number): IngressInput =>
  raft({ kind: "proposalAccepted", proposalId, term });
export const noLeader = (proposalId: number): IngressInput =>
  raft({ kind: "proposalRefused", proposalId, reason: "noLeader" });
