/**
 * @module
 * What clients were told, held against what was committed: every answer names the revision at which it was true, so
 * an order that explains all of them is known, and only has to be checked against real time. That is
 * linearizability with its witness.
 */

import { errorKinds } from "../../../src/errors/codes.ts";
import type { IngressRequest, Outcome } from "../../../src/http/request.ts";
import type { Operation } from "../../../src/kv/command.ts";
import type { KeyRead } from "../../../src/kv/state-view.ts";
import type { World } from "../world.ts";
import type { Ledger } from "./ledger.ts";
import { textOf } from "./model.ts";

/** A request that somebody waits for. */
export interface Asked {
  readonly request: IngressRequest;
  /** What a read is to read. */
  readonly key: Uint8Array | null;
  /** The node that was asked, and what its commands are told by. */
  readonly node: string;
  readonly origin: number;
  /** The highest revision that anybody had been answered with when this was asked. */
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

  asked(asked: Omit<Asked, "floor" | "configurations">): Asked {
    return { ...asked, floor: this.#acknowledged, configurations: this.#ledger.configurations.length };
  }

  /** `read` is what the node gives for the key in the moment of the answer. */
  onAnswer(asked: Asked, outcome: Outcome, read: () => KeyRead): void {
    this.#world.trace.note(`answer ${outcome.kind}`, asked.node, "");
    switch (outcome.kind) {
      case "applied":
        return this.#onApplied(asked, outcome);
      case "readable":
        return this.#onRead(asked, read());
      case "done":
        return this.#onDone(asked);
      case "refused":
        return this.#onRefused(asked, outcome);
      case "redirect":
    }
  }

  onRead(asked: Asked, read: KeyRead): void {
    this.#onRead(asked, read);
  }

  #onApplied({ request, node, origin, floor }: Asked, { revision, result }: Outcome & { kind: "applied" }): void {
    const { model } = this.#ledger;
    if (request.kind !== "write")
      return this.#fail("Outcomes are true", `${node} answers a ${request.kind} as a write`);
    const { operation } = request;
    const hasChanged =
      result.kind === "put" || result.kind === "putAll" || (result.kind === "deleted" && result.deleted > 0);
    this.#check(hasChanged ? revision > floor : revision >= floor, "Linearizability", () => {
      return `${node} answers a write with revision ${revision}, after one with ${floor} had been acknowledged`;
    });
    this.#world.coverage.sometimes("a write was applied");
    if (hasChanged) {
      const taken = model.takenBy(revision);
      const isIt = taken?.origin === origin && isSame(taken.operation, operation);
      this.#check(
        isIt,
        "Outcomes are true",
        () => `${node} says that revision ${revision} is its client's ${operation.kind}`,
      );
      if (result.kind === "put") {
        this.#check(result.modRevision === revision, "Outcomes are true", () => `${node} gives another modRevision`);
      }
    } else {
      this.#checkUnchanged(node, operation, revision, result);
    }
    this.#acknowledged = Math.max(this.#acknowledged, revision);
  }

  /** Nothing was changed: at that revision there was nothing to change, or the condition did not hold. */
  #checkUnchanged(node: string, operation: Operation, revision: number, result: object): void {
    if (operation.kind !== "put" && operation.kind !== "delete") {
      return this.#fail("Outcomes are true", `${node} has changed nothing by ${operation.kind}`);
    }
    this.#check(revision <= this.#ledger.model.revision, "Outcomes are true", () => `revision ${revision} is to come`);
    const present = this.#ledger.model.at(operation.key, revision);
    const modRevision = present.value === null ? 0 : present.revision;
    if ("deleted" in result) {
      return this.#check(modRevision === 0, "Outcomes are true", () => `${node} found no key that is there`);
    }
    this.#world.coverage.sometimes("a condition failed");
    const isTrue = "modRevision" in result && result.modRevision === modRevision && !holds(operation, modRevision);
    this.#check(isTrue, "Outcomes are true", () => `${node} refuses a condition that holds at revision ${revision}`);
  }

  #onRead({ request, key, node, floor, isLeader }: Asked, { revision, record }: KeyRead): void {
    if (request.kind !== "read" || key === null) {
      return this.#fail("Outcomes are true", `${node} answers a ${request.kind} as a read`);
    }
    const { model } = this.#ledger;
    const { coverage } = this.#world;
    if (request.stale) {
      coverage.sometimes("a stale read was answered");
      this.#check(revision >= request.minRevision, "Read safety", () => `${node} answers below the revision asked for`);
    } else {
      coverage.sometimes(isLeader ? "a linearizable read was answered" : "a linearizable read on a follower");
      this.#check(revision >= floor, "Read safety", () => {
        return `${node} answers a read with revision ${revision}, after ${floor} had been acknowledged`;
      });
    }
    const expected = model.at(key, revision);
    const value = record === undefined ? null : textOf(record.value);
    this.#check(revision <= model.revision, "Read safety", () => `${node} answers with revision ${revision} to come`);
    this.#check(value === expected.value, "An answer's revision is the one of its value", () => {
      return `${node} reads ${value ?? "nothing"} at revision ${revision}, where it is ${expected.value ?? "nothing"}`;
    });
    if (record !== undefined) {
      this.#check(record.modRevision === expected.revision, "An answer's revision is the one of its value", () => {
        return `${node} gives modRevision ${record.modRevision} instead of ${expected.revision}`;
      });
    }
    if (!request.stale) this.#acknowledged = Math.max(this.#acknowledged, revision);
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
    if (request.kind === "read") return coverage.sometimes("a read was given up");
    if (request.kind !== "write") return;
    if (code === "LEADERSHIP_LOST") coverage.sometimes("a write was settled by a snapshot");
    const isCertain = errorKinds[code].outcome === "not-applied";
    coverage.sometimes(isCertain ? "a write was refused for certain" : "a write ended unknown");
    if (isCertain && request.operation.kind === "put") this.#ledger.model.disown(textOf(request.operation.value));
  }

  #check(holds: boolean, invariant: string, message: () => string): void {
    this.#world.check(holds, invariant, message);
  }

  #fail(invariant: string, message: string): void {
    this.#check(false, invariant, () => message);
  }
}

function isSame(one: Operation, other: Operation): boolean {
  if (one.kind === "put" && other.kind === "put") return textOf(one.value) === textOf(other.value);
  if (one.kind === "delete" && other.kind === "delete") return textOf(one.key) === textOf(other.key);
  if (one.kind !== "putAll" || other.kind !== "putAll") return false;
  return one.pairs.every(({ value }, at) => textOf(value) === textOf(other.pairs[at]?.value ?? new Uint8Array(0)));
}

/** `modRevision` 0: there is no such key. */
function holds({ condition }: Extract<Operation, { kind: "put" | "delete" }>, modRevision: number): boolean {
  switch (condition.kind) {
    case "none":
      return true;
    case "absent":
      return modRevision === 0;
    case "present":
      return modRevision > 0;
    case "modRevision":
      return modRevision > 0 && modRevision === condition.revision;
  }
}
