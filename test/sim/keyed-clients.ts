/**
 * @module
 * Writes under an idempotency key: sent again, to any node, while their outcome is not known, and sometimes although
 * it is. They are executed once, and every answer is the first one.
 */

import { isDeepStrictEqual } from "node:util";
import { errorKinds } from "../../src/errors/codes.ts";
import type { Outcome } from "../../src/http/request.ts";
import type { Idempotency, Operation } from "../../src/kv/command.ts";
import { requestHashBytes } from "../../src/kv/limits.ts";
import { plain } from "../kv/plain.ts";
import type { Requests } from "./clients.ts";
import type { Cluster } from "./cluster.ts";
import type { Draws } from "./draws.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Random } from "./random.ts";

const attemptsMax = 6;

/** How a client asks one thing of one node, and what it hears: null when nobody will answer. */
export type AskOnce = (
  process: SimulatedProcess,
  write: { readonly operation: Operation; readonly idempotency: Idempotency; readonly floor: number },
  onSettled: (outcome: Outcome | null) => void,
) => void;

export interface KeyedParts {
  readonly cluster: Cluster;
  readonly draws: Draws;
  readonly requests: Requests;
  readonly random: Random;
  readonly askOnce: AskOnce;
}

export class KeyedWrite {
  readonly #parts: KeyedParts;
  readonly #operation: Operation;
  readonly #idempotency: Idempotency;
  readonly #onFirst: () => void;
  /** What others had been answered with before the first attempt. */
  readonly #floor: number;
  #answer: Extract<Outcome, { kind: "applied" }> | null = null;
  #attempts = 0;
  /** Whether one of them may have come into the log. */
  #inDoubt = false;

  /** `onFirst` is told when the first attempt is over; others may follow. */
  constructor(parts: KeyedParts, name: string, operation: Operation, onFirst: () => void) {
    this.#parts = parts;
    this.#operation = operation;
    this.#idempotency = { key: Buffer.from(name), requestHash: new Uint8Array(requestHashBytes).fill(1) };
    this.#onFirst = onFirst;
    this.#floor = parts.cluster.clientWatch.acknowledged;
  }

  send(process: SimulatedProcess): void {
    this.#attempts += 1;
    const write = { operation: this.#operation, idempotency: this.#idempotency, floor: this.#floor };
    this.#parts.askOnce(process, write, (outcome) => this.#onSettled(outcome, process));
  }

  #onSettled(outcome: Outcome | null, process: SimulatedProcess): void {
    if (outcome?.kind === "applied") this.#onAnswer(outcome, process);
    else this.#inDoubt ||= !isCertain(outcome);
    if (this.#attempts === 1) this.#onFirst();
    const { random } = this.#parts;
    const isEnough = this.#answer !== null && random.chance(0.7);
    if (isEnough || this.#attempts >= attemptsMax) return this.#end(process);
    this.#parts.cluster.world.schedule.after(random.logUniform(500, 2_000_000), () => this.#sendAgain(process));
  }

  #sendAgain(last: SimulatedProcess): void {
    const { requests, random, draws } = this.#parts;
    const process = requests.isClosed ? undefined : draws.process(random, random.chance(0.5) ? last : null);
    if (process === undefined) this.#end(last);
    else this.send(process);
  }

  #onAnswer(outcome: Extract<Outcome, { kind: "applied" }>, { id }: SimulatedProcess): void {
    const first = this.#answer ?? outcome;
    this.#answer = first;
    const isSame = first.revision === outcome.revision && isDeepStrictEqual(said(outcome), said(first));
    this.#parts.cluster.world.check(isSame, "Exactly once", () => {
      const [now, before] = [outcome, first].map((each) => JSON.stringify(said(each)));
      return `${id} answers ${Buffer.from(this.#idempotency.key).toString()} with ${now}, and before it was ${before}`;
    });
  }

  /** At times the key is used for another request: it must be refused, if the first one has been executed. */
  #end(process: SimulatedProcess): void {
    const { cluster, random, draws, requests } = this.#parts;
    if (this.#answer === null && !this.#inDoubt) cluster.ledger.model.disown(this.#operation);
    if (this.#answer === null || !process.isAlive || requests.isClosed || !random.chance(0.2)) return;
    const condition = { kind: "none" } as const;
    const operation = {
      kind: "put",
      key: draws.key(random),
      value: draws.value(random),
      leaseId: 0,
      condition,
    } as const;
    const idempotency = { ...this.#idempotency, requestHash: new Uint8Array(requestHashBytes).fill(2) };
    const floor = cluster.clientWatch.acknowledged;
    this.#parts.askOnce(process, { operation, idempotency, floor }, (outcome) => {
      const isRefused = outcome?.kind !== "applied" || outcome.result.kind === "idempotencyMismatch";
      cluster.world.check(isRefused, "Exactly once", () => `${process.id} executes two requests under one key`);
    });
  }
}

function isCertain(outcome: Outcome | null): boolean {
  if (outcome === null) return false;
  return (
    outcome.kind === "redirect" || (outcome.kind === "refused" && errorKinds[outcome.code].outcome === "not-applied")
  );
}

/** What is remembered of a large transaction may lack the results of its operations. */
function said({ result }: Extract<Outcome, { kind: "applied" }>): unknown {
  return plain(result.kind === "txn" ? { ...result, results: null } : result);
}
