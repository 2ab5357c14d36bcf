/**
 * @module
 * The one reader of new changes for all watches of the node. It reads only while there are watches, and what it gives
 * to many of them it gives in slices, so that no request waits for that.
 */

import { setTimeout } from "node:timers/promises";
import { assert } from "../errors/assert.ts";
import { afterRevision, type ChangePosition } from "../kv/keys.ts";
import type { ChangesRead } from "../kv/state-view.ts";
import type { Backend } from "./backend.ts";
import { Slice } from "./slice.ts";
import { ChangeEvent } from "./watch-event.ts";
import { WatchIndex } from "./watch-index.ts";
import { readAfter, type WatchRead } from "./watch-read.ts";
import { isAbove, isEnd, type Watcher } from "./watcher.ts";

const readBytesMax = 256 * 1024;
/** Under a stream of writes, changes are read so often: what comes in between is read together. */
const readsApartMs = 4;
/** The same, while nobody watches what is written. */
const idleReadsApartMs = 16;

export class WatchFeed {
  readonly #backend: Backend;
  readonly #onOutpaced: (watcher: Watcher) => void;
  readonly #live = new WatchIndex();
  /** Those who were given something of the command that is being given out. */
  readonly #touched = new Set<Watcher>();
  /** Everything up to here has been given to all of them; who comes must have it. */
  #position: ChangePosition = afterRevision(0);
  /** Everything up to here is being given to those who were there when it was read. */
  #frontier: ChangePosition = afterRevision(0);
  #running = false;
  /** Changes are being read, of the keys that were watched when each was looked at; it never rejects. */
  #reading: Promise<unknown> | null = null;
  /** When the next read may begin. */
  #nextReadMs = Number.NEGATIVE_INFINITY;

  /** `onOutpaced` is given who cannot take the rest of a large command as it comes: it goes on at its own pace. */
  constructor(backend: Backend, onOutpaced: (watcher: Watcher) => void) {
    this.#backend = backend;
    this.#onOutpaced = onOutpaced;
  }

  /** How far all have come who are given changes as they come. */
  get position(): ChangePosition {
    return this.#position;
  }

  has(watcher: Watcher): boolean {
    return this.#live.has(watcher);
  }

  /** Until it resolves nobody can join; null when anybody can. */
  get reading(): Promise<unknown> | null {
    return this.#reading;
  }

  /**
   * From now on it is given what comes. False: it lacks something that has been given out already, or the rest of a
   * command. The first to come has read the history to its end (`caughtUp`), or lacks nothing: so nobody waits for the
   * past of another, or is given his own faster than he takes it.
   */
  join(watcher: Watcher, caughtUp: boolean): boolean {
    assert(this.#reading === null, "nobody joins while changes are being read");
    if (watcher.holds) return false;
    const { position } = watcher;
    if (this.#live.size === 0 && !this.#running) {
      const now = afterRevision(this.#backend.view()?.revision() ?? 0);
      if (isAbove(now, position) && !caughtUp) return false;
      this.#position = isAbove(position, now) ? now : position;
      this.#frontier = this.#position;
    }
    if (isAbove(this.#frontier, position)) return false;
    this.#live.add(watcher);
    this.wake();
    return true;
  }

  leave(watcher: Watcher): void {
    this.#live.remove(watcher);
    this.#touched.delete(watcher);
  }

  /** The state may have moved on. Called at every turn of the node: costs nothing when it has not. */
  wake(): void {
    if (this.#running || !this.#hasNews()) return;
    this.#running = true;
    this.#run().then(
      () => {
        this.#running = false;
        this.wake();
      },
      (error: unknown) => this.#backend.fail(error),
    );
  }

  #hasNews(): boolean {
    if (this.#live.size === 0) return false;
    const view = this.#backend.view();
    return view !== undefined && isAbove(afterRevision(view.revision()), this.#position);
  }

  async #run(): Promise<void> {
    const waitMs = this.#nextReadMs - performance.now();
    if (waitMs > 0) await setTimeout(waitMs);
    const reading = this.#read();
    this.#reading = reading.catch(() => undefined);
    const read = await reading;
    if (read.kind === "compacted") return this.#onCompacted();
    if (read.kind === "replaced") return await new Slice().next();
    await this.#give(read);
    this.#position = read.through;
  }

  async #read(): Promise<WatchRead> {
    const beganAtMs = performance.now();
    const isWanted = (key: Uint8Array): boolean => this.#live.isWatched(key);
    try {
      const ask = { after: this.#position, ranges: null, isWanted, bytesMax: readBytesMax };
      const read = await readAfter(this.#backend, ask, "kept");
      if (read.kind !== "changes") return read;
      // Before anybody can join: who comes now was not there when the keys of these changes were looked at.
      this.#frontier = read.through;
      if (!read.more) this.#nextReadMs = beganAtMs + (read.changes.length > 0 ? readsApartMs : idleReadsApartMs);
      return read;
    } finally {
      this.#reading = null;
    }
  }

  async #give({ changes, through }: ChangesRead): Promise<void> {
    const slice = new Slice();
    let revision = this.#position.revision;
    for (const change of changes) {
      if (change.revision !== revision && this.#touched.size > 0) await this.#finish(afterRevision(revision), slice);
      revision = change.revision;
      const event = new ChangeEvent(change);
      for (const watcher of this.#live.watchersOf(change.key)) {
        this.#offer(watcher, event);
        if (slice.isOver) await slice.next();
      }
    }
    await this.#finish(through, slice);
  }

  /** Checked once a command, before its first event: to those who are behind, none of it is given. */
  #offer(watcher: Watcher, event: ChangeEvent): void {
    if (this.#touched.has(watcher)) return void watcher.take(event);
    if (!isAbove(event.change, watcher.position) || !this.#live.has(watcher)) return;
    if (watcher.isBehind) {
      this.leave(watcher);
      watcher.turnAway(afterRevision(event.change.revision - 1));
    } else if (watcher.take(event)) {
      this.#touched.add(watcher);
    }
  }

  /** All changes up to there have been given. */
  async #finish(through: ChangePosition, slice: Slice): Promise<void> {
    for (const watcher of [...this.#touched]) {
      watcher.reach(through);
      if (isEnd(through)) {
        this.#touched.delete(watcher);
      } else if (watcher.isBehind) {
        this.leave(watcher);
        this.#onOutpaced(watcher);
      }
      if (slice.isOver) await slice.next();
    }
  }

  /** A snapshot was installed whose history begins later: what is missing can be given to nobody. */
  async #onCompacted(): Promise<void> {
    const slice = new Slice();
    const given = this.#position;
    const now = afterRevision(this.#backend.view()?.revision() ?? given.revision);
    this.#position = now;
    this.#frontier = now;
    for (const watcher of [...this.#live]) {
      // One that waits for what lies ahead misses nothing.
      if (!isAbove(now, watcher.position)) continue;
      this.leave(watcher);
      watcher.turnAway(given);
      if (slice.isOver) await slice.next();
    }
  }
}
