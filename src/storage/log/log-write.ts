/**
 * @module
 * One atomic write of the log: operations, in order, become rows put and deleted.
 */

import { assert, unreachable } from "../../errors/assert.ts";
import type { HardState, LogIndex, SnapshotMetadata } from "../../raft/types.ts";
import { entryKey, hardStateKey, nextLane, startKey } from "./key.ts";
import { initialImage, type LogImage } from "./log-image.ts";
import type { LogOperation } from "./log-storage.ts";
import { encodeHardState, encodeLogStart, type LogStart } from "./meta.ts";
import { type ChainLink, firstLink, linkOf, recordOverheadBytes, sealRecord } from "./record.ts";
import type { RowBatch } from "./row-store.ts";

type Append = LogOperation & { readonly kind: "append" };

export class LogWrite {
  readonly #image: LogImage;
  readonly #batch: RowBatch;
  readonly #linkOnDisk: (index: LogIndex) => ChainLink;
  readonly #startBefore: LogStart;
  readonly #hardStateBefore: HardState;
  /** Links of the entries that this write puts, by index: not on disk yet. */
  readonly #put = new Map<LogIndex, ChainLink>();
  /** No row of the present lane is above this index, on disk or in the batch. */
  #highestRow: LogIndex;

  /** Moves `image` to where the log stands after the write. `linkOnDisk` reads a row that is there already. */
  constructor(image: LogImage, batch: RowBatch, linkOnDisk: (index: LogIndex) => ChainLink) {
    this.#image = image;
    this.#batch = batch;
    this.#linkOnDisk = linkOnDisk;
    this.#startBefore = image.start;
    this.#hardStateBefore = image.hardState;
    this.#highestRow = image.last.index;
  }

  apply(operation: LogOperation): void {
    switch (operation.kind) {
      case "append":
        return this.#append(operation);
      case "compact":
        return this.#compact(operation.index, operation.snapshot);
      case "reset":
        return this.#reset(operation.snapshot);
      case "recordSnapshot":
        return this.#recordSnapshot(operation.snapshot);
      default:
        return unreachable(operation);
    }
  }

  /** Adds what depends on all operations together. Then the batch can be written. */
  finish(): void {
    const { hardState, start, last } = this.#image;
    const before = this.#hardStateBefore;
    if (hardState.currentTerm !== before.currentTerm || hardState.votedFor !== before.votedFor) {
      this.#batch.put(hardStateKey, encodeHardState(hardState));
    }
    if (start !== this.#startBefore) this.#batch.put(startKey, encodeLogStart(start));
    // The conflicting tail goes with the write that replaces it: its rows would no longer verify.
    for (let index = last.index + 1; index <= this.#highestRow; index++) {
      this.#batch.del(entryKey(start.lane, index));
    }
  }

  #append({ firstIndex, entries, hardState, term, lastIndex }: Append): void {
    const image = this.#image;
    if (hardState !== null) {
      assert(hardState.currentTerm >= image.hardState.currentTerm, "the current term never falls (Figure 2)");
      image.hardState = hardState;
    }
    if (entries.length > 0) {
      assert(firstIndex > image.start.link.index, "what is compacted is never replaced");
      assert(firstIndex <= image.last.index + 1, "the log has no gaps");
      if (firstIndex <= image.last.index) this.#truncate(firstIndex);
    }
    for (const entry of entries) {
      const record = sealRecord(image.last, entry);
      image.last = linkOf(record);
      image.runs.append(image.last);
      image.bytes.append(entry[3].byteLength + recordOverheadBytes);
      this.#batch.put(entryKey(image.start.lane, image.last.index), record);
      this.#put.set(image.last.index, image.last);
    }
    this.#highestRow = Math.max(this.#highestRow, image.last.index);
    assert(image.last.index === lastIndex && image.last.term === term, "the core and the log agree on the last entry");
  }

  /** Drops the entries from `fromIndex` on; their rows are overwritten by this write or deleted when it ends. */
  #truncate(fromIndex: LogIndex): void {
    this.#image.last = this.#linkAt(fromIndex - 1);
    this.#image.runs.truncate(fromIndex);
    this.#image.bytes.truncate(fromIndex);
  }

  #compact(index: LogIndex, snapshot: SnapshotMetadata): void {
    this.#recordSnapshot(snapshot);
    const image = this.#image;
    if (index <= image.start.link.index) return;
    assert(index <= image.last.index, "only entries that are there are compacted");
    assert(index <= snapshot.lastIncludedIndex, "a snapshot covers what is compacted (§7)");
    const link = this.#linkAt(index);
    image.start = { ...image.start, link: { ...link, chainHash: Buffer.from(link.chainHash) } };
    image.runs.compact(index);
    image.bytes.compact(index);
  }

  #reset(snapshot: SnapshotMetadata): void {
    const { lastIncludedIndex: index, lastIncludedTerm: term, lastIncludedTime: time } = snapshot;
    const link = firstLink({ index, term, time });
    const start = { lane: nextLane(this.#image.start.lane), link, snapshot };
    Object.assign(this.#image, initialImage(start, this.#image.hardState));
    this.#put.clear();
    this.#highestRow = index;
  }

  #recordSnapshot(snapshot: SnapshotMetadata): void {
    const known = this.#image.start.snapshot?.lastIncludedIndex ?? 0;
    if (snapshot.lastIncludedIndex > known) this.#image.start = { ...this.#image.start, snapshot };
  }

  #linkAt(index: LogIndex): ChainLink {
    const { link } = this.#image.start;
    if (index === link.index) return link;
    return this.#put.get(index) ?? this.#linkOnDisk(index);
  }
}
