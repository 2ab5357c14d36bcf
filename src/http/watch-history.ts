/**
 * @module
 * Watches that are behind: each reads the history by itself, as quickly as its client takes it, until it has what has
 * been given to the others; then it is one of them.
 */

import { assert } from "../errors/assert.ts";
import { afterRevision } from "../kv/keys.ts";
import type { ChangesRead } from "../kv/state-view.ts";
import type { Backend } from "./backend.ts";
import { Slice } from "./slice.ts";
import { ChangeEvent } from "./watch-event.ts";
import type { WatchFeed } from "./watch-feed.ts";
import { readAfter } from "./watch-read.ts";
import type { Watcher } from "./watcher.ts";

const readBytesMax = 256 * 1024;
/** Reads at the same time: a crowd that comes back at once waits in line. */
const readsMax = 8;

export class WatchHistory {
  readonly #backend: Backend;
  readonly #feed: WatchFeed;
  #reading = 0;
  #waiting: (() => void)[] = [];

  constructor(backend: Backend, feed: WatchFeed) {
    this.#backend = backend;
    this.#feed = feed;
  }

  /** Brings the watch to the feed. */
  follow(watcher: Watcher): void {
    this.#bring(watcher).catch((error: unknown) => this.#backend.fail(error));
  }

  async #bring(watcher: Watcher): Promise<void> {
    while (!watcher.ended && !this.#feed.join(watcher)) {
      await watcher.drained();
      await this.#enter();
      try {
        if (!watcher.ended) await this.#step(watcher);
      } finally {
        this.#leave();
      }
      // What was read may have come at once, and the feed may be reading: its read ends in a later turn, so let one come.
      await new Slice().next();
    }
  }

  async #step(watcher: Watcher): Promise<void> {
    const ask = { after: watcher.position, ranges: [watcher.ask.range], bytesMax: readBytesMax };
    const read = await readAfter(this.#backend, ask);
    if (read.kind === "replaced") return await new Slice().next();
    if (read.kind === "changes") return await give(watcher, read);
    if (!watcher.ended) watcher.turnAway(null);
  }

  async #enter(): Promise<void> {
    if (this.#reading < readsMax) {
      this.#reading++;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Hands the place to the next in line. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#reading--;
    else next();
    assert(this.#reading >= 0, "a place is left by who entered");
  }
}

async function give(watcher: Watcher, { changes, through }: ChangesRead): Promise<void> {
  const slice = new Slice();
  let revision = watcher.position.revision;
  for (const change of changes) {
    if (change.revision !== revision) watcher.reach(afterRevision(revision));
    revision = change.revision;
    watcher.take(new ChangeEvent(change));
    if (slice.isOver) await slice.next();
  }
  watcher.reach(through);
}
