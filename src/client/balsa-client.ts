/**
 * @module
 * The typed client: any of several nodes, and the next one when that is safe.
 */

import { errorOf, type JsonObject, jsonObjectOf, revisionIn } from "./answer.ts";
import { bytesOf, type KeyLike, keyPath, textOf } from "./bytes.ts";
import { type CallOptions, once, read, type WriteOptions } from "./call.ts";
import { Caller } from "./caller.ts";
import { ClusterLink, expectStatus, jsonAt, jsonBody, storeRevisionOf } from "./cluster-link.ts";
import { type ElectionOptions, elect, type Leader, type Leadership, leaderOf } from "./election.ts";
import { Endpoints } from "./endpoints.ts";
import { type Item, itemOf, type KeyHead, numberIn } from "./item.ts";
import { Leases } from "./leases.ts";
import { Listings, type ListOptions, type Page, type PageOptions } from "./listing.ts";
import { type Lock, lock } from "./lock.ts";
import { Members } from "./members.ts";
import { type DeleteOptions, deleteHeaders, type PutOptions, putCall } from "./put.ts";
import type { QueueOptions } from "./queue.ts";
import { type KeyRange, levelPairs, queryOf, type ReadOptions, rangePairs } from "./range.ts";
import {
  isReadOnly,
  type Transaction,
  type TransactionResult,
  transactionResultOf,
  transactionToWire,
} from "./transaction.ts";
import { type Change, type Watched, type WatchOptions, watch } from "./watch.ts";

export interface ClientOptions {
  /** URLs of nodes, as `http://127.0.0.1:8091`; `http://` may be left out. */
  readonly endpoints: readonly string[];
  /** Of a whole call, over however many nodes: 1 to 60 000. Default 5 000. */
  readonly timeoutMs?: number;
  /**
   * Reads never go back in time: each is answered no older than what this client has seen, by whatever node and at
   * whatever level. Default false.
   */
  readonly session?: boolean;
  /**
   * Every write gets an idempotency key of its own, so that it is sent again when nobody knows what became of it.
   * Default true. The cluster keeps 64 MiB of keys for 10 minutes, some 150 bytes each; a write for which it has no room
   * goes without.
   */
  readonly repeatWrites?: boolean;
  /** How often a call goes through all endpoints within its time. No bound by default. */
  readonly roundsMax?: number;
}

export interface KeyValue {
  readonly value: Uint8Array;
  readonly modRevision: number;
  /** The store revision at which it was answered. */
  readonly revision: number;
}

export interface PutResult {
  readonly modRevision: number;
  readonly revision: number;
  /** Of the lease that a `ttlMs` made. */
  readonly lease?: string;
}

export interface DeleteResult {
  /** How many keys there were: of `delete` 0 or 1. */
  readonly deleted: number;
  readonly revision: number;
}

export type TransactionOptions = WriteOptions & Pick<ReadOptions, "level" | "maxAgeMs" | "minRevision">;

/**
 * Every call throws a BalsaError, the reason of its AbortSignal, or a RangeError for an option that cannot be used.
 *
 * A call goes to the node that answered last, and on to the next when that is safe, until its time is over: a read
 * always, a write under its idempotency key or when it certainly was not applied. What a BalsaError says of the outcome
 * holds for the whole call: `not-applied` only when none of its attempts may have been applied.
 */
export class BalsaClient implements AsyncDisposable {
  readonly endpoints: readonly URL[];
  readonly members: Members;
  readonly leases: Leases;
  readonly #caller: Caller;
  readonly #link: ClusterLink;
  readonly #listings: Listings;

  /** Throws a RangeError for a list or an URL or a time that cannot be used. */
  constructor(options: ClientOptions) {
    const endpoints = new Endpoints(options.endpoints);
    const { timeoutMs = 5_000, roundsMax = Number.POSITIVE_INFINITY } = options;
    if (!(roundsMax >= 1)) throw new RangeError(`roundsMax is 1 at least, not ${roundsMax}`);
    this.endpoints = endpoints.urls;
    this.#caller = new Caller({ endpoints, timeoutMs, roundsMax });
    const { session = false, repeatWrites = true } = options;
    this.#link = new ClusterLink(this.#caller, { session, repeatWrites });
    this.#listings = new Listings(this.#link);
    this.leases = new Leases(this.#link);
    this.members = new Members((method, path, body) => {
      const bytes = body === undefined ? {} : { body: jsonBody(body) };
      return this.#link.call({ method, path, ...bytes, repetition: method === "GET" ? read : once });
    });
  }

  /** The newest store revision that this client has seen; 0 before the first answer. */
  get revision(): number {
    return this.#link.revision;
  }

  /** Undefined when the key does not exist. */
  async get(key: KeyLike, options: ReadOptions = {}): Promise<KeyValue | undefined> {
    const answer = await this.#link.read(keyPath(key), [], options);
    if (answer.status !== 200) return undefinedIfMissing(errorOf(answer));
    return { value: answer.body, modRevision: revisionIn(answer, "etag"), revision: storeRevisionOf(answer) };
  }

  /** The value as text; throws a TypeError when it is not UTF-8. */
  async getText(key: KeyLike, options: ReadOptions = {}): Promise<string | undefined> {
    const found = await this.get(key, options);
    return found === undefined ? undefined : textOf(found.value);
  }

  /** The key with all that the store knows of it; undefined when it does not exist. */
  async getItem(key: KeyLike, options: ReadOptions = {}): Promise<Item | undefined> {
    const answer = await this.#link.read(keyPath(key), [], options, { accept: "application/json" });
    return answer.status === 200 ? itemOf(jsonObjectOf(answer)) : undefinedIfMissing(errorOf(answer));
  }

  /** Resolves once a quorum has it on disk and the node that answers has applied it. */
  async put(key: KeyLike, value: KeyLike, options: PutOptions = {}): Promise<PutResult> {
    const answer = expectStatus(await this.#link.write(putCall(key, value, options), options), 204);
    const lease = answer.headers.get("balsa-lease");
    const result = { modRevision: revisionIn(answer, "etag"), revision: storeRevisionOf(answer) };
    return lease === undefined ? result : { ...result, lease };
  }

  async delete(key: KeyLike, options: DeleteOptions = {}): Promise<DeleteResult> {
    const call = { method: "DELETE", path: keyPath(key), headers: deleteHeaders(options) } as const;
    const answer = expectStatus(await this.#link.write(call, options), 204);
    return { deleted: revisionIn(answer, "balsa-deleted"), revision: storeRevisionOf(answer) };
  }

  /** Puts all of them, at most 10 000, in one atomic command. */
  async putAll(pairs: Readonly<Record<string, string>>, options: WriteOptions = {}): Promise<{ revision: number }> {
    const fields = jsonAt(await this.#link.write({ method: "POST", path: "/key", body: jsonBody(pairs) }, options));
    return { revision: numberIn(fields, "revision") };
  }

  /** At most 100 000 keys and 64 MiB, in one atomic command. */
  async deleteRange(range: KeyRange, options: WriteOptions = {}): Promise<DeleteResult> {
    const call = { method: "DELETE", path: queryOf("/keys", rangePairs(range)) } as const;
    const fields = jsonAt(await this.#link.write(call, options));
    return { deleted: numberIn(fields, "deleted"), revision: numberIn(fields, "revision") };
  }

  /** All items of a range as they were at one revision, however many; one that breaks off goes on at another node. */
  list(range: KeyRange, options: ListOptions = {}): AsyncGenerator<Item, void, void> {
    return this.#listings.items(range, options);
  }

  /** As `list`, without values. */
  keys(range: KeyRange, options: ListOptions = {}): AsyncGenerator<KeyHead, void, void> {
    return this.#listings.keys(range, options);
  }

  /** A page of a listing; all pages show one revision, and `COMPACTED` is thrown when that is forgotten between two. */
  listPage(range: KeyRange, options: PageOptions = {}): Promise<Page<Item>> {
    return this.#listings.page(range, options);
  }

  /** As `listPage`, without values. */
  keysPage(range: KeyRange, options: PageOptions = {}): Promise<Page<KeyHead>> {
    return this.#listings.keysPage(range, options);
  }

  /** A transaction that only reads takes a level and is not written to the log; of one that writes they are not looked at. */
  async txn(transaction: Transaction, options: TransactionOptions = {}): Promise<TransactionResult> {
    const body = jsonBody(transactionToWire(transaction));
    if (!isReadOnly(transaction)) {
      return transactionResultOf(jsonAt(await this.#link.write({ method: "POST", path: "/txn", body }, options)));
    }
    const { signal, timeoutMs } = options;
    const path = queryOf("/txn", levelPairs({ level: options.level, maxAgeMs: options.maxAgeMs }));
    const minRevision = this.#link.minRevision(options);
    const headers = minRevision === 0 ? {} : { "balsa-min-revision": String(minRevision) };
    const call = { method: "POST", path, body, headers, signal, timeoutMs } as const;
    return transactionResultOf(jsonAt(await this.#link.ask(call)));
  }

  /** As `txn`, with the JSON of `POST /txn` and that of its answer. */
  async txnJson(transaction: string, options: WriteOptions = {}): Promise<JsonObject> {
    return jsonAt(await this.#link.write({ method: "POST", path: "/txn", body: bytesOf(transaction) }, options));
  }

  /** Forgets what was before this revision. `COMPACTED` when that is done already. */
  async compact(revision: number, options: WriteOptions = {}): Promise<{ compactedRevision: number }> {
    const call = { method: "POST", path: "/compact", body: jsonBody({ revision }) } as const;
    const fields = jsonAt(await this.#link.write(call, options));
    return { compactedRevision: numberIn(fields, "compactedRevision") };
  }

  /** The changes of a key or a range, in order, none missed and none twice; it resumes by itself, on any endpoint. */
  watch(watched: Watched, options: WatchOptions = {}): AsyncGenerator<Change, void, void> {
    return watch(this.#link, watched, options);
  }

  /** Resolves when this one holds the lock, which goes in the order of those who asked. */
  lock(name: string, options: QueueOptions = {}): Promise<Lock> {
    return lock(this, name, options);
  }

  /** Resolves when this one leads. */
  elect(name: string, options: ElectionOptions = {}): Promise<Leadership> {
    return elect(this, name, options);
  }

  /** Who leads in an election; undefined when nobody stands for it. */
  leaderOf(name: string): Promise<Leader | undefined> {
    return leaderOf(this, name);
  }

  /** What one node says of itself: `GET /status` at that endpoint and nowhere else. */
  async status(endpoint: URL, options: CallOptions = {}): Promise<JsonObject> {
    return jsonAt(
      await this.#caller.callAt(endpoint, { ...options, method: "GET", path: "/status", repetition: read }),
    );
  }

  /** Ends its connections. Calls and watches that are under way fail; leases that it holds are kept alive no more. */
  close(): void {
    this.#caller.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

function undefinedIfMissing(error: Error & { readonly code: string }): undefined {
  if (error.code !== "KEY_NOT_FOUND") throw error;
}
