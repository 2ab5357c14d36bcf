/**
 * @module
 * What the committed commands make of a store: the naive model of the state machine, fed with the log, and beside it
 * what each command came to. Every answer of every node is held against it.
 */

import { decodeCommand, encodeCommand } from "../../../src/codec/command.ts";
import type { Command, Operation } from "../../../src/kv/command.ts";
import type { Result } from "../../../src/kv/result.ts";
import type { Transaction } from "../../../src/kv/transaction.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { type ModelChange, type ModelLease, type ModelRecord, Model as NaiveMachine, words } from "../../kv/model.ts";
import { tickMs } from "../swarm.ts";
import type { World } from "../world.ts";
import { putsOf } from "./puts.ts";
import { isSame } from "./same.ts";

/** What one command in the log came to. */
export interface Executed {
  /** In plain values. */
  readonly result: Readonly<Record<string, unknown>>;
  /** The store's after it, the first time it was executed. */
  readonly revision: number;
  /** Whether it took that revision. */
  readonly changed: boolean;
  /** Whether its idempotency key was known already: then it was answered, and not executed. */
  readonly repeated: boolean;
}

/** An idempotency key that the state remembers from `index` on. */
export interface RememberedKey {
  readonly index: number;
  readonly idempotency: NonNullable<Command["idempotency"]>;
  readonly executed: Executed;
}

/** Milliseconds that turns and timers of a simulated process may be early or late. */
const slackMs = 2;
/** Remembered results may lack those of their operations when these are larger: less than production's bound. */
const wholeResultBytes = 2000;

export class Model {
  readonly #world: World;
  readonly #machine = new NaiveMachine();
  /** By index. */
  readonly #revisions: number[] = [0];
  #last = { time: 0, appendedUs: 0 };
  readonly #sequences = new Set<string>();
  /** Not claimed yet, by what names the command of one process. */
  readonly #executed = new Map<string, Executed[]>();
  readonly #remembered = new Map<string, RememberedKey>();
  /** When the leader appended the first entry of the present term, and the last renewal of each lease. */
  #termBeganUs = 0;
  readonly #renewedUs = new Map<number, { readonly renewal: number; readonly us: number }>();
  /** Values whose writers were told that they are not applied. */
  readonly #disowned = new Set<string>();
  readonly #values = new Set<string>();
  #changesSeen = 0;

  constructor(world: World) {
    this.#world = world;
  }

  get index(): number {
    return this.#machine.index;
  }

  get revision(): number {
    return this.#machine.revision;
  }

  get compactedRevision(): number {
    return this.#machine.compactedRevision;
  }

  /** Cluster time at which the present term began. */
  get termStartTime(): number {
    return this.#machine.termStartTime;
  }

  get leases(): ReadonlyMap<number, ModelLease> {
    return this.#machine.leases;
  }

  /** Of all commands, in order. */
  get changes(): readonly ModelChange[] {
    return this.#machine.changes;
  }

  get remembered(): Iterable<RememberedKey> {
    return this.#remembered.values();
  }

  revisionAt(index: number): number | undefined {
    return this.#revisions[index];
  }

  /** All that was there at a revision. */
  stateAt(revision: number): ReadonlyMap<string, ModelRecord> {
    return this.#machine.states[revision] ?? new Map<string, ModelRecord>();
  }

  /** What a transaction that only reads is answered at a revision. */
  looked(transaction: Transaction, revision: number): object {
    return this.#machine.looked(transaction, revision);
  }

  at(key: Uint8Array, revision: number): ModelRecord | null {
    return this.stateAt(revision).get(words(key)) ?? null;
  }

  /** `appendedUs`: when its leader made it. */
  apply(entry: Entry, appendedUs: number): void {
    this.#checkTime(entry, appendedUs);
    const { kind, term, time } = entry;
    if (term !== this.#machine.term) this.#termBeganUs = appendedUs;
    if (kind === "command") this.#execute(entry, decodeCommand(entry.command), appendedUs);
    else this.#machine.apply({ kind: "noop", term, time });
    this.#revisions.push(this.revision);
  }

  /** What a command of that process came to which is answered so; each answers one request. */
  claim(name: string, revision: number, result: Result): Executed | null {
    const executed = this.#executed.get(name) ?? [];
    const at = executed.findIndex((each) => each.revision === revision && isAnswer(each, result));
    return executed.splice(at, at === -1 ? 0 : 1)[0] ?? null;
  }

  /** The same of one that may answer several requests. */
  find(name: string, revision: number, result: Result): Executed | null {
    return this.#executed.get(name)?.find((each) => each.revision === revision && isAnswer(each, result)) ?? null;
  }

  /** The writer was told that this is in no log and never will be. */
  disown(operation: Operation): void {
    for (const value of putsOf(operation).map(words)) {
      this.#disowned.add(value);
      this.#world.check(!this.#values.has(value), "Outcomes are true", () => `${value} is applied, and was disowned`);
    }
  }

  #checkTime(entry: Entry, appendedUs: number): void {
    const before = this.#last;
    const { index, time } = entry;
    this.#world.check(time >= before.time, "Cluster time never goes back", () => {
      return `entry ${index} is of ${time} ms, the one before of ${before.time} ms`;
    });
    const passedMs = this.#ticked(appendedUs - before.appendedUs) + tickMs;
    this.#world.check(time - before.time <= passedMs, "Cluster time never runs faster than ticks", () => {
      return `entry ${index} is ${time - before.time} ms after the one before, and ${passedMs} ms have been ticked`;
    });
    this.#last = { time, appendedUs };
  }

  /** Milliseconds that the quickest clock ticks meanwhile. */
  #ticked(us: number): number {
    return (us / 1000 + slackMs) * (1 + (this.#world.swarm.faults.get("drift") ?? 0));
  }

  #execute({ term, time }: Entry, command: Command, appendedUs: number): void {
    const { origin, sequence, idempotency, operation } = command;
    const name = `${origin}/${sequence}`;
    // What a store proposes by itself may be there twice: it is of no consequence then. So may what has a key.
    const isNew = origin === 0 || idempotency !== undefined || !this.#sequences.has(name);
    this.#world.check(isNew, "Exactly once", () => `command ${name} is in the log twice`);
    this.#sequences.add(name);
    const before = { revision: this.revision, sessions: this.#machine.sessions.size, leases: this.leases };
    const outcome = this.#machine.apply({ kind: "command", term, time, command });
    if (outcome === null) throw new Error("a command has an outcome");
    const first = idempotency === undefined ? undefined : this.#remembered.get(words(idempotency.key));
    const repeated = first !== undefined && outcome.result["kind"] !== "idempotencyMismatch";
    const changed = repeated ? first.executed.changed : this.revision > before.revision;
    const executed = { result: outcome.result, revision: outcome.revision, changed, repeated };
    if (idempotency !== undefined && this.#machine.sessions.size > before.sessions) {
      this.#remembered.set(words(idempotency.key), { index: this.index, idempotency, executed });
    }
    for (const each of sharesOf(command, executed)) {
      const shared = this.#executed.get(each.name) ?? [];
      this.#executed.set(each.name, shared);
      shared.push(each.executed);
    }
    if (operation.kind === "leaseExpire") this.#checkExpiry(operation.leaseId, before.leases, appendedUs);
    // The commonest command grants and renews nothing.
    const renewed = operation.kind === "put" && operation.ttlMs === undefined ? [] : this.leases;
    for (const [leaseId, { renewal }] of renewed) {
      if (this.#renewedUs.get(leaseId)?.renewal !== renewal) this.#renewedUs.set(leaseId, { renewal, us: appendedUs });
    }
    this.#noteValues();
  }

  /** No lease ends before its time has passed on every clock that the cluster may have. */
  #checkExpiry(leaseId: number, before: ReadonlyMap<number, ModelLease>, appendedUs: number): void {
    const { coverage } = this.#world;
    const lease = before.get(leaseId);
    if (lease === undefined) return;
    if (this.leases.has(leaseId)) return;
    coverage.sometimes("a lease expired");
    const sinceUs = Math.max(this.#renewedUs.get(leaseId)?.us ?? 0, this.#termBeganUs);
    const lastedMs = this.#ticked(appendedUs - sinceUs);
    this.#world.check(lastedMs >= lease.ttlMs, "No lease ends early", () => {
      return `lease ${leaseId} of ${lease.ttlMs} ms has lasted ${lastedMs.toFixed(1)} ms at most when it ends`;
    });
  }

  /** No client gives a value twice. */
  #noteValues(): void {
    for (const { record } of this.changes.slice(this.#changesSeen)) {
      if (record === null) continue;
      const { value } = record;
      this.#world.check(!this.#values.has(value), "Exactly once", () => `${value} is put twice`);
      this.#world.check(!this.#disowned.has(value), "Outcomes are true", () => `${value} was disowned, and is applied`);
      this.#values.add(value);
    }
    this.#changesSeen = this.changes.length;
  }
}

/** Tells a command of one process from all others that do something else. */
export function nameOf(origin: number, { operation, idempotency }: Pick<Command, "operation" | "idempotency">): string {
  const command = idempotency === undefined ? { operation } : { operation, idempotency };
  return words(encodeCommand({ origin, sequence: 1, ...command }));
}

/** What each of those is told who share the command: everybody but of keep-alives is alone with it. */
function sharesOf(command: Command, executed: Executed): { readonly name: string; readonly executed: Executed }[] {
  const { origin, operation } = command;
  if (operation.kind !== "leaseKeepAlive") return [{ name: nameOf(origin, command), executed }];
  return operation.leaseIds.map((leaseId, at) => {
    const leases = (executed.result["leases"] as readonly unknown[]).slice(at, at + 1);
    const name = nameOf(origin, { operation: { kind: "leaseKeepAlive", leaseIds: [leaseId] } });
    return { name, executed: { ...executed, result: { kind: "leasesKept", leases } } };
  });
}

/** Whether a client, or a state, that says `result` says what the command came to. */
export function isAnswer(
  { result: expected, repeated }: Executed,
  result: Result,
  remembered: boolean = repeated,
): boolean {
  if (remembered && result.kind === "txn" && result.results === null) {
    const isLarge = JSON.stringify(expected).length >= wholeResultBytes;
    return isLarge && expected["succeeded"] === result.succeeded;
  }
  return isSame(result, expected);
}
