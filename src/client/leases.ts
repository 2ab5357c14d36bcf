/**
 * @module
 * Leases: keys that go when nobody keeps them alive.
 */

import { isObject, type JsonObject } from "./answer.ts";
import { bytesOf, requiredBytesIn } from "./bytes.ts";
import { type CallOptions, idempotent, type WriteOptions } from "./call.ts";
import { type ClusterLink, expectStatus, jsonAt, jsonBody } from "./cluster-link.ts";
import { HeldLease, type HoldOptions } from "./held-lease.ts";
import { arrayIn, numberIn, objectOf } from "./item.ts";
import type { ReadOptions } from "./range.ts";

export interface GrantedLease {
  readonly id: string;
  readonly ttlMs: number;
}

export interface Lease extends GrantedLease {
  /** Until it ends, unless it is kept alive. A new leader gives every lease its whole TTL again. */
  readonly remainingMs: number;
  /** What goes with it. */
  readonly keys: readonly Uint8Array[];
}

/** Unknown leases, and those that have ended, are `LEASE_NOT_FOUND`. */
export class Leases {
  readonly #link: ClusterLink;

  constructor(link: ClusterLink) {
    this.#link = link;
  }

  /** `ttlMs`: 1 s to a year. */
  async grant(ttlMs: number, options: WriteOptions = {}): Promise<GrantedLease> {
    const body = jsonBody({ ttl: `${ttlMs}ms` });
    return grantedOf(jsonAt(await this.#link.write({ method: "POST", path: "/lease", body }, options), 201));
  }

  /** Resolves when it has its whole TTL again. */
  async keepAlive(id: string, options: CallOptions = {}): Promise<GrantedLease> {
    const { signal, timeoutMs } = options;
    const path = `${pathOf(id)}/keepalive`;
    return grantedOf(
      jsonAt(await this.#link.call({ method: "POST", path, repetition: idempotent, signal, timeoutMs })),
    );
  }

  async get(id: string, options: ReadOptions = {}): Promise<Lease> {
    return leaseOf(jsonAt(await this.#link.read(pathOf(id), [], options)));
  }

  /** All of them, also those of keys that were put with a TTL. */
  async *list(options: ReadOptions = {}): AsyncGenerator<Lease, void, void> {
    let cursor: unknown;
    do {
      const pairs = typeof cursor === "string" ? [`cursor=${encodeURIComponent(cursor)}`] : [];
      const page: JsonObject = jsonAt(await this.#link.read("/lease", pairs, options));
      for (const lease of arrayIn(page, "leases")) yield leaseOf(lease);
      cursor = page["cursor"];
    } while (typeof cursor === "string");
  }

  /** Resolves when it has ended and its keys are deleted, in one command. */
  async revoke(id: string, options: WriteOptions = {}): Promise<void> {
    expectStatus(await this.#link.write({ method: "DELETE", path: pathOf(id) }, options), 204);
  }

  /** A new lease that is kept alive until it is released or lost. `ttlMs`: 1 s to a year. */
  async hold(ttlMs: number, options: HoldOptions = {}): Promise<HeldLease> {
    const fromMs = performance.now();
    const { id } = await this.grant(ttlMs, options);
    return new HeldLease(this, { id, ttlMs }, fromMs);
  }
}

function pathOf(id: string): string {
  return `/lease/${encodeURIComponent(id)}`;
}

function grantedOf(fields: JsonObject): GrantedLease {
  const { id } = fields;
  return { id: typeof id === "string" ? id : "", ttlMs: numberIn(fields, "ttlMs") };
}

function leaseOf(value: unknown): Lease {
  const fields = objectOf(value, "lease");
  const keys = arrayIn(fields, "keys").map((key) =>
    isObject(key) ? requiredBytesIn(key, "key") : bytesOf(String(key)),
  );
  return { ...grantedOf(fields), remainingMs: numberIn(fields, "remainingMs"), keys };
}
