/**
 * @module
 * Who watches a key: found without a look at those who do not.
 */

import { keyName } from "../kv/keys.ts";
import { RangeTree } from "./range-tree.ts";
import type { Watcher } from "./watcher.ts";

export class WatchIndex {
  readonly #byKey = new Map<string, Set<Watcher>>();
  readonly #byRange = new RangeTree<Watcher>();
  readonly #all = new Set<Watcher>();

  get size(): number {
    return this.#all.size;
  }

  has(watcher: Watcher): boolean {
    return this.#all.has(watcher);
  }

  [Symbol.iterator](): Iterator<Watcher> {
    return this.#all.values();
  }

  add(watcher: Watcher): void {
    this.#all.add(watcher);
    const { key, range } = watcher.ask;
    if (key === null) return this.#byRange.add(range, watcher);
    const name = keyName(key);
    const watchers = this.#byKey.get(name);
    if (watchers === undefined) this.#byKey.set(name, new Set([watcher]));
    else watchers.add(watcher);
  }

  remove(watcher: Watcher): void {
    if (!this.#all.delete(watcher)) return;
    const { key, range } = watcher.ask;
    if (key === null) return this.#byRange.remove(range, watcher);
    const name = keyName(key);
    const watchers = this.#byKey.get(name);
    watchers?.delete(watcher);
    if (watchers?.size === 0) this.#byKey.delete(name);
  }

  isWatched(key: Uint8Array): boolean {
    return (this.#byKey.size > 0 && this.#byKey.has(keyName(key))) || this.#byRange.holds(key);
  }

  /** As of now: who comes or goes afterwards changes nothing in it. */
  watchersOf(key: Uint8Array): readonly Watcher[] {
    const found: Watcher[] = [];
    if (this.#byKey.size > 0) for (const watcher of this.#byKey.get(keyName(key)) ?? []) found.push(watcher);
    this.#byRange.collect(key, found);
    return found;
  }
}
