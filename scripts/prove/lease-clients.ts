/**
 * @module
 * Leases with keys attached, some kept alive and some not, and when they were seen to end.
 */

import { pause, type StagedNode } from "../stage.ts";
import { now } from "./load-protocol.ts";

export interface LeaseSeen {
  readonly name: string;
  readonly ttlMs: number;
  /** When the newest acknowledged grant or renewal was sent, and when it was answered. */
  renewedFrom: number;
  renewedBy: number;
  readonly kept: boolean;
  /** When a listing was sent that does not show its keys, and when that was answered; null while they are there. */
  ended: { readonly from: number; readonly by: number } | null;
}

const keysEach = 3;
const keepAliveEveryMs = 700;
const listEveryMs = 50;
const failurePauseMs = 20;
const askMsMax = 3_000;
const prefix = "leased/";

export class LeaseClients {
  readonly leases: LeaseSeen[] = [];
  /** Listings that showed some keys of a lease and not others; an example. */
  torn: string | null = null;
  /** Listings that were answered. */
  listings = 0;
  readonly #nodes: readonly StagedNode[];
  readonly #keepers: Promise<void>[] = [];
  readonly #watcher: Promise<void>;
  #isKeepingOver = false;
  #isOver = false;

  constructor(nodes: readonly StagedNode[]) {
    this.#nodes = nodes;
    this.#watcher = this.#watch();
  }

  /** Resolves once it is granted and all its keys are put. */
  async grant(ttlMs: number, kept: boolean): Promise<void> {
    const granted = await this.#insist("/lease", JSON.stringify({ ttl: `${ttlMs}ms` }));
    const { id } = JSON.parse(granted.body) as { readonly id: string };
    const name = `${prefix}${id}/`;
    const lease: LeaseSeen = { name, ttlMs, renewedFrom: granted.from, renewedBy: granted.by, kept, ended: null };
    if (kept) this.#keepers.push(this.#keepAlive(id, lease));
    const then = Array.from({ length: keysEach }, (_, at) => ({ put: { key: `${name}${at}`, value: "x", lease: id } }));
    await this.#insist("/txn", JSON.stringify({ if: [], then }));
    this.leases.push(lease);
  }

  /** Ends the renewing; what was kept alive ends after its time to live. */
  async stopKeeping(): Promise<void> {
    this.#isKeepingOver = true;
    await Promise.all(this.#keepers);
  }

  get areAllEnded(): boolean {
    return this.leases.every(({ ended }) => ended !== null);
  }

  async stop(): Promise<void> {
    await this.stopKeeping();
    this.#isOver = true;
    await this.#watcher;
  }

  async #keepAlive(id: string, lease: LeaseSeen): Promise<void> {
    for (let at = 0; !this.#isKeepingOver; at += 1) {
      const from = now();
      const answer = await ask(this.#nodes, at, `/lease/${id}/keepalive`, { method: "POST" });
      if (answer?.status === 200) {
        lease.renewedFrom = from;
        lease.renewedBy = now();
      }
      await pause(answer?.status === 200 ? keepAliveEveryMs : failurePauseMs);
    }
  }

  /** One listing shows all leases at one revision. */
  async #watch(): Promise<void> {
    for (let at = 0; !this.#isOver; at += 1) {
      const from = now();
      // Of the leases whose keys had all been put before it was sent.
      const known = this.leases.filter(({ ended }) => ended === null);
      const answer = await ask(this.#nodes, at, `/keys?prefix=${prefix}&values=false&limit=10000`, { method: "GET" });
      if (answer?.status === 200) this.#note(known, JSON.parse(answer.body) as Listing, { from, by: now() });
      await pause(listEveryMs);
    }
  }

  #note(known: readonly LeaseSeen[], { items, cursor }: Listing, when: { from: number; by: number }): void {
    if (cursor !== undefined) throw new Error("the experiment has more keys than one page shows");
    this.listings += 1;
    const count = new Map<string, number>();
    for (const { key } of items) {
      const name = key.slice(0, key.lastIndexOf("/") + 1);
      count.set(name, (count.get(name) ?? 0) + 1);
    }
    for (const lease of known) {
      const found = count.get(lease.name) ?? 0;
      if (found === 0) lease.ended = when;
      else if (found < keysEach) this.torn ??= `${found} of ${keysEach} keys of ${lease.name}`;
    }
  }

  /** Asks one node after the other until one does it. A grant whose answer is lost leaves a lease without keys. */
  async #insist(path: string, body: string): Promise<{ body: string; from: number; by: number }> {
    for (let at = 0; ; at += 1) {
      const from = now();
      const answer = await ask(this.#nodes, at, path, { method: "POST", body });
      if (answer !== null && answer.status < 300) return { body: answer.body, from, by: now() };
      if (answer !== null && answer.status < 500) throw new Error(`${path} answered ${answer.status}: ${answer.body}`);
      await pause(failurePauseMs);
    }
  }
}

interface Listing {
  readonly items: readonly { readonly key: string }[];
  readonly cursor?: string;
}

/** Null when there was no answer. */
async function ask(
  nodes: readonly StagedNode[],
  at: number,
  path: string,
  init: RequestInit,
): Promise<{ readonly status: number; readonly body: string } | null> {
  try {
    const signal = AbortSignal.timeout(askMsMax);
    const headers = { "balsa-timeout": "1s" };
    const answer = await fetch(`${nodes[at % nodes.length]?.url}${path}`, { ...init, headers, signal });
    return { status: answer.status, body: await answer.text() };
  } catch {
    return null;
  }
}
