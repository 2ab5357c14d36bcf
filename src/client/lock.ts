/**
 * @module
 * Locks: at most one holder at a time, as far as leases can promise that, and a fencing revision where they cannot.
 */

import type { BalsaClient } from "./balsa-client.ts";
import { heldCompare, lineOf, type Place, type QueueOptions, standInLine } from "./queue.ts";
import type { Compare } from "./transaction.ts";

/**
 * A lock that is held, until `release`, the end of an `await using`, or `lost`.
 *
 * No lock can stop a holder that was paused for longer than its TTL from going on as if it still held it. What the lock
 * protects has to refuse it: by `held` in each transaction, where it is in this store; elsewhere by remembering the
 * highest `fence` that it was given, and refusing lower ones.
 */
export class Lock implements AsyncDisposable {
  readonly name: string;
  /** The key that stands for the holder. */
  readonly key: string;
  /** The fencing revision: higher with every holder. */
  readonly fence: number;
  readonly #place: Place;

  constructor(name: string, place: Place) {
    this.name = name;
    this.key = place.key;
    this.fence = place.fence;
    this.#place = place;
  }

  /** Fires when the lock can no longer be relied on; its reason is a BalsaError `LEASE_NOT_FOUND`. */
  get lost(): AbortSignal {
    return this.#place.lease.lost;
  }

  /** Holds as long as the lock is held: for the `if` of a transaction. */
  get held(): Compare {
    return heldCompare(this.#place);
  }

  /** Resolves when the next in line may have it. */
  async release(): Promise<void> {
    await this.#place.lease.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

/** Resolves when the lock is held; those who wait get it in the order in which they came. */
export async function lock(client: BalsaClient, name: string, options: QueueOptions): Promise<Lock> {
  return new Lock(name, await standInLine(client, lineOf("lock", name), "", options));
}
