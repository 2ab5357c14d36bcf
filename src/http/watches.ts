/**
 * @module
 * `GET /watch`: how a watch begins, what keeps it alive, how it ends.
 */

import type { ServerResponse } from "node:http";
import { BalsaError } from "../errors/balsa-error.ts";
import { afterRevision, type ChangePosition } from "../kv/keys.ts";
import { Backlogs } from "./backlogs.ts";
import type { Desk } from "./desk.ts";
import type { Exchange } from "./exchange.ts";
import { parseMinRevision, parseTimeoutMs, refuseFields, writeFields } from "./header.ts";
import { PastRoom } from "./past-room.ts";
import type { Outcome } from "./request.ts";
import { Slice } from "./slice.ts";
import { StateRefusal } from "./state-refusal.ts";
import { WatchFeed } from "./watch-feed.ts";
import { WatchHistory } from "./watch-history.ts";
import { parseWatch, type WatchAsk } from "./watch-query.ts";
import { isBelow } from "./watch-read.ts";
import { Watcher, type WatchTally } from "./watcher.ts";

/** A watch that was given nothing for so long is given a sign of life; looked at once a second. */
const quietMsMax = 10_000;
const lookMs = 1_000;

/** What `/metrics` says of watches. */
export interface WatchCounts {
  readonly watchers: number;
  readonly events: number;
  readonly lagged: number;
  readonly backlogBytes: number;
}

export class Watches {
  readonly #desk: Desk;
  readonly #backlogs: Backlogs;
  readonly #feed: WatchFeed;
  readonly #history: WatchHistory;
  readonly #watchers = new Set<Watcher>();
  readonly #tally: WatchTally = { events: 0, lagged: 0 };
  #ticker: NodeJS.Timeout | undefined;

  constructor(desk: Desk) {
    const { backend, options } = desk;
    this.#desk = desk;
    const { watchBytesMax, watchesBytesMax } = options;
    this.#backlogs = new Backlogs({ bytesMax: watchBytesMax, totalBytesMax: watchesBytesMax });
    this.#feed = new WatchFeed(backend, (watcher) => this.#history.follow(watcher));
    // The other half is for what is new.
    this.#history = new WatchHistory(backend, this.#feed, new PastRoom(watchesBytesMax / 2));
  }

  get counts(): WatchCounts {
    const { total } = this.#backlogs;
    return {
      watchers: this.#watchers.size,
      events: this.#tally.events,
      lagged: this.#tally.lagged,
      backlogBytes: total,
    };
  }

  /** Whether anybody wants to hear of every change. */
  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  /** The state may have moved on. */
  wake(): void {
    this.#feed.wake();
  }

  /** Ends all of them. Their clients come back, to another node. */
  stop(): void {
    clearInterval(this.#ticker);
    for (const watcher of this.#watchers) {
      this.#feed.leave(watcher);
      watcher.end();
    }
  }

  /**
   * From now on means: from what was answered to anybody before, so it is a linearizable read of the revision. A watch
   * that says where it begins needs no leader.
   */
  onRequest(exchange: Exchange, queryText: string): void {
    const { options } = this.#desk;
    const { headers } = exchange.request;
    exchange.kind = "watch";
    refuseFields(headers, writeFields);
    const ask = parseWatch(headers, queryText, options.keyBytesMax);
    const minRevision = parseMinRevision(headers);
    const timeoutMs = parseTimeoutMs(headers, options.defaultTimeoutMs);
    this.#assertRoom();
    const answerer = { answer: (_: Exchange, outcome: Outcome): void => this.#answer(exchange, ask, outcome) };
    const request = { kind: "read", stale: ask.after !== null, minRevision, redirect: false } as const;
    this.#desk.submit(exchange, answerer, request, timeoutMs);
  }

  #answer(exchange: Exchange, ask: WatchAsk, outcome: Outcome): void {
    if (outcome.kind !== "readable") return;
    this.#desk.assertOpen();
    this.#assertRoom();
    const view = this.#desk.backend.view();
    if (view === undefined) throw new BalsaError("TOO_STALE", "the state of this node is not open");
    const moment = view.moment();
    const { revision, compactedRevision } = moment;
    const after = ask.after ?? afterRevision(revision);
    const compacted = isBelow(after, compactedRevision);
    moment.close().catch((error: unknown) => this.#desk.backend.fail(error));
    if (compacted) {
      const kept = `changes are kept from revision ${compactedRevision} on; list the keys again, then watch from there`;
      throw new StateRefusal("COMPACTED", kept, revision);
    }
    const headers = ["Content-Type", "text/event-stream", "Cache-Control", "no-store", "X-Accel-Buffering", "no"];
    headers.push("Balsa-Revision", String(revision));
    const response = exchange.stream(headers);
    if (response !== null) this.#begin(response, ask, after);
  }

  #assertRoom(): void {
    const { watchesMax } = this.#desk.options;
    if (this.#watchers.size < watchesMax) return;
    throw new BalsaError("OVERLOADED", `this node has ${watchesMax} watches, as many as it takes`);
  }

  #begin(response: ServerResponse, ask: WatchAsk, after: ChangePosition): void {
    const watcher = new Watcher(ask, after, response, this.#backlogs, this.#tally);
    this.#watchers.add(watcher);
    // Told to whoever writes to a connection that has just gone; `close` follows.
    response.on("error", () => undefined);
    response.once("close", () => {
      this.#watchers.delete(watcher);
      this.#feed.leave(watcher);
      watcher.close();
    });
    watcher.begin();
    this.#ticker ??= setInterval(() => void this.#look(), lookMs).unref();
    this.#history.follow(watcher);
  }

  /** Gives signs of life to those who were given nothing for a while, and whose connection takes what it is given. */
  async #look(): Promise<void> {
    const slice = new Slice();
    const nowMs = performance.now();
    for (const watcher of [...this.#watchers]) {
      if (watcher.ended || nowMs - watcher.wroteAtMs < quietMsMax || watcher.backlog > 0) continue;
      watcher.keepAlive(this.#feed.has(watcher) ? this.#feed.position : null);
      if (slice.isOver) await slice.next();
    }
  }
}
