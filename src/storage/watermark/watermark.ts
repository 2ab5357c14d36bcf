/**
 * @module
 * How far this log has been durable, kept beside it: so that a lost tail is noticed.
 *
 * LevelDB opens without a word when a synced tail is gone. The watermark is written after each durable batch
 * and before its acknowledgement, which makes it exact after the death of a process; it is synced in the
 * background, which makes it at most `syncIntervalMs` and one sync old after the death of a machine.
 *
 * Divergence from a file of two slots: there are three. One holds what is known to be synced, one is being
 * synced, one is written to. So never are all unsynced, and no acknowledgement waits for a background sync.
 */

import { assert } from "../../errors/assert.ts";
import { StorageError } from "../../errors/balsa-error.ts";
import type { NodeIdentity } from "../data-directory.ts";
import { decodeSlot, encodeSlot, type Mark, type Slot, slotBytes } from "./mark.ts";
import type { SlotFile } from "./slot-file.ts";

const slotCount = 3;

export interface WatermarkOptions {
  readonly identity: NodeIdentity;
  /** Milliseconds from one background sync to the next. */
  readonly syncIntervalMs: number;
  /** A background sync failed: the node has to end. */
  readonly onFailure: (cause: unknown) => void;
  readonly startTimer: StartTimer;
}

/** Calls back once after so many milliseconds, unless what it gives is called before. */
export type StartTimer = (callback: () => void, milliseconds: number) => () => void;

/** Of the process, which it does not keep alive: closing syncs too. */
export const startProcessTimer: StartTimer = (callback, milliseconds) => {
  const timer = setTimeout(callback, milliseconds).unref();
  return () => clearTimeout(timer);
};

export class Watermark {
  readonly #file: SlotFile;
  readonly #options: WatermarkOptions;
  #mark: Mark | null = null;
  #sequence = 0;
  #syncedSequence = 0;
  /** The slot that holds the newest mark known to be synced: not written to until another one does. */
  #stable = 0;
  /** The slot that is written to. */
  #dirty = 1;
  #syncing: Promise<void> | null = null;
  /** Gives up the next background sync; null when none is due. */
  #cancelTimer: (() => void) | null = null;
  #failure: { readonly cause: unknown } | null = null;

  constructor(file: SlotFile, options: WatermarkOptions) {
    this.#file = file;
    this.#options = options;
  }

  /** What the file says; null when there is none yet. Throws `StorageError` when it is damaged or another's. */
  async open(): Promise<Mark | null> {
    const bytes = await this.#file.read();
    if (bytes === null) return null;
    const slots = [...Array(slotCount).keys()].map((slot) =>
      decodeSlot(bytes.subarray(slot * slotBytes, (slot + 1) * slotBytes)),
    );
    const newest = Math.max(...slots.map((slot) => slot?.sequence ?? 0));
    const position = slots.findIndex((slot) => slot?.sequence === newest);
    const found = slots[position] ?? null;
    if (found === null) throw new StorageError(`${this.#file.place} does not verify: none of its slots is whole`);
    this.#refuseForeign(found.identity);
    // A process that was killed has left what it wrote unsynced.
    await this.#file.sync();
    this.#mark = found.mark;
    this.#sequence = newest;
    this.#syncedSequence = newest;
    this.#stable = position;
    this.#dirty = this.#slotBeside(position, position);
    return found.mark;
  }

  /** Makes the file of a new log. Durable when it resolves. */
  async create(mark: Mark): Promise<void> {
    assert(this.#mark === null, "only a new log gets a new watermark");
    const bytes = Buffer.alloc(slotCount * slotBytes);
    bytes.set(encodeSlot(this.#nextSlot(mark)), this.#stable * slotBytes);
    await this.#file.create(bytes);
    this.#syncedSequence = this.#sequence;
  }

  /** The newest mark. */
  get mark(): Mark {
    assert(this.#mark !== null, "the watermark is open");
    return this.#mark;
  }

  /** Writes a mark in place; it survives this process at once, the machine once it is synced. */
  write(mark: Mark): void {
    if (this.#failure !== null) throw this.#failure.cause;
    this.#file.write(encodeSlot(this.#nextSlot(mark)), this.#dirty * slotBytes);
    if (this.#cancelTimer === null && this.#syncing === null) this.#schedule();
  }

  /** What has been written is durable when it resolves. */
  async sync(): Promise<void> {
    const wanted = this.#sequence;
    while (this.#syncedSequence < wanted) await (this.#syncing ?? this.#startSync());
  }

  /** Syncs and closes. Must follow the last write. */
  async close(): Promise<void> {
    this.#cancelTimer?.();
    try {
      await this.sync();
    } finally {
      this.#cancelTimer?.();
      this.#file.close();
    }
  }

  #nextSlot(mark: Mark): Slot {
    this.#mark = mark;
    this.#sequence += 1;
    return { sequence: this.#sequence, mark, identity: this.#options.identity };
  }

  #schedule(): void {
    const { startTimer, syncIntervalMs, onFailure } = this.#options;
    this.#cancelTimer = startTimer(() => {
      this.#cancelTimer = null;
      this.sync().catch(onFailure);
    }, syncIntervalMs);
  }

  async #startSync(): Promise<void> {
    if (this.#failure !== null) throw this.#failure.cause;
    const { promise, slot, sequence } = this.#beginSync();
    this.#syncing = promise;
    try {
      await promise;
    } catch (cause) {
      // A sync that failed says nothing about what is on disk, nor would the next one.
      this.#failure = { cause };
      throw cause;
    } finally {
      this.#syncing = null;
    }
    this.#stable = slot;
    this.#syncedSequence = sequence;
    if (this.#sequence > sequence && this.#cancelTimer === null) this.#schedule();
  }

  #beginSync(): { readonly promise: Promise<void>; readonly slot: number; readonly sequence: number } {
    const slot = this.#dirty;
    this.#dirty = this.#slotBeside(this.#stable, slot);
    return { promise: this.#file.sync(), slot, sequence: this.#sequence };
  }

  /** A slot that is neither of these. */
  #slotBeside(one: number, other: number): number {
    const slot = [...Array(slotCount).keys()].find((candidate) => candidate !== one && candidate !== other);
    assert(slot !== undefined, "there are more slots than are in use");
    return slot;
  }

  #refuseForeign(found: NodeIdentity): void {
    const { identity } = this.#options;
    for (const field of ["nodeId", "clusterId", "incarnation"] as const) {
      if (found[field] === identity[field]) continue;
      const text = `${this.#file.place} belongs to another log: its ${field} is ${found[field]}, not ${identity[field]}`;
      throw new StorageError(text);
    }
  }
}
