/**
 * @module
 * One atomic write of the log: operations, in order, become rows put and deleted.
 *
 * The entries of an append are a record of their own, or several. A record that an append replaces in part is put again
 * with the front that stays, sealed anew: what it says of its entries is the same before and after.
 */

import type { PackedEntry } from "../../codec/entries.ts";
import { assert, unreachable } from "../../errors/assert.ts";
import type { HardState, LogIndex, SnapshotMetadata } from "../../raft/types.ts";
import { entryKey, hardStateKey, nextLane, startKey } from "./key.ts";
import { addRecord, initialImage, type LogImage } from "./log-image.ts";
import type { LogOperation } from "./log-storage.ts";
import { encodeHardState, encodeLogStart, type LogStart } from "./meta.ts";
import {
  type ChainLink,
  type ChainPoint,
  chainHashOf,
  firstLink,
  linkOf,
  openRecord,
  type Run,
  sealRecord,
  splitRun,
} from "./record.ts";
import type { RecordReader } from "./record-reader.ts";
import type { RowBatch } from "./row-store.ts";

type Append = LogOperation & { readonly kind: "append" };

export class LogWrite {
  readonly #image: LogImage;
  readonly #batch: RowBatch;
  readonly #reader: RecordReader;
  readonly #startBefore: LogStart;
  readonly #hardStateBefore: HardState;
  /** The records that this write puts, by first index: not on disk yet. Those that it has dropped again are never asked for. */
  readonly #put = new Map<LogIndex, Buffer>();
  /** First indices of the records of the present lane that this write has dropped, on disk or in the batch. */
  #dropped: LogIndex[] = [];

  /** Moves `image` to where the log stands after the write. `reader` reads what was there before it. */
  constructor(image: LogImage, batch: RowBatch, reader: RecordReader) {
    this.#image = image;
    this.#batch = batch;
    this.#reader = reader;
    this.#startBefore = image.start;
    this.#hardStateBefore = image.hardState;
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
    const { hardState, start, starts } = this.#image;
    const before = this.#hardStateBefore;
    if (hardState.currentTerm !== before.currentTerm || hardState.votedFor !== before.votedFor) {
      this.#batch.put(hardStateKey, encodeHardState(hardState));
    }
    if (start !== this.#startBefore) this.#batch.put(startKey, encodeLogStart(start));
    // The conflicting tail goes with the write that replaces it: its records would no longer verify.
    for (const first of this.#dropped) if (!starts.has(first)) this.#batch.del(entryKey(start.lane, first));
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
    for (const piece of splitRun(entries)) this.#putRecord(piece);
    assert(image.last.index === lastIndex && image.last.term === term, "the core and the log agree on the last entry");
  }

  /** Adds a record with these entries to the end of the log. */
  #putRecord(entries: readonly PackedEntry[]): void {
    const { start, last } = this.#image;
    const firstIndex = last.index + 1;
    const record = sealRecord(last, entries);
    addRecord(this.#image, { firstIndex, entries, link: linkOf(record, entries) }, record.byteLength);
    this.#batch.put(entryKey(start.lane, firstIndex), record);
    this.#put.set(firstIndex, record);
  }

  /** Drops the entries from `fromIndex` on; their records are overwritten by this write or deleted when it ends. */
  #truncate(fromIndex: LogIndex): void {
    const { starts, terms } = this.#image;
    const first = starts.firstOf(fromIndex);
    const kept = fromIndex === first ? [] : this.#runAt(first).entries.slice(0, fromIndex - first);
    this.#image.last = this.#linkAt(first - 1);
    for (const dropped of starts.dropFrom(first)) this.#dropped.push(dropped);
    terms.truncate(first);
    if (kept.length > 0) this.#putRecord(kept);
  }

  #compact(index: LogIndex, snapshot: SnapshotMetadata): void {
    this.#recordSnapshot(snapshot);
    const image = this.#image;
    if (index <= image.start.link.index) return;
    assert(index <= image.last.index, "only entries that are there are compacted");
    assert(index <= snapshot.lastIncludedIndex, "a snapshot covers what is compacted (§7)");
    const end = image.starts.endAtOrBelow(index);
    if (end === image.start.link.index) return;
    const link = this.#linkAt(end);
    image.start = { ...image.start, link: { ...link, chainHash: Buffer.from(link.chainHash) } };
    image.terms.compact(end);
    image.starts.compact(end);
  }

  #reset(snapshot: SnapshotMetadata): void {
    const { lastIncludedIndex: index, lastIncludedTerm: term, lastIncludedTime: time } = snapshot;
    const link = firstLink({ index, term, time });
    const start = { lane: nextLane(this.#image.start.lane), link, snapshot };
    Object.assign(this.#image, initialImage(start, this.#image.hardState));
    this.#dropped = [];
  }

  #recordSnapshot(snapshot: SnapshotMetadata): void {
    const known = this.#image.start.snapshot?.lastIncludedIndex ?? 0;
    if (snapshot.lastIncludedIndex > known) this.#image.start = { ...this.#image.start, snapshot };
  }

  /** The link of the last entry of a record, or of the start. */
  #linkAt(index: LogIndex): ChainLink {
    const { start, starts } = this.#image;
    return index === start.link.index ? start.link : this.#runAt(starts.firstOf(index)).link;
  }

  /** What the record that begins with `first` says. */
  #runAt(first: LogIndex): Run {
    const put = this.#put.get(first);
    if (put !== undefined) return openRecord(put);
    const { lane } = this.#image.start;
    return this.#reader.open(this.#pointBefore(first), this.#reader.get(lane, first));
  }

  /** Of a record that is on disk: so the one before it is, too. */
  #pointBefore(first: LogIndex): ChainPoint {
    const { start, starts } = this.#image;
    if (first - 1 === start.link.index) return start.link;
    const before = this.#reader.get(start.lane, starts.firstOf(first - 1));
    return { index: first - 1, chainHash: chainHashOf(before) };
  }
}
