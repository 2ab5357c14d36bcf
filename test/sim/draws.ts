/**
 * @module
 * What simulated clients ask, of whom: drawn so that conditions and compares often hold, and often just do not.
 */

import type { IngressRequest } from "../../src/http/request.ts";
import type { Condition, Operation } from "../../src/kv/command.ts";
import { leaseTtlMsMin } from "../../src/kv/limits.ts";
import {
  type Compare,
  type KeyRange,
  rangeOfPrefix,
  type Transaction,
  type TransactionOperation,
} from "../../src/kv/transaction.ts";
import type { Cluster } from "./cluster.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** Beside those of the swarm: put together with others, or held by leases. */
const furtherKeys = ["pair", "held1", "held2"] as const;
const ttlMsMax = 4_000;

export class Draws {
  readonly #cluster: Cluster;
  readonly #world: World;
  #values = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#world = cluster.world;
  }

  /** Often the one that was asked before, or a leader. Undefined: none is alive. */
  process(random: Random, last: SimulatedProcess | null): SimulatedProcess | undefined {
    const { processes } = this.#cluster;
    const leaders = processes.filter(({ raft }) => raft.core?.role === "leader");
    const chosen =
      leaders.length > 0 && random.chance(0.4) ? random.pick(leaders) : processes[random.below(processes.length)];
    return last?.isAlive === true && random.chance(0.7) ? last : chosen;
  }

  timeoutMs(random: Random): number {
    return Math.round(random.logUniform(100, 8_000));
  }

  ttlMs(random: Random): number {
    return Math.round(random.logUniform(leaseTtlMsMin, ttlMsMax));
  }

  key(random: Random): Uint8Array {
    return Buffer.from(`key${random.below(this.#world.swarm.keys)}`);
  }

  /** Never the same twice. */
  value(random: Random): Uint8Array {
    this.#values += 1;
    const text = `value${this.#values}`;
    return Buffer.from(text.padEnd(random.below(this.#world.swarm.valueBytesMax), "."));
  }

  read(random: Random): IngressRequest {
    const redirect = random.chance(0.02);
    const byLease = this.#world.swarm.leaseReads ? 0.7 : 0.1;
    const choice = random.next();
    const minRevision = random.chance(0.2) ? random.below(this.#cluster.ledger.model.revision + 2) : 0;
    if (choice < byLease) return { kind: "leaseRead", minRevision, redirect };
    return { kind: "read", stale: choice > 0.8, minRevision, redirect };
  }

  write(random: Random, key: Uint8Array): Operation {
    const choice = random.next();
    if (choice < 0.12) return { kind: "txn", transaction: this.#transaction(random, key, 0) };
    if (choice < 0.2) return { kind: "delete", key, condition: this.#condition(random, key) };
    if (choice < 0.28) {
      const pairs = [key, Buffer.from("pair")].map((one) => ({ key: one, value: this.value(random) }));
      return { kind: "putAll", pairs };
    }
    if (choice < 0.31)
      return { kind: "deleteRange", range: rangeOfPrefix(random.chance(0.3) ? Buffer.from("k") : key) };
    if (choice < 0.33) return { kind: "compact", revision: random.below(this.#cluster.ledger.model.revision + 2) };
    const condition = this.#condition(random, key);
    const value = this.value(random);
    if (choice < 0.37) return { kind: "put", key, value, leaseId: 0, ttlMs: this.ttlMs(random), condition };
    return { kind: "put", key, value, leaseId: 0, condition };
  }

  range(random: Random): KeyRange {
    return rangeOfPrefix(Buffer.from(random.pick(["", "k", "key", "key0", "p"])));
  }

  /** Changes nothing. */
  lookingTransaction(random: Random): Transaction {
    const looks = (): TransactionOperation[] => [
      { kind: "get", key: this.key(random) },
      {
        kind: "range",
        range: this.range(random),
        order: "desc",
        limit: 1 + random.below(5),
        values: random.chance(0.7),
      },
    ];
    return { compares: [this.#compare(random, this.key(random))], success: looks(), failure: looks() };
  }

  #condition(random: Random, key: Uint8Array): Condition {
    const choice = random.below(8);
    if (choice === 0) return { kind: "absent" };
    if (choice === 1) return { kind: "present" };
    const { model } = this.#cluster.ledger;
    const record = model.at(key, model.revision);
    return choice === 2 && record !== null ? { kind: "modRevision", revision: record.modRevision } : { kind: "none" };
  }

  /** About `key` and others; changes `key` or nothing. */
  #transaction(random: Random, key: Uint8Array, depth: number): Transaction {
    const others = [...Array(this.#world.swarm.keys).keys()].map((at) => `key${at}`);
    const keys = [...others, ...furtherKeys].filter((name) => name !== key.toString());
    const compared = random.some(keys, random.below(2)).map((name) => Buffer.from(name));
    const compares = [key, ...compared].map((each) => this.#compare(random, each));
    const branch = (operations: number): TransactionOperation[] =>
      random.some(keys, operations).map((name) => this.#operation(random, Buffer.from(name), depth));
    const value = this.value(random);
    const put = { kind: "put", key, value, leaseId: this.#leaseId(random), ttlMs: 0 } as const;
    return { compares, success: [...branch(random.below(4)), put], failure: branch(random.below(3)) };
  }

  /** Of what the key is now, which may be over when the transaction comes. */
  #compare(random: Random, key: Uint8Array): Compare {
    const { model } = this.#cluster.ledger;
    const record = model.at(key, model.revision);
    const operator = random.pick(["=", "=", "=", "!=", "<", ">"] as const);
    if (random.chance(0.3)) {
      const value = record === null ? this.value(random) : Buffer.from(record.value, "latin1");
      return { key, target: "value", operator, operand: value };
    }
    const target = random.pick(["version", "createRevision", "modRevision"] as const);
    return { key, target, operator, operand: record?.[target] ?? 0 };
  }

  #operation(random: Random, key: Uint8Array, depth: number): TransactionOperation {
    const choice = random.below(12);
    const range = rangeOfPrefix(choice < 8 ? Buffer.from("k") : key);
    if (choice < 2) return { kind: "get", key };
    if (choice === 2) return { kind: "delete", key };
    if (choice === 3) {
      const order = random.chance(0.5) ? "asc" : "desc";
      return { kind: "range", range, order, limit: 1 + random.below(5), values: random.chance(0.7) };
    }
    if (choice === 8) return { kind: "deleteRange", range };
    if (choice === 9 && depth < 2) return { kind: "txn", transaction: this.#transaction(random, key, depth + 1) };
    const ttlMs = choice === 10 ? this.ttlMs(random) : 0;
    const leaseId = ttlMs > 0 ? 0 : this.#leaseId(random);
    return { kind: "put", key, value: this.value(random), leaseId, ttlMs };
  }

  /** Mostly none; one that somebody holds, or that is over by now. */
  #leaseId(random: Random): number {
    if (random.chance(0.8)) return 0;
    const { leases } = this.#cluster.ledger.model;
    return leases.size === 0 || random.chance(0.2) ? 128 : random.pick([...leases.keys()]);
  }
}
