/**
 * @module
 * What clients were told, held against what was committed: every answer names the revision at which it was true, so
 * an order that explains all of them is known, and only has to be checked against real time. That is
 * linearizability with its witness.
 */

import { errorKinds } from "../../../src/errors/codes.ts";
import type { IngressRequest, Outcome } from "../../../src/http/request.ts";
import type { Result } from "../../../src/kv/result.ts";
import type { KeyRead } from "../../../src/kv/state-view.ts";
import { plain } from "../../kv/plain.ts";
import { Violation, type World } from "../world.ts";
import type { Ledger } from "./ledger.ts";
import { type Executed, nameOf } from "./model.ts";
import { isSame, toldOf } from "./same.ts";

/** A request that somebody waits for. */
export interface Asked {
  readonly request: IngressRequest;
  /** What a read is to read; null when it only waits for the state. */
  readonly key: Uint8Array | null;
  /** The node that was asked, and what its commands are told by. */
  readonly node: string;
  readonly origin: number;
  /** The highest revision that anybody had been answered with when this was asked, with its idempotency key for the first time. */
  readonly floor: number;
  /** Configurations committed by then. */
  readonly configurations: number;
  readonly isLeader: boolean;
}

export class ClientWatch {
  readonly #world: World;
  readonly #ledger: Ledger;
  #acknowledged = 0;

  constructor(world: World, ledger: Ledger) {
    this.#world = world;
    this.#ledger = ledger;
  }

  /** The highest revision that anybody has been answered with. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  acknowledge(revision: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, revision);
  }

  /** `read` is what the node gives for the key in the moment of the answer. */
  onAnswer(asked: Asked, outcome: Outcome, read: () => KeyRead): void {
    this.#world.trace.note(`answer ${outcome.kind}`, asked.node, "");
    switch (outcome.kind) {
      case "applied":
        return this.#onApplied(asked, outcome);
      case "readable":
        return asked.key === null ? undefined : this.#onRead(asked, read());
      case "done":
        return this.#onDone(asked);
      case "refused":
        return this.#onRefused(asked, outcome);
      case "redirect":
    }
  }

  #onApplied(asked: Asked, { revision, result }: Outcome & { kind: "applied" }): void {
    const { node, request, floor } = asked;
    const executed = this.#executed(asked, revision, result);
    this.#check(executed !== null, "Outcomes are true", () => {
      const what = request.kind === "write" ? request.operation.kind : request.kind;
      return `${node} answers a ${what} with ${JSON.stringify(plain(result))} at revision ${revision}, and no command of its own came to that`;
    });
    const changed = executed?.changed ?? false;
    this.#check(changed ? revision > floor : revision >= floor, "Linearizability", () => {
      return `${node} answers a write with revision ${revision}, after one with ${floor} had been acknowledged`;
    });
    this.acknowledge(revision);
    this.#cover(result, executed?.repeated ?? false);
  }

  #executed({ request, node, origin }: Asked, revision: number, result: Result): Executed | null {
    const { model } = this.#ledger;
    if (request.kind === "write") return model.claim(nameOf(origin, request), revision, result);
    if (request.kind !== "keepAlive") return this.#fail(`${node} answers a ${request.kind} as a write`);
    const operation = { kind: "leaseKeepAlive", leaseIds: [request.leaseId] } as const;
    return model.find(nameOf(origin, { operation }), revision, result);
  }

  #cover(result: Result, repeated: boolean): void {
    const { coverage } = this.#world;
    coverage.sometimes("a write was applied");
    if (repeated) coverage.sometimes("a write was sent again and not executed again");
    if (result.kind === "conditionFailed") coverage.sometimes("a condition failed");
    if (result.kind === "leaseNotFound") coverage.sometimes("a put came too late for its lease");
    if (result.kind === "idempotencyMismatch") coverage.sometimes("an idempotency key was another request's");
    if (result.kind === "leasesKept" && result.leases.some(({ ttlMs }) => ttlMs > 0)) {
      coverage.sometimes("a lease was kept alive");
    }
    if (result.kind !== "txn") return;
    coverage.sometimes(result.succeeded ? "a transaction succeeded" : "a transaction took its other branch");
  }

  #onRead({ request, key, node, floor, isLeader }: Asked, { revision, record }: KeyRead): void {
    const isRead = request.kind === "read" || request.kind === "leaseRead";
    if (!isRead || key === null) return this.#fail(`${node} answers a ${request.kind} as a read`);
    const { model } = this.#ledger;
    const { coverage } = this.#world;
    const isStale = request.kind === "read" && request.stale;
    this.#check(revision >= request.minRevision, "Read safety", () => `${node} answers below the revision asked for`);
    if (isStale) {
      coverage.sometimes("a stale read was answered");
    } else {
      coverage.sometimes(isLeader ? "a linearizable read was answered" : "a linearizable read on a follower");
      if (request.kind === "leaseRead" && this.#world.swarm.leaseReads) coverage.sometimes("a lease answered a read");
      this.#check(revision >= floor, "Read safety", () => {
        return `${node} answers a read with revision ${revision}, after ${floor} had been acknowledged`;
      });
    }
    this.#check(revision <= model.revision, "Read safety", () => `${node} answers with revision ${revision} to come`);
    const expected = model.at(key, revision);
    const found = toldOf(record ?? null);
    this.#check(isSame(found, expected), "An answer's revision is the one of its value", () => {
      return `${node} reads ${JSON.stringify(plain(found))} at revision ${revision}, where it is ${JSON.stringify(expected)}`;
    });
    if (!isStale) this.acknowledge(revision);
  }

  /** A change of members that is called done has been committed since it was asked for, or held then. */
  #onDone({ request, node, configurations }: Asked): void {
    if (request.kind !== "changeMembers") return;
    const { change } = request;
    if (change.kind !== "join" && change.kind !== "remove") return;
    const id = change.kind === "join" ? change.member.nodeId : change.nodeId;
    const since = this.#ledger.configurations.slice(configurations - 1);
    const isDone = since.some(({ configuration }) => {
      return Object.hasOwn(configuration.members, id) === (change.kind === "join");
    });
    this.#check(isDone, "Outcomes are true", () => `${node} calls a ${change.kind} done that is not committed`);
    this.#world.coverage.sometimes(change.kind === "join" ? "a learner was promoted" : "a member was removed");
  }

  #onRefused({ request }: Asked, { code }: Outcome & { kind: "refused" }): void {
    const { coverage } = this.#world;
    if (request.kind === "read" || request.kind === "leaseRead") return coverage.sometimes("a read was given up");
    if (request.kind !== "write") return;
    if (code === "LEADERSHIP_LOST") coverage.sometimes("a write was settled by a snapshot");
    const isCertain = errorKinds[code].outcome === "not-applied";
    coverage.sometimes(isCertain ? "a write was refused for certain" : "a write ended unknown");
    // With an idempotency key, only its client knows of all times that it was sent.
    if (isCertain && request.idempotency === undefined) this.#ledger.model.disown(request.operation);
  }

  #check(holds: boolean, invariant: string, message: () => string): void {
    this.#world.check(holds, invariant, message);
  }

  #fail(message: string): never {
    throw new Violation("Outcomes are true", message);
  }
}
