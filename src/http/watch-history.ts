/**
 * @module
 * Watches that are behind: each reads the history by itself, as quickly as its client takes it, until it has what has
 * been given to the others; then it is one of them.
 */

import { afterRevision } from "../kv/keys.ts";
import type { ChangesRead } from "../kv/state-view.ts";
import type { Backend } from "./backend.ts";
import type { PastRoom } from "./past-room.ts";
import { Slice } from "./slice.ts";
import { Turnstile } from "./turnstile.ts";
import { ChangeEvent } from "./watch-event.ts";
import type { WatchFeed } from "./watch-feed.ts";
import { readAfter } from "./watch-read.ts";
import type { Watcher } from "./watcher.ts";

const readBytesMax = 256 * 1024;
/** Reads at the same time: a crowd that comes back at once waits in line. */
const readsMax = 8;

/** What became of a step: whether there was no more than it has read, or how large the change is that finds no room. */
type Step = { readonly kind: "given"; readonly caughtUp: boolean } | { readonly kind: "full"; readonly bytes: number };

export class WatchHistory {
  readonly #backend: Backend;
  readonly #feed: WatchFeed;
  readonly #room: PastRoom;
  readonly #readers = new Turnstile(readsMax, Number.POSITIVE_INFINITY);

  constructor(backend: Backend, feed: WatchFeed, room: PastRoom) {
    this.#backend = backend;
    this.#feed = feed;
    this.#room = room;
  }

  /** Brings the watch to the feed. */
  follow(watcher: Watcher): void {
    this.#follow(watcher).catch((error: unknown) => this.#backend.fail(error));
  }

  async #follow(watcher: Watcher): Promise<void> {
    this.#room.enter(watcher);
    try {
      await this.#bring(watcher);
    } finally {
      this.#room.leave(watcher);
    }
  }

  async #bring(watcher: Watcher): Promise<void> {
    let caughtUp = false;
    for (;;) {
      while (this.#feed.reading !== null) await this.#feed.reading;
      if (watcher.ended || this.#feed.join(watcher, caughtUp)) return;
      await watcher.drained();
      await this.#readers.enter();
      let step: Step;
      try {
        if (watcher.ended) return;
        step = await this.#step(watcher);
      } finally {
        this.#readers.leave();
      }
      caughtUp = step.kind === "given" && step.caughtUp;
      // What its own client leaves untaken it waits for by itself, not in line with others.
      if (step.kind === "full" && watcher.backlog === 0) await this.#room.wait(watcher, step.bytes);
      // What was read may have come at once: whatever else waits on this thread comes before the next step.
      await new Slice().next();
    }
  }

  async #step(watcher: Watcher): Promise<Step> {
    const ask = { after: watcher.position, ranges: [watcher.ask.range], bytesMax: readBytesMax };
    const read = await readAfter(this.#backend, ask, "compacted");
    if (read.kind === "compacted") watcher.turnAway(null);
    if (read.kind !== "changes") return { kind: "given", caughtUp: false };
    return this.#give(watcher, read);
  }

  async #give(watcher: Watcher, { changes, through, more }: ChangesRead): Promise<Step> {
    const slice = new Slice();
    let revision = watcher.position.revision;
    for (const change of changes) {
      if (change.revision !== revision) watcher.reach(afterRevision(revision));
      revision = change.revision;
      const event = new ChangeEvent(change);
      const { length } = event.encode(watcher.ask.previous, true);
      if (!this.#room.take(watcher, length)) {
        watcher.pause();
        if (!this.#room.take(watcher, length)) return { kind: "full", bytes: length };
      }
      watcher.take(event);
      if (slice.isOver) await slice.next();
    }
    watcher.reach(through);
    return { kind: "given", caughtUp: !more };
  }
}
