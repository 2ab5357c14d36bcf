/**
 * @module
 * One machine's states and snapshots on a simulated disk: generations of rows that are not synced, files that are
 * whole once they have their name. It stands for LevelDB, `CURRENT` and the directory of snapshots; formats,
 * verification and the order of steps are production's.
 */

import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { decode } from "../../src/codec/codec.ts";
import { StorageError } from "../../src/errors/balsa-error.ts";
import { batchKey, configurationKey, keyName, metaKey, rowPrefixes } from "../../src/kv/keys.ts";
import { configurationOf } from "../../src/kv/machine.ts";
import { decodeMeta, emptyMeta, encodeBatchRow, encodeMeta, type StateMeta } from "../../src/kv/meta.ts";
import type { RowChange, RowReader } from "../../src/kv/row.ts";
import { type Configuration, type EntryId, emptyConfiguration, type SnapshotMetadata } from "../../src/raft/types.ts";
import {
  decodeHeader,
  encodeHead,
  fixedHeadBytes,
  headerBytesOf,
  isCarried,
  packRows,
  type SnapshotHeader,
  unpackRows,
} from "../../src/storage/snapshot/format.ts";
import type { Row, RowRange, StateSnapshot, StateStorage } from "../../src/storage/state/state-storage.ts";
import { verifyState } from "../../src/storage/state/verify.ts";
import type { SimulatedDisk, Surface } from "./disk.ts";
import { SortedRows } from "./sorted-rows.ts";
import type { World } from "./world.ts";

const digestBytes = 32;
const filesKept = 3;
/** The first bytes of the rows that go with a snapshot, ascending. */
const carriedKinds = Object.values(rowPrefixes)
  .filter((kind) => isCarried(Uint8Array.of(kind)))
  .sort((one, other) => one - other);

/** The rows of one generation. */
export class StateRows implements StateStorage {
  /** By the first byte of their keys: kinds of rows are never read together but for a snapshot. */
  readonly #kinds = new Map<number, SortedRows>();
  /** Batches that a power cut may take, with what they replaced. */
  #unsynced: { readonly rows: readonly RowChange[]; readonly replaced: readonly RowChange[] }[] = [];

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#kinds.get(key[0] ?? 0)?.get(keyName(key))?.value;
  }

  write(rows: readonly RowChange[]): Promise<void> {
    this.put(rows, false);
    return Promise.resolve();
  }

  put(rows: readonly RowChange[], synced: boolean): void {
    const replaced = this.#apply(rows);
    if (synced) this.#unsynced = [];
    else this.#unsynced.push({ rows, replaced });
  }

  /** What LevelDB has moved to a table by now is on disk. */
  flush(): void {
    this.#unsynced = [];
  }

  /** Each unsynced batch is there, or not. */
  cutPower(keeps: () => boolean): void {
    const batches = this.#unsynced.splice(0);
    for (const { replaced } of batches.toReversed()) this.#apply(replaced);
    for (const { rows } of batches) if (keeps()) this.#apply(rows);
  }

  read({ from, to, rowsMax, bytesMax, order }: RowRange): Promise<readonly Row[]> {
    const found: Row[] = [];
    let bytes = 0;
    const all = this.rows(from, to);
    for (const row of order === "desc" ? all.toReversed() : all) {
      if (found.length > 0 && (found.length >= rowsMax || bytes >= bytesMax)) break;
      found.push(row);
      bytes += row.key.byteLength + row.value.byteLength;
    }
    return Promise.resolve(found);
  }

  async *keys(from: Uint8Array, to: Uint8Array): AsyncIterable<readonly Uint8Array[]> {
    const keys = this.rows(from, to).map((row) => row.key);
    if (keys.length > 0) yield keys;
  }

  snapshot(): StateSnapshot {
    throw new Error("a simulated snapshot is made from `rows`");
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Those with keys in [from, to), in order; the first `rowsMax` of them. */
  rows(from: Uint8Array, to: Uint8Array, rowsMax: number = Number.POSITIVE_INFINITY): readonly Row[] {
    const [fromName, toName] = [keyName(from), keyName(to)];
    const found: Row[] = [];
    for (let kind = from[0] ?? 0; kind <= (to[0] ?? 0); kind += 1) {
      this.#kinds.get(kind)?.collect(fromName, toName, rowsMax, found);
    }
    return found;
  }

  /** Gives what these rows were before. Nobody writes to the bytes of a row, so they are kept as they come. */
  #apply(rows: readonly RowChange[]): RowChange[] {
    const replaced: RowChange[] = [];
    for (const { key, value } of rows) {
      const kind = key[0] ?? 0;
      let known = this.#kinds.get(kind);
      if (known === undefined) this.#kinds.set(kind, (known = new SortedRows()));
      const name = keyName(key);
      replaced.push(known.get(name) ?? { key, value: null });
      if (value === null) known.delete(name);
      else known.set(name, { key, value });
    }
    return replaced;
  }
}

export interface OpenedState {
  readonly generation: number;
  readonly rows: StateRows;
  readonly meta: StateMeta;
  readonly configuration: Configuration;
}

interface SnapshotFile {
  readonly bytes: Uint8Array;
  /** The last that it includes. */
  readonly index: number;
}

export class StateDisk implements Surface {
  readonly #world: World;
  readonly #disk: SimulatedDisk;
  readonly #generations = new Map<number, StateRows>();
  #current = 0;
  /** By index and term. */
  readonly #files = new Map<string, SnapshotFile>();
  readonly #received = new Map<string, SnapshotFile>();
  #incoming: { readonly id: string; readonly from: string; readonly parts: Uint8Array[]; bytes: number } | null = null;

  constructor(world: World, disk: SimulatedDisk) {
    this.#world = world;
    this.#disk = disk;
    disk.add(this);
  }

  onKill(): void {
    this.#incoming = null;
  }

  onPowerCut(): void {
    this.#incoming = null;
    for (const rows of this.#generations.values()) rows.cutPower(() => this.#disk.random.chance(0.7));
  }

  /** The valid generation when it is a true prefix, else one made from the newest snapshot, or an empty one. */
  async open(): Promise<OpenedState> {
    const current = this.#generations.get(this.#current);
    if (current !== undefined) {
      for (const generation of this.#generations.keys()) {
        if (generation !== this.#current) this.#generations.delete(generation);
      }
      const verification = await verifyState(current);
      if (verification.kind === "prefix") return openedState(this.#current, current);
      this.#world.coverage.sometimes("a state was rebuilt");
    }
    const newest = this.#filesByIndex().at(-1);
    return newest === undefined ? this.#make([]) : this.#restore(newest.bytes);
  }

  newestIndex(): number {
    return this.#filesByIndex().at(-1)?.index ?? 0;
  }

  rows(generation: number): StateRows {
    const rows = this.#generations.get(generation);
    if (rows === undefined) throw new StorageError(`there is no generation ${generation} on ${this.#disk.node}`);
    return rows;
  }

  /** The bytes of a snapshot of the rows as they are now. */
  imageOf(rows: StateRows): { readonly metadata: SnapshotMetadata; readonly bytes: Uint8Array } {
    const meta = metaOf(rows);
    const metadata: SnapshotMetadata = {
      lastIncludedIndex: meta.appliedIndex,
      lastIncludedTerm: meta.appliedTerm,
      lastIncludedTime: meta.time,
      configuration: configurationIn(rows),
    };
    const taken: Row[] = [];
    for (const kind of carriedKinds) {
      for (const row of rows.rows(Uint8Array.of(kind), Uint8Array.of(kind + 1))) taken.push(row);
    }
    const [head, packed] = [encodeHead({ metadata, meta }), packRows(taken)];
    const bytes = new Uint8Array(head.byteLength + packed.byteLength + digestBytes);
    bytes.set(head);
    bytes.set(packed, head.byteLength);
    const bodyBytes = bytes.byteLength - digestBytes;
    bytes.set(digestOf(bytes.subarray(0, bodyBytes)), bodyBytes);
    return { metadata, bytes };
  }

  adopt(metadata: SnapshotMetadata, bytes: Uint8Array): void {
    this.#keep(idOf(metadata), { bytes, index: metadata.lastIncludedIndex });
  }

  readChunk(id: EntryId, offset: number, bytesMax: number): { bytes: Uint8Array; last: boolean } | null {
    const file = this.#files.get(nameOf(id.index, id.term))?.bytes;
    if (file === undefined || offset >= file.byteLength) return null;
    const bytes = file.slice(offset, offset + bytesMax);
    return { bytes, last: offset + bytes.byteLength === file.byteLength };
  }

  storeChunk(chunk: {
    readonly from: string;
    readonly snapshot: SnapshotMetadata;
    readonly offset: number;
    readonly bytes: Uint8Array;
    readonly last: boolean;
  }): { readonly offset: number; readonly accepted: boolean } {
    const id = idOf(chunk.snapshot);
    if (chunk.offset === 0) this.#incoming = { id, from: chunk.from, parts: [], bytes: 0 };
    const incoming = this.#incoming;
    if (incoming === null || incoming.id !== id || incoming.from !== chunk.from || incoming.bytes !== chunk.offset) {
      return { offset: 0, accepted: false };
    }
    incoming.parts.push(Uint8Array.from(chunk.bytes));
    incoming.bytes += chunk.bytes.byteLength;
    if (!chunk.last) return { offset: incoming.bytes, accepted: true };
    this.#incoming = null;
    const whole = new Uint8Array(Buffer.concat(incoming.parts));
    if (!isWhole(whole, id)) return { offset: 0, accepted: false };
    this.#received.set(id, { bytes: whole, index: chunk.snapshot.lastIncludedIndex });
    return { offset: incoming.bytes, accepted: true };
  }

  /** The next generation, already the valid one. */
  build(snapshot: SnapshotMetadata): OpenedState {
    const id = idOf(snapshot);
    const file = this.#received.get(id) ?? this.#files.get(id);
    if (file === undefined) throw new StorageError(`there is no snapshot ${id} on ${this.#disk.node}`);
    this.#received.delete(id);
    this.#keep(id, file);
    return this.#restore(file.bytes);
  }

  retire(kept: number): void {
    for (const generation of this.#generations.keys()) if (generation !== kept) this.#generations.delete(generation);
  }

  #keep(id: string, file: SnapshotFile): void {
    this.#files.set(id, file);
    for (const [old, { index }] of this.#received) if (index <= file.index) this.#received.delete(old);
    for (const old of this.#filesByIndex().slice(0, -filesKept)) this.#files.delete(old.id);
  }

  #filesByIndex(): (SnapshotFile & { readonly id: string })[] {
    const files = [...this.#files].map(([id, file]) => ({ id, ...file }));
    return files.sort((one, other) => one.index - other.index);
  }

  #restore(file: Uint8Array): OpenedState {
    const { meta } = headerOf(file);
    const rows = unpackRows(file.subarray(headBytesOf(file), file.byteLength - digestBytes));
    return this.#make([
      ...rows,
      { key: metaKey, value: encodeMeta({ ...meta, batch: 1 }, crc32) },
      { key: batchKey(1), value: encodeBatchRow(1, meta.appliedIndex, crc32) },
    ]);
  }

  #make(rows: readonly RowChange[]): OpenedState {
    const generation = Math.max(this.#current, ...this.#generations.keys()) + 1;
    const made = new StateRows();
    made.put(rows, true);
    this.#generations.set(generation, made);
    this.#current = generation;
    return openedState(generation, made);
  }
}

function openedState(generation: number, rows: StateRows): OpenedState {
  return { generation, rows, meta: metaOf(rows), configuration: configurationIn(rows) };
}

function metaOf(rows: RowReader): StateMeta {
  const row = rows.get(metaKey);
  return row === undefined ? emptyMeta : decodeMeta(row, crc32);
}

function configurationIn(rows: RowReader): Configuration {
  const row = rows.get(configurationKey);
  return row === undefined ? emptyConfiguration : (decode(configurationOf(row, crc32)) as Configuration);
}

function idOf({ lastIncludedIndex, lastIncludedTerm }: SnapshotMetadata): string {
  return nameOf(lastIncludedIndex, lastIncludedTerm);
}

function nameOf(index: number, term: number): string {
  return `${index}-${term}`;
}

function headBytesOf(file: Uint8Array): number {
  return fixedHeadBytes + headerBytesOf(file.subarray(0, fixedHeadBytes));
}

function headerOf(file: Uint8Array): SnapshotHeader {
  return decodeHeader(file.subarray(fixedHeadBytes, headBytesOf(file)));
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

function isWhole(file: Uint8Array, id: string): boolean {
  const body = file.subarray(0, file.byteLength - digestBytes);
  return digestOf(body).equals(file.subarray(body.byteLength)) && idOf(headerOf(file).metadata) === id;
}
