/**
 * @module
 * The log over ordered rows: what is written and read is chained, record to record, and verified.
 *
 * Order of what counts: the start row says in which lane and after which index the log begins. All other records
 * are dead, are never looked at, and go when they are swept. So compaction and reset are one small
 * synced write each, and a crash between it and the sweep leaves nothing to mend.
 */

import type { PackedEntry } from "../../codec/entries.ts";
import { assert } from "../../errors/assert.ts";
import { StorageError } from "../../errors/balsa-error.ts";
import type { EntryId, LogIndex } from "../../raft/types.ts";
import { allEntries, deadRanges, hardStateKey, type KeyRange, keyAfter, laneRange, nextLane, startKey } from "./key.ts";
import { addRecord, initialImage, type LogImage } from "./log-image.ts";
import type { LogContents, LogHead, LogOperation, LogRange, LogStorage } from "./log-storage.ts";
import { LogWrite } from "./log-write.ts";
import { decodeHardState, decodeLogStart, encodeHardState, encodeLogStart, type LogStart } from "./meta.ts";
import type { ChainPoint } from "./record.ts";
import { RecordReader } from "./record-reader.ts";
import type { RowStore } from "./row-store.ts";

/** Loaded from the disk at once: of the whole log at open, and of a range, whose last such piece is mostly for nothing. */
const bytesPerReadMax = 4 * 1024 * 1024;
const bytesPerRangeReadMax = 256 * 1024;
/** Of one step of a sweep. Under load a record holds some fifty entries: most steps remove far fewer rows. */
const entriesPerSweepMax = 8192;
const rowsPerRemovalMax = 1024;

export class LogStore implements LogStorage {
  readonly #rows: RowStore;
  readonly #reader: RecordReader;
  #image: LogImage = initialImage();
  #writing = false;
  /** Where the log starts as of the last durable write: what that leaves dead, no crash brings back. */
  #durableStart: LogStart = this.#image.start;
  #resetting = false;
  #sweeping: Promise<unknown> = Promise.resolve();
  /** Everything dead below this key is gone: without it each sweep would step over all graves again. */
  #sweptTo: Buffer = allEntries.from;
  /** Whether deleted rows still take space. */
  #hasGraves = false;

  constructor(rows: RowStore) {
    this.#rows = rows;
    this.#reader = new RecordReader(rows);
  }

  async open(): Promise<LogContents> {
    await this.#rows.open();
    try {
      await this.#readMeta();
      await this.#readEntries();
    } catch (error) {
      await this.#rows.close();
      throw error;
    }
    const { start, hardState, last, terms, starts } = this.#image;
    this.#durableStart = start;
    this.#hasGraves = start.link.index > 0;
    return {
      hardState,
      snapshot: start.snapshot,
      logStart: { index: start.link.index, term: start.link.term },
      termRuns: terms.toArray(),
      last: { index: last.index, term: last.term },
      lastTime: last.time,
      bytes: starts.bytes,
    };
  }

  kept(operations: readonly LogOperation[]): EntryId {
    const { start, last, terms } = this.#image;
    let index = last.index;
    for (const operation of operations) {
      if (operation.kind === "reset") return { index: start.link.index, term: start.link.term };
      if (operation.kind === "append" && operation.entries.length > 0) {
        index = Math.min(index, operation.firstIndex - 1);
      }
    }
    return { index, term: terms.termAt(index) };
  }

  async write(operations: readonly LogOperation[]): Promise<LogHead> {
    assert(!this.#writing, "one write at a time");
    this.#writing = true;
    this.#resetting = operations.some(({ kind }) => kind === "reset");
    await this.#clearLanesFor(operations);
    const batch = this.#rows.batch();
    const write = new LogWrite(this.#image, batch, this.#reader);
    for (const operation of operations) write.apply(operation);
    write.finish();
    await batch.write({ sync: true });
    this.#writing = false;
    this.#resetting = false;
    this.#durableStart = this.#image.start;
    const { last, hardState, starts } = this.#image;
    return { last: { index: last.index, term: last.term }, hardState, bytes: starts.bytes };
  }

  async read({ from, to, bytesMax }: LogRange): Promise<readonly PackedEntry[]> {
    assert(!this.#writing, "a read begins between writes");
    const { start, last, starts } = this.#image;
    assert(from < to && to <= last.index + 1, "only what the log holds is read");
    if (from <= start.link.index) return [];
    const first = starts.firstOf(from);
    const follows = this.#follows(first);
    const entries: PackedEntry[] = [];
    let bytes = 0;
    const stretch = { lane: start.lane, first, follows, to, bytesPerReadMax: Math.min(bytesMax, bytesPerRangeReadMax) };
    await this.#reader.walk(stretch, (run) => {
      for (const entry of run.entries.slice(Math.max(0, from - run.firstIndex), to - run.firstIndex)) {
        bytes += entry[3].byteLength;
        if (entries.length > 0 && bytes > bytesMax) return false;
        entries.push(entry);
      }
      return true;
    });
    return entries;
  }

  sweep(): Promise<boolean> {
    const swept = this.#sweepOnce();
    this.#sweeping = swept.catch(() => {});
    return swept;
  }

  async close(): Promise<void> {
    await this.#rows.close();
  }

  async #readMeta(): Promise<void> {
    const { place } = this.#rows;
    const start = this.#rows.get(startKey);
    const hardState = this.#rows.get(hardStateKey);
    if (start !== undefined && hardState !== undefined) {
      this.#image = initialImage(decodeLogStart(start, place), decodeHardState(hardState, place));
      return;
    }
    if (start !== undefined) throw new StorageError(`${place}: the row of term and vote is missing`);
    if (hardState !== undefined) throw new StorageError(`${place}: the row of the log's start is missing`);
    const [stray] = await this.#rows.keys(allEntries, 1);
    if (stray !== undefined) throw new StorageError(`${place}: the log holds entries but not the row of its start`);
    const batch = this.#rows.batch();
    batch.put(startKey, encodeLogStart(this.#image.start));
    batch.put(hardStateKey, encodeHardState(this.#image.hardState));
    await batch.write({ sync: true });
  }

  async #readEntries(): Promise<void> {
    const image = this.#image;
    const { lane, link } = image.start;
    const all = { lane, first: link.index + 1, follows: link, to: null, bytesPerReadMax };
    await this.#reader.walk(all, (run, recordBytes) => {
      addRecord(image, run, recordBytes);
      return true;
    });
    // The last link is a view of its row; a copy lets the row go.
    image.last = { ...image.last, chainHash: Buffer.from(image.last.chainHash) };
  }

  /** The point before the record that begins with `first`, or where that record's predecessor begins. */
  #follows(first: LogIndex): ChainPoint | LogIndex {
    const { start, starts } = this.#image;
    return first - 1 === start.link.index ? start.link : starts.firstOf(first - 1);
  }

  /** A lane that is entered again holds nothing: rows of its former life would be read as entries. */
  async #clearLanesFor(operations: readonly LogOperation[]): Promise<void> {
    const resets = operations.filter(({ kind }) => kind === "reset").length;
    if (resets === 0) return;
    // A sweep under way could otherwise remove rows of the lane's new life.
    await this.#sweeping;
    let { lane } = this.#image.start;
    for (let reset = 0; reset < resets; reset++) {
      lane = nextLane(lane);
      while (await this.#removeDurably(laneRange(lane)));
    }
    this.#sweptTo = allEntries.from;
  }

  async #sweepOnce(): Promise<boolean> {
    // By the old start the rows of the next life are dead, by the new one those of the old life, which still counts.
    if (this.#resetting) return true;
    const { lane, link } = this.#durableStart;
    const [below, above] = deadRanges(lane, link.index);
    const rest = Buffer.compare(this.#sweptTo, below.to) <= 0 ? { from: this.#sweptTo, to: below.to } : below;
    const sweptTo = await this.#sweepSome(rest);
    if (sweptTo !== null) this.#sweptTo = sweptTo;
    const hasRemoved = sweptTo !== null || (await this.#sweepSome(above)) !== null;
    if (hasRemoved) this.#hasGraves = true;
    else await this.#reclaim(below, above);
    return hasRemoved;
  }

  /** Once a sweep has come to its end, and once after the log was opened: an earlier process may have stopped here. */
  async #reclaim(below: KeyRange, above: KeyRange): Promise<void> {
    if (!this.#hasGraves) return;
    this.#hasGraves = false;
    await this.#rows.reclaim(below);
    await this.#rows.reclaim(above);
  }

  /** Below which key nothing is left in the range; null when there was nothing. */
  async #sweepSome(range: KeyRange): Promise<Buffer | null> {
    const [first] = await this.#rows.keys(range, 1);
    if (first === undefined) return null;
    const end = keyAfter(first, entriesPerSweepMax);
    const to = Buffer.compare(end, range.to) < 0 ? end : range.to;
    await this.#rows.clear({ from: first, to });
    return to;
  }

  /** Some of the range, synced; false when there was nothing. */
  async #removeDurably(range: KeyRange): Promise<boolean> {
    const keys = await this.#rows.keys(range, rowsPerRemovalMax);
    if (keys.length === 0) return false;
    const batch = this.#rows.batch();
    for (const key of keys) batch.del(key);
    await batch.write({ sync: true });
    return true;
  }
}
