/**
 * @module
 * The log with its watermark: what is acknowledged is on disk, and its loss would be noticed.
 *
 * Order of a write: lower the watermark when entries are replaced, durably; the batch, synced; the watermark;
 * its sync when term or vote changed. Whatever moment a crash picks, the watermark says no more than the log
 * holds, and no less than was acknowledged.
 */

import type { PackedEntry } from "../../codec/entries.ts";
import { StorageError } from "../../errors/balsa-error.ts";
import type { EntryId, HardState } from "../../raft/types.ts";
import { findLoss, type Mark } from "../watermark/mark.ts";
import type { Watermark } from "../watermark/watermark.ts";
import type { LogContents, LogHead, LogOperation, LogRange, LogStorage } from "./log-storage.ts";

export class DurableLog {
  readonly #storage: LogStorage;
  readonly #watermark: Watermark;
  /** Names both to an operator. */
  readonly #place: string;

  constructor(storage: LogStorage, watermark: Watermark, place: string) {
    this.#storage = storage;
    this.#watermark = watermark;
    this.#place = place;
  }

  /** Throws `StorageError` when the log does not verify or lacks what has been acknowledged. */
  async open(): Promise<LogContents> {
    const contents = await this.#storage.open();
    try {
      await this.#compareWithWatermark(contents);
    } catch (error) {
      await this.#storage.close();
      await this.#watermark.close();
      throw error;
    }
    return contents;
  }

  /** As `LogStorage.write`; may be acknowledged when it resolves. */
  async write(operations: readonly LogOperation[]): Promise<LogHead> {
    const before = this.#watermark.mark;
    const kept = this.#storage.kept(operations);
    if (isLower(kept, before.last) || operations.some(({ kind }) => kind === "reset")) {
      this.#watermark.write({ last: kept, hardState: before.hardState });
      await this.#watermark.sync();
    }
    const head = await this.#storage.write(operations);
    this.#watermark.write({ last: head.last, hardState: head.hardState });
    if (!isSame(head.hardState, before.hardState)) await this.#watermark.sync();
    return head;
  }

  read(range: LogRange): Promise<readonly PackedEntry[]> {
    return this.#storage.read(range);
  }

  sweep(): Promise<boolean> {
    return this.#storage.sweep();
  }

  async close(): Promise<void> {
    await this.#storage.close();
    await this.#watermark.close();
  }

  async #compareWithWatermark(contents: LogContents): Promise<void> {
    const mark: Mark = { last: contents.last, hardState: contents.hardState };
    const found = await this.#watermark.open();
    if (found === null) {
      if (!isNew(contents)) throw new StorageError(`${this.#place}: the watermark of this log is missing`);
      await this.#watermark.create(mark);
      return;
    }
    const loss = findLoss(found, contents);
    if (loss !== null) throw new StorageError(`${this.#place}: this log has lost acknowledged entries: ${loss}`);
    this.#watermark.write(mark);
    await this.#watermark.sync();
  }
}

function isNew({ last, hardState, snapshot }: LogContents): boolean {
  return last.index === 0 && hardState.currentTerm === 0 && hardState.votedFor === null && snapshot === null;
}

function isLower(one: EntryId, other: EntryId): boolean {
  return one.index < other.index;
}

function isSame(one: HardState, other: HardState): boolean {
  return one.currentTerm === other.currentTerm && one.votedFor === other.votedFor;
}
