/**
 * @module
 * Elections: one of many leads, and all can learn who.
 */

import type { BalsaClient } from "./balsa-client.ts";
import type { KeyLike } from "./bytes.ts";
import type { Item } from "./item.ts";
import { heldCompare, lineOf, type Place, type QueueOptions, standInLine } from "./queue.ts";
import type { Compare } from "./transaction.ts";

export interface ElectionOptions extends QueueOptions {
  /** What others learn of this candidate once it leads, such as its address. Default empty. */
  readonly value?: KeyLike | undefined;
}

export interface Leader {
  readonly value: Uint8Array;
  /** The fencing revision of this leadership. */
  readonly fence: number;
}

/**
 * A leadership, until `resign`, the end of an `await using`, or `lost`. What a lock does not promise, it does not
 * promise either: `held` and `fence` are there for the same reason.
 */
export class Leadership implements AsyncDisposable {
  readonly name: string;
  readonly key: string;
  /** The fencing revision: higher with every leader. */
  readonly fence: number;
  readonly #client: BalsaClient;
  readonly #place: Place;
  #modRevision: number;

  constructor(client: BalsaClient, name: string, place: Place) {
    this.name = name;
    this.key = place.key;
    this.fence = place.fence;
    this.#client = client;
    this.#place = place;
    this.#modRevision = place.fence;
  }

  /** Fires when the leadership can no longer be relied on; its reason is a BalsaError `LEASE_NOT_FOUND`. */
  get lost(): AbortSignal {
    return this.#place.lease.lost;
  }

  /** Holds as long as this one leads: for the `if` of a transaction. */
  get held(): Compare {
    return heldCompare(this.#place);
  }

  /** Changes what others learn of the leader. `PRECONDITION_FAILED` or `LEASE_NOT_FOUND` when it leads no more. */
  async proclaim(value: KeyLike): Promise<void> {
    const options = { condition: { modRevision: this.#modRevision }, lease: this.#place.lease.id };
    this.#modRevision = (await this.#client.put(this.key, value, options)).modRevision;
  }

  /** Resolves when the next candidate may lead. */
  async resign(): Promise<void> {
    await this.#place.lease.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resign();
  }
}

/** Resolves when this candidate leads; candidates lead in the order in which they came. */
export async function elect(client: BalsaClient, name: string, options: ElectionOptions): Promise<Leadership> {
  const place = await standInLine(client, lineOf("election", name), options.value ?? "", options);
  return new Leadership(client, name, place);
}

/** Who leads; undefined when nobody stands for election. */
export async function leaderOf(client: BalsaClient, name: string): Promise<Leader | undefined> {
  let leader: Item | undefined;
  for await (const item of client.list({ prefix: lineOf("election", name) })) {
    if (leader === undefined || item.createRevision < leader.createRevision) leader = item;
  }
  return leader && { value: leader.value, fence: leader.createRevision };
}
