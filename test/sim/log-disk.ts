/**
 * @module
 * The rows of a log and its watermark on a simulated disk: what is synced survives everything, what is not may be
 * there after a power cut, each write for itself.
 */

import type { HardState } from "../../src/raft/types.ts";
import { allEntries, entryKey, hardStateKey, type KeyRange, laneRange, startKey } from "../../src/storage/log/key.ts";
import { MemoryRows, type NamedChange, nameOf } from "../../src/storage/log/memory-rows.ts";
import { decodeHardState, decodeLogStart, type LogStart } from "../../src/storage/log/meta.ts";
import { openRecord } from "../../src/storage/log/record.ts";
import type { RowBatch, RowCursor, RowStore } from "../../src/storage/log/row-store.ts";
import type { SlotFile } from "../../src/storage/watermark/slot-file.ts";
import type { SimulatedDisk, Surface } from "./disk.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** What a record says of its entries, for those who watch. */
interface Terms {
  readonly firstIndex: number;
  /** Of each entry. */
  readonly terms: readonly number[];
}

/** A batch that is in the rows and not synced, with what it replaced. */
interface Unsynced {
  readonly changes: readonly NamedChange[];
  readonly replaced: readonly NamedChange[];
}

const hardStateName = nameOf(hardStateKey);
const startName = nameOf(startKey);

export class LogRows implements RowStore, Surface {
  readonly place: string;
  readonly #world: World;
  readonly #disk: SimulatedDisk;
  readonly #rows = new MemoryRows();
  /** Of the records that were asked for: with every message it is one of the last ones. */
  readonly #termsOf = new WeakMap<Buffer, Terms>();
  #unsynced: Unsynced[] = [];
  /** What the row that reads wrong was written as. */
  #whole: NamedChange | null = null;
  /** Begun and not finished: a crash decides about them. */
  #underWay: (readonly NamedChange[])[] = [];
  /** As last decoded: they are asked for with every message, and change rarely. */
  #durableHardState: { readonly row: Buffer; readonly hardState: HardState } | null = null;
  #durableStart: { readonly row: Buffer; readonly start: LogStart } | null = null;

  constructor(world: World, disk: SimulatedDisk) {
    this.#world = world;
    this.#disk = disk;
    this.place = `${disk.node}/log`;
    disk.add(this);
  }

  /** As LevelDB does it: what an earlier process left unsynced goes into a table, synced, before anything is read. */
  open(): Promise<void> {
    return this.#disk.done("reads", () => {
      this.#unsynced = [];
    });
  }

  close(): Promise<void> {
    return this.#rows.close();
  }

  get(key: Buffer): Buffer | undefined {
    return this.#rows.get(key);
  }

  /** Nobody writes to the bytes of a row once it is put, so they are kept as they come. */
  batch(): RowBatch {
    const changes: NamedChange[] = [];
    return {
      put: (key, value) => void changes.push({ name: nameOf(key), value }),
      del: (key) => void changes.push({ name: nameOf(key), value: null }),
      write: ({ sync }) => this.#write(changes, sync),
    };
  }

  rows(range: KeyRange): RowCursor {
    return this.#rows.rows(range);
  }

  keys(range: KeyRange, limit: number): Promise<readonly Buffer[]> {
    return this.#rows.keys(range, limit);
  }

  async clear(range: KeyRange): Promise<void> {
    const keys = await this.keys(range, Number.POSITIVE_INFINITY);
    await this.#write(
      keys.map((key) => ({ name: nameOf(key), value: null })),
      false,
    );
  }

  reclaim(): Promise<void> {
    return Promise.resolve();
  }

  onKill(): void {
    for (const changes of this.#underWay.splice(0)) {
      if (this.#disk.random.chance(0.5)) this.#apply(changes);
      else this.#world.coverage.sometimes("a write under way was lost");
    }
  }

  onPowerCut(): void {
    const begun = this.#underWay.splice(0);
    const finished = this.#unsynced.splice(0);
    for (const { replaced } of finished.toReversed()) this.#rows.apply(replaced);
    for (const changes of [...finished.map((batch) => batch.changes), ...begun]) {
      // A torn batch does not verify, and is as good as lost.
      if (this.#disk.random.chance(0.5)) this.#rows.apply(changes);
      else this.#world.coverage.sometimes("a write under way was lost");
    }
    this.#unsynced = [];
  }

  /** The term of an entry that is on disk whatever happens; null when it is not. */
  durableTerm(index: number): number | null {
    const start = this.durableStart();
    if (start === null || index < start.link.index) return null;
    if (start.link.index === index) return start.link.term;
    const record = this.#durableRecord(start, index);
    if (record === undefined) return null;
    const { firstIndex, terms } = this.#readTerms(record);
    return terms[index - firstIndex] ?? null;
  }

  durableStart(): LogStart | null {
    const row = this.#durable(startName);
    if (row === undefined) return null;
    if (this.#durableStart?.row !== row) {
      this.#durableStart = { row, start: decodeLogStart(row, this.place) };
    }
    return this.#durableStart.start;
  }

  durableHardState(): HardState | null {
    const row = this.#durable(hardStateName);
    if (row === undefined) return null;
    if (this.#durableHardState?.row !== row) {
      this.#durableHardState = { row, hardState: decodeHardState(row, this.place) };
    }
    return this.#durableHardState.hardState;
  }

  /** One bit of one record, if there is any, is another until it is mended. Those who watch see what was written. */
  flipBit(random: Random): void {
    const start = this.durableStart();
    if (start === null) return;
    const { lane, link } = start;
    const names = this.#rows.names({ from: entryKey(lane, link.index + 1), to: laneRange(lane).to });
    if (names.length === 0) return;
    const name = random.pick(names);
    const whole = this.#rows.peek(name) ?? Buffer.alloc(0);
    const row = Buffer.from(whole);
    const position = random.between(0, row.byteLength);
    row[position] = (row[position] ?? 0) ^ (1 << random.below(8));
    this.#rows.apply([{ name, value: row }]);
    this.#whole = { name, value: whole };
  }

  /** Whether a record reads wrong. */
  get isDamaged(): boolean {
    return this.#whole !== null;
  }

  mend(): void {
    if (this.#whole !== null) this.#rows.apply([this.#whole]);
    this.#whole = null;
  }

  /** How many rows there are, dead ones included. */
  async count(): Promise<number> {
    return (await this.#rows.keys(allEntries, Number.POSITIVE_INFINITY)).length;
  }

  #write(changes: readonly NamedChange[], sync: boolean): Promise<void> {
    this.#underWay.push(changes);
    const settled = (): void => void this.#underWay.splice(this.#underWay.indexOf(changes), 1);
    return this.#disk.done(
      "writes",
      () => {
        settled();
        // What is synced takes with it whatever was written before.
        if (!sync) return this.#apply(changes);
        this.#rows.apply(changes);
        this.#unsynced = [];
      },
      () => {
        settled();
        if (this.#disk.random.chance(0.5)) this.#apply(changes);
      },
    );
  }

  /** In the rows, and not synced. */
  #apply(changes: readonly NamedChange[]): void {
    const replaced = changes.map(({ name }) => ({ name, value: this.#rows.peek(name) ?? null }));
    this.#rows.apply(changes);
    this.#unsynced.push({ changes, replaced: replaced.toReversed() });
  }

  /** The record that holds the entry, or the last one, as far as it is on disk whatever happens. */
  #durableRecord({ lane, link }: LogStart, index: number): Buffer | undefined {
    const range = { from: entryKey(lane, link.index + 1), to: entryKey(lane, index + 1) };
    const changed = this.#unsynced.flatMap(({ replaced }) => replaced.map(({ name }) => name)).filter(isIn(range));
    const name =
      changed.length === 0
        ? this.#rows.lastName(range)
        : [...this.#rows.names(range), ...changed].sort().findLast((one) => this.#durable(one) !== undefined);
    return name === undefined ? undefined : this.#durable(name);
  }

  #readTerms(record: Buffer): Terms {
    const known = this.#termsOf.get(record);
    if (known !== undefined) return known;
    const { firstIndex, entries } = openRecord(record);
    const read = { firstIndex, terms: entries.map(([term]) => term) };
    this.#termsOf.set(record, read);
    return read;
  }

  #durable(name: string): Buffer | undefined {
    for (const { replaced } of this.#unsynced) {
      const before = replaced.findLast((change) => change.name === name);
      if (before !== undefined) return before.value ?? undefined;
    }
    return name === this.#whole?.name ? (this.#whole.value ?? undefined) : this.#rows.peek(name);
  }
}

function isIn({ from, to }: KeyRange): (name: string) => boolean {
  const first = nameOf(from);
  const end = nameOf(to);
  return (name) => name >= first && name < end;
}

interface SlotWrite {
  readonly position: number;
  readonly bytes: Buffer;
  readonly replaced: Buffer;
}

export class SimulatedSlotFile implements SlotFile, Surface {
  readonly place: string;
  readonly #world: World;
  readonly #disk: SimulatedDisk;
  #bytes: Buffer | null = null;
  #unsynced: SlotWrite[] = [];

  constructor(world: World, disk: SimulatedDisk) {
    this.#world = world;
    this.#disk = disk;
    this.place = `${disk.node}/watermark`;
    disk.add(this);
  }

  read(): Promise<Buffer | null> {
    return Promise.resolve(this.#bytes === null ? null : Buffer.from(this.#bytes));
  }

  create(bytes: Buffer): Promise<void> {
    return this.#disk.done("writes", () => {
      this.#bytes = Buffer.from(bytes);
    });
  }

  write(bytes: Buffer, position: number): void {
    const own = this.#own();
    const replaced = Buffer.from(own.subarray(position, position + bytes.byteLength));
    own.set(bytes, position);
    this.#unsynced.push({ position, bytes, replaced });
  }

  sync(): Promise<void> {
    const covered = new Set(this.#unsynced);
    return this.#disk.done("reads", () => {
      this.#unsynced = this.#unsynced.filter((write) => !covered.has(write));
    });
  }

  close(): void {}

  onKill(): void {}

  onPowerCut(): void {
    const writes = this.#unsynced.splice(0);
    if (writes.length === 0) return;
    const own = this.#own();
    for (const { position, replaced } of writes.toReversed()) own.set(replaced, position);
    for (const { position, bytes } of writes) {
      const fate = this.#disk.random.below(3);
      if (fate === 0) continue;
      if (fate === 2) this.#world.coverage.sometimes("a write was torn");
      own.set(fate === 1 ? bytes : bytes.subarray(0, this.#disk.random.below(bytes.byteLength)), position);
    }
  }

  #own(): Buffer {
    if (this.#bytes === null) throw new Error("a watermark is made before it is written to");
    return this.#bytes;
  }
}
