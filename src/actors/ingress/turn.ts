/**
 * @module
 * The ingress actor as a step function: what clients ask and what raft and store say goes in, answers and messages
 * come out. No thread, socket or clock is in here.
 */

import { unreachable } from "../../errors/assert.ts";
import type { IngressRequest } from "../../http/request.ts";
import { emptyConfiguration } from "../../raft/types.ts";
import type { LeadershipChanged, RaftToIngress } from "../protocol/ingress-raft.ts";
import type { StoreToIngress } from "../protocol/store-ingress.ts";
import { Inspections } from "./inspections.ts";
import { KeepAlives } from "./keep-alives.ts";
import { LeaderView } from "./leader-view.ts";
import { Membership } from "./membership.ts";
import { type Effects, Outbox } from "./outbox.ts";
import type { IngressLimits, Standing } from "./parts.ts";
import { Reads } from "./reads.ts";
import { Redirects } from "./redirects.ts";
import { Transfers } from "./transfers.ts";
import { Writes } from "./writes.ts";

export type IngressInput =
  /** `deadlineMs` is of the clock that `Seen.nowMs` reads. Ids are never used twice. */
  | {
      readonly kind: "request";
      readonly requestId: number;
      readonly request: IngressRequest;
      readonly deadlineMs: number;
    }
  | { readonly kind: "cancelled"; readonly requestId: number }
  | { readonly kind: "raft"; readonly messages: readonly RaftToIngress[] }
  | { readonly kind: "store"; readonly messages: readonly StoreToIngress[] }
  /** Reads go to that generation now, and older ones are closed. */
  | { readonly kind: "viewOpened"; readonly generation: number }
  /** More is to be seen on the board than when the last turn began. */
  | { readonly kind: "stateMoved" }
  /** `wakeAtMs` has come. */
  | { readonly kind: "woken" }
  | { readonly kind: "tick" }
  /** Everything pending is to be settled by then. */
  | { readonly kind: "stop"; readonly deadlineMs: number };

/** What the owner sees when a turn begins. */
export interface Seen {
  /** Monotonic. */
  readonly nowMs: number;
  /** The board's: at least this much is applied and readable. */
  readonly appliedIndex: number;
  readonly revision: number;
}

export class Ingress {
  readonly #limits: IngressLimits;
  readonly #standing: Standing;
  readonly #out = new Outbox();
  readonly #writes: Writes;
  readonly #keepAlives: KeepAlives;
  readonly #reads: Reads;
  readonly #redirects: Redirects;
  readonly #membership: Membership;
  readonly #transfers: Transfers;
  readonly #inspections: Inspections;
  #stopDeadlineMs = Number.POSITIVE_INFINITY;

  constructor(limits: IngressLimits) {
    this.#limits = limits;
    this.#standing = {
      nowMs: 0,
      appliedIndex: 0,
      revision: 0,
      appliedTerm: 0,
      readable: false,
      leadership: {
        kind: "leadershipChanged",
        role: "follower",
        term: 0,
        leaderId: null,
        configuration: emptyConfiguration,
        removed: false,
      },
      alarms: [],
    };
    const parts = { limits, standing: this.#standing, out: this.#out };
    this.#writes = new Writes(parts);
    this.#keepAlives = new KeepAlives(parts, this.#writes);
    this.#reads = new Reads(parts);
    this.#redirects = new Redirects(parts);
    this.#inspections = new Inspections(parts, this.#reads);
    const view = new LeaderView(parts, this.#inspections);
    this.#membership = new Membership(parts, this.#reads, view);
    this.#transfers = new Transfers(parts, view);
  }

  /** As of the last turn. */
  get standing(): Readonly<Standing> {
    return this.#standing;
  }

  /** Requests that wait for an answer. */
  get pending(): number {
    return (
      this.#writes.pending +
      this.#keepAlives.pending +
      this.#reads.pending +
      this.#redirects.pending +
      this.#membership.pending +
      this.#transfers.pending +
      this.#inspections.pending
    );
  }

  /** Commands that raft has and that are not known to be applied or lost. */
  get inFlight(): number {
    return this.#writes.inFlight;
  }

  /** Whether something waits for the state to move on: then nothing is held back, and every batch is heard of. */
  get awaitsState(): boolean {
    return this.#writes.inFlight > 0 || this.#reads.awaitsState;
  }

  /** When another turn is due although nothing happens, on the clock of `Seen.nowMs`; 0 for never. */
  get wakeAtMs(): number {
    return this.#writes.wakeAtMs;
  }

  turn(inputs: readonly IngressInput[], seen: Seen): Effects {
    const standing = this.#standing;
    standing.nowMs = seen.nowMs;
    standing.appliedIndex = Math.max(standing.appliedIndex, seen.appliedIndex);
    standing.revision = Math.max(standing.revision, seen.revision);
    for (const input of inputs) this.#on(input);
    this.#keepAlives.flush();
    this.#writes.flush();
    this.#reads.flush();
    return this.#out.take();
  }

  #on(input: IngressInput): void {
    switch (input.kind) {
      case "request":
        return this.#onRequest(input.requestId, input.request, input.deadlineMs);
      case "raft":
        for (const message of input.messages) this.#onRaft(message);
        return;
      case "store":
        for (const message of input.messages) this.#onStore(message);
        return;
      case "cancelled":
        return this.#onCancelled(input.requestId);
      case "viewOpened":
        this.#standing.readable = true;
        this.#out.toStore.push({ kind: "generationEntered", generation: input.generation });
        return;
      case "stateMoved":
      case "woken":
        // `Seen` says it, and the end of the turn does what waited for it.
        return;
      case "tick":
        return this.#onTick();
      case "stop":
        this.#stopDeadlineMs = input.deadlineMs;
        return;
      default:
        unreachable(input);
    }
  }

  #onRequest(requestId: number, request: IngressRequest, askedDeadlineMs: number): void {
    if (this.pending >= this.#limits.pendingRequestsMax) {
      this.#out.refuse(requestId, "OVERLOADED", "too many requests wait at this node");
      return;
    }
    const deadlineMs = Math.min(askedDeadlineMs, this.#stopDeadlineMs);
    if ("redirect" in request && request.redirect && this.#redirects.take(requestId, request, deadlineMs)) return;
    this.#admit(requestId, request, deadlineMs);
  }

  #admit(requestId: number, request: IngressRequest, deadlineMs: number): void {
    switch (request.kind) {
      case "write":
        return this.#writes.onRequest(requestId, request, deadlineMs);
      case "keepAlive":
        return this.#keepAlives.onRequest(requestId, request.leaseId, deadlineMs);
      case "read":
        return this.#reads.onRequest(requestId, request.stale, request.minRevision, deadlineMs);
      case "leaseRead":
        return this.#reads.onLeaseRequest(requestId, request.minRevision, deadlineMs);
      case "changeMembers": {
        const { change, reachMsMax } = request;
        return this.#membership.onRequest(requestId, { change, deadlineMs, reachMsMax });
      }
      case "transfer":
        return this.#transfers.onRequest(requestId, request.nodeId, deadlineMs);
      case "members":
        return this.#inspections.onRequest(requestId, deadlineMs);
      default:
        unreachable(request);
    }
  }

  #onCancelled(requestId: number): void {
    this.#writes.cancel(requestId);
    this.#keepAlives.cancel(requestId);
    this.#reads.cancel(requestId);
    this.#redirects.cancel(requestId);
    this.#membership.cancel(requestId);
    this.#transfers.cancel(requestId);
    this.#inspections.cancel(requestId);
  }

  #onRaft(message: RaftToIngress): void {
    switch (message.kind) {
      case "proposalAccepted":
        if (!this.#membership.onAccepted(message)) this.#writes.onAccepted(message);
        return;
      case "proposalRefused":
        if (!this.#membership.onRefused(message)) this.#writes.onRefused(message);
        return;
      case "readGranted":
        return this.#reads.onGranted(message);
      case "readRefused":
        return this.#reads.onRefused(message);
      case "leadershipChanged":
        return this.#onLeadershipChanged(message);
      case "inspected":
        this.#inspections.onInspected(message);
        return this.#onMembersNews();
      case "alarmsChanged":
        this.#standing.alarms = message.alarms;
        return;
      default:
        unreachable(message);
    }
  }

  #onLeadershipChanged(message: LeadershipChanged): void {
    this.#standing.leadership = message;
    this.#writes.unblock();
    this.#reads.unblock();
    this.#onMembersNews();
    for (const waiting of this.#redirects.onLeadershipChanged()) {
      this.#admit(waiting.requestId, waiting.request, waiting.deadlineMs);
    }
  }

  #onMembersNews(): void {
    this.#membership.onNews();
    this.#transfers.onNews();
  }

  #onStore(message: StoreToIngress): void {
    const standing = this.#standing;
    switch (message.kind) {
      case "generationReady":
        this.#writes.onOvertaken(message.overtakenTerm);
        this.#out.openView = { generation: message.generation, path: message.path };
        return;
      case "batchApplied":
        standing.appliedIndex = Math.max(standing.appliedIndex, message.appliedIndex);
        standing.revision = Math.max(standing.revision, message.revision);
        for (const result of message.results) this.#writes.onResult(result);
        if (message.appliedTerm > standing.appliedTerm) {
          standing.appliedTerm = message.appliedTerm;
          this.#writes.onTermApplied();
        }
        return;
      default:
        unreachable(message);
    }
  }

  #onTick(): void {
    const stopping = this.#stopDeadlineMs;
    this.#writes.onTick(stopping);
    this.#keepAlives.onTick();
    this.#reads.onTick(stopping);
    this.#redirects.onTick(stopping);
    this.#membership.onTick(stopping);
    this.#transfers.onTick(stopping);
    this.#inspections.onTick(stopping);
  }
}

export function createIngress(limits: IngressLimits): Ingress {
  return new Ingress(limits);
}
