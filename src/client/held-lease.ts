/**
 * @module
 * A lease that is kept alive, and says when it can no longer be relied on.
 */

import { BalsaError } from "../errors/balsa-error.ts";
import type { CallOptions } from "./call.ts";
import type { GrantedLease, Leases } from "./leases.ts";

/** Of the call that grants the lease; its signal does not end the lease later. */
export type HoldOptions = CallOptions;

/** Asked for so often within its TTL, so that a few failures in a row do not lose it. */
const keepAlivesPerTtl = 4;
/** A lease of a year has a pulse, too. */
const keepAliveMsMax = 60_000;

/**
 * Ended by `release`, or by `await using`.
 *
 * It is lost, for this side, as soon as the cluster may have ended it: a TTL after the last request that was answered
 * was sent, by this machine's monotonic clock. That is before the cluster ends it, as long as this process runs; one
 * that was paused learns of it only when it runs again.
 */
export class HeldLease implements AsyncDisposable {
  readonly id: string;
  readonly ttlMs: number;
  readonly #leases: Leases;
  readonly #lost = new AbortController();
  readonly #calls = new AbortController();
  #surelyUntilMs: number;
  #ended = false;
  #expiry: NodeJS.Timeout | undefined;
  #next: NodeJS.Timeout | undefined;

  /** `fromMs`: when the request that granted it was sent, by `performance.now()`. */
  constructor(leases: Leases, { id, ttlMs }: GrantedLease, fromMs: number) {
    this.#leases = leases;
    this.id = id;
    this.ttlMs = ttlMs;
    this.#surelyUntilMs = fromMs + ttlMs;
    this.#watchExpiry();
    this.#plan();
  }

  /** Fires when the lease is lost, with a BalsaError `LEASE_NOT_FOUND` as its reason; not when it is released. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** How long the lease surely lives, if nobody ends it on purpose; 0 when it is lost or released. */
  get remainingMs(): number {
    return this.#ended ? 0 : Math.max(0, this.#surelyUntilMs - performance.now());
  }

  /** Ends the lease, and deletes its keys. Resolves when that is done; when it cannot be asked for, the TTL does it. */
  async release(): Promise<void> {
    if (this.#ended) return;
    this.#end();
    try {
      await this.#leases.revoke(this.id);
    } catch (cause) {
      // It has ended, or nobody keeps it alive any more and it will.
      if (!(cause instanceof BalsaError)) throw cause;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  #plan(): void {
    const everyMs = Math.min(this.ttlMs / keepAlivesPerTtl, keepAliveMsMax);
    this.#next = setTimeout(() => void this.#keepAlive(), everyMs);
    this.#next.unref();
  }

  async #keepAlive(): Promise<void> {
    const fromMs = performance.now();
    const timeoutMs = Math.min(60_000, Math.max(1, Math.ceil(this.remainingMs)));
    try {
      await this.#leases.keepAlive(this.id, { signal: this.#calls.signal, timeoutMs });
      this.#surelyUntilMs = Math.max(this.#surelyUntilMs, fromMs + this.ttlMs);
      this.#watchExpiry();
    } catch (cause) {
      if (this.#ended) return;
      if (!(cause instanceof BalsaError)) return this.#lose(`keeping it alive failed: ${String(cause)}`);
      if (cause.code === "LEASE_NOT_FOUND") return this.#lose("it has ended");
      // Anything else may pass before its time is over.
    }
    if (!this.#ended) this.#plan();
  }

  #watchExpiry(): void {
    clearTimeout(this.#expiry);
    if (this.#ended) return;
    const waitMs = Math.max(0, this.#surelyUntilMs - performance.now());
    // A timer cannot wait for longer; then it looks again.
    this.#expiry = setTimeout(() => this.#onExpiry(), Math.min(waitMs, 2 ** 31 - 1));
    this.#expiry.unref();
  }

  #onExpiry(): void {
    if (performance.now() < this.#surelyUntilMs) this.#watchExpiry();
    else this.#lose(`it could not be kept alive for ${this.ttlMs} ms`);
  }

  #lose(why: string): void {
    if (this.#ended) return;
    this.#end();
    this.#lost.abort(new BalsaError("LEASE_NOT_FOUND", `lease ${this.id} is lost: ${why}`));
  }

  #end(): void {
    this.#ended = true;
    clearTimeout(this.#expiry);
    clearTimeout(this.#next);
    this.#calls.abort(new BalsaError("LEASE_NOT_FOUND", `lease ${this.id} is held no more`));
  }
}
