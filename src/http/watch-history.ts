/**
 * @module
 * Watches that are behind: each reads the history by itself, as quickly as its client takes it, until it has what has
 * been given to the others; then it is one of them.
 */

import { setTimeout } from "node:timers/promises";
import { afterRevision } from "../kv/keys.ts";
import type { ChangesRead } from "../kv/state-view.ts";
import type { Backend } from "./backend.ts";
import type { Backlogs } from "./backlogs.ts";
import { Slice } from "./slice.ts";
import { Turnstile } from "./turnstile.ts";
import { ChangeEvent } from "./watch-event.ts";
import type { WatchFeed } from "./watch-feed.ts";
import { readAfter } from "./watch-read.ts";
import type { Watcher } from "./watcher.ts";

const readBytesMax = 256 * 1024;
/** Reads at the same time: a crowd that comes back at once waits in line. */
const readsMax = 8;
/** While there is no room for what is read, it is looked for so often. */
const roomLookMs = 100;

export class WatchHistory {
  readonly #backend: Backend;
  readonly #feed: WatchFeed;
  readonly #backlogs: Backlogs;
  readonly #readers = new Turnstile(readsMax, Number.POSITIVE_INFINITY);

  constructor(backend: Backend, feed: WatchFeed, backlogs: Backlogs) {
    this.#backend = backend;
    this.#feed = feed;
    this.#backlogs = backlogs;
  }

  /** Brings the watch to the feed. */
  follow(watcher: Watcher): void {
    this.#bring(watcher).catch((error: unknown) => this.#backend.fail(error));
  }

  async #bring(watcher: Watcher): Promise<void> {
    let caughtUp = false;
    for (;;) {
      while (this.#feed.reading !== null) await this.#feed.reading;
      if (watcher.ended || this.#feed.join(watcher, caughtUp)) return;
      await watcher.drained();
      await this.#readers.enter();
      try {
        await this.#room(watcher);
        if (watcher.ended) return;
        caughtUp = await this.#step(watcher);
      } finally {
        this.#readers.leave();
      }
      // What was read may have come at once: whatever else waits on this thread comes before the next step.
      await new Slice().next();
    }
  }

  /** Resolves once what is read may wait in memory for its client to take it. */
  async #room(watcher: Watcher): Promise<void> {
    while (!watcher.ended && !this.#backlogs.hasRoom) await setTimeout(roomLookMs, undefined, { ref: false });
  }

  /** Gives whether there was no more than what has been read. */
  async #step(watcher: Watcher): Promise<boolean> {
    const ask = { after: watcher.position, ranges: [watcher.ask.range], bytesMax: readBytesMax };
    const read = await readAfter(this.#backend, ask, "compacted");
    if (read.kind === "compacted") watcher.turnAway(null);
    if (read.kind !== "changes") return false;
    await give(watcher, read);
    return !read.more;
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
