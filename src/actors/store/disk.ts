/**
 * @module
 * The store's disk: does what the turn asks for, on the generation that is valid now.
 */

import { crc32 } from "node:zlib";
import { decode } from "../../codec/codec.ts";
import { StorageError } from "../../errors/balsa-error.ts";
import { configurationKey, historyKey, metaKey, rangeOf, rowPrefixes } from "../../kv/keys.ts";
import { configurationOf } from "../../kv/machine.ts";
import { decodeMeta } from "../../kv/meta.ts";
import type { RowsMissingError } from "../../kv/read-ahead.ts";
import type { RowChange, RowReader } from "../../kv/row.ts";
import { type Configuration, type EntryId, emptyConfiguration, type SnapshotMetadata } from "../../raft/types.ts";
import type { IncomingSnapshot } from "../../storage/snapshot/incoming-snapshot.ts";
import type { SnapshotJobs } from "../../storage/snapshot/jobs.ts";
import type { SnapshotDirectory } from "../../storage/snapshot/snapshot-directory.ts";
import { SnapshotStoppedError, writeSnapshot } from "../../storage/snapshot/write-snapshot.ts";
import { DroppedSpace } from "../../storage/state/dropped-space.ts";
import { KnownRows } from "../../storage/state/known-rows.ts";
import type { OpenedGeneration, StateGenerations } from "../../storage/state/state-generations.ts";
import type { ReadSnapshotChunk, StoreSnapshotChunk } from "../protocol/raft-store.ts";
import type { ReadPiece } from "./batch.ts";
import type { Generation, StoreInput, StoreTask } from "./input.ts";
import { Reclaim } from "./reclaim.ts";

export interface StoreDiskParts {
  readonly generations: StateGenerations;
  readonly snapshots: SnapshotDirectory;
  readonly incoming: IncomingSnapshot;
  readonly jobs: SnapshotJobs;
  /** Told of a disk that fails in what nobody waits for. */
  readonly fail: (cause: unknown) => void;
}

/** A piece of history to drop at a time: bounds what one batch deletes. */
const trimRowsMax = 256;
const trimBytesMax = 4 * 1024 * 1024;
/** What a command that needs ranges is given at once, of each. */
const scanBytesMax = 16 * 1024 * 1024;

/** A generation that is open, and what is kept beside it as long. */
interface Live extends OpenedGeneration {
  readonly rows: KnownRows;
}

export class StoreDisk {
  readonly #parts: StoreDiskParts;
  #opened: Live;
  /** Built and valid on disk, not entered by ingress yet: batches still go nowhere else. */
  #next: Live | null = null;
  /** What still reads the open generation. */
  readonly #reading = new Set<Promise<unknown>>();
  #storing: Promise<unknown> = Promise.resolve();
  /** The removal of older generations, once ingress has left them. */
  #retiring: Promise<void> = Promise.resolve();
  /** Of the open generation. */
  #reclaim: Reclaim;
  #isStopped = false;

  constructor(parts: StoreDiskParts, opened: OpenedGeneration) {
    this.#parts = parts;
    this.#opened = this.#live(opened);
    this.#reclaim = this.#reclaimOf(opened);
  }

  current(): Generation {
    return generationOf(this.#opened);
  }

  async write(rows: readonly RowChange[]): Promise<void> {
    await (this.#next ?? this.#opened).rows.write(rows);
  }

  /** Gives the input that answers the task; null when it has none. */
  async run(task: StoreTask): Promise<StoreInput | null> {
    switch (task.kind) {
      case "readHistory":
        return this.#whileReading(this.#readHistory(task.fromRevision));
      case "readRows":
        return this.#whileReading(this.#readRows(task.wanted));
      case "readDue":
        return this.#whileReading(this.#readDue(task.from, task.rowsMax));
      case "reclaim":
        this.#reclaim.onDropped(task.historyFrom, task.deletedBytes);
        return null;
      case "makeSnapshot":
        return this.#whileReading(this.#makeSnapshot());
      case "readChunk":
        return this.#readChunk(task.message);
      case "storeChunk":
        return this.#storeChunk(task.message);
      case "build":
        return this.#build(task.snapshot);
      case "keepSnapshot":
        await this.#keepSnapshot(task.snapshot);
        return null;
      case "retire":
        this.#retiring = this.#retire();
        await this.#retiring;
        return null;
    }
  }

  /** Finishes what runs; a snapshot that is being made or received is given up. No write may be under way. */
  async close(): Promise<void> {
    this.#isStopped = true;
    await Promise.allSettled([...this.#reading, this.#storing, this.#retiring]);
    await this.#reclaim.close();
    await this.#parts.incoming.close();
    await this.#parts.jobs.close();
    for (const live of this.#next === null ? [this.#opened] : [this.#opened, this.#next]) {
      await live.rows.close();
      await this.#parts.generations.close(live);
    }
  }

  #live(opened: OpenedGeneration): Live {
    return { ...opened, rows: new KnownRows(opened.storage, this.#parts.fail) };
  }

  async #readHistory(fromRevision: number): Promise<StoreInput> {
    const { to } = rangeOf(rowPrefixes.history);
    // From the oldest chunk that can stand: rows deleted before it are not stepped over one by one.
    const from = historyKey({ revision: fromRevision, ordinal: 0 });
    const chunks = await this.#opened.storage.read({ from, to, rowsMax: trimRowsMax, bytesMax: trimBytesMax });
    return { kind: "historyRead", chunks };
  }

  async #readRows(wanted: readonly RowsMissingError[]): Promise<StoreInput> {
    const { storage } = this.#opened;
    const pieces: ReadPiece[] = [];
    for (const each of wanted) {
      const rows = await storage.read({ ...each.rest, rowsMax: each.rowsMin, bytesMax: scanBytesMax });
      const bytes = rows.reduce((total, { key, value }) => total + key.byteLength + value.byteLength, 0);
      pieces.push({ wanted: each, rows, complete: rows.length < each.rowsMin && bytes < scanBytesMax });
    }
    return { kind: "rowsRead", pieces };
  }

  async #readDue(from: Uint8Array | null, rowsMax: number): Promise<StoreInput> {
    const due = rangeOf(rowPrefixes.due);
    const range = { from: from ?? due.from, to: due.to, rowsMax, bytesMax: scanBytesMax };
    return { kind: "dueRead", rows: await this.#opened.storage.read(range) };
  }

  async #makeSnapshot(): Promise<StoreInput> {
    const { snapshots, jobs } = this.#parts;
    const rows = this.#opened.storage.snapshot();
    try {
      const row = rows.get(metaKey);
      if (row === undefined) throw new StorageError("the state does not say where it stands");
      const meta = decodeMeta(row, crc32);
      const metadata: SnapshotMetadata = {
        lastIncludedIndex: meta.appliedIndex,
        lastIncludedTerm: meta.appliedTerm,
        lastIncludedTime: meta.time,
        configuration: configurationIn(rows),
      };
      const id = { index: meta.appliedIndex, term: meta.appliedTerm };
      const path = snapshots.makingPath(id);
      const bytes = await writeSnapshot(path, { metadata, meta }, rows, jobs, () => this.#isStopped);
      await snapshots.adopt(path, id);
      return { kind: "snapshotMade", snapshot: metadata, bytes };
    } catch (error) {
      if (error instanceof SnapshotStoppedError) return { kind: "snapshotMade", snapshot: null, bytes: 0 };
      throw error;
    } finally {
      await rows.close();
    }
  }

  async #readChunk(message: ReadSnapshotChunk): Promise<StoreInput> {
    const { to, lastIncludedIndex, lastIncludedTerm, offset, bytesMax } = message;
    const id = { index: lastIncludedIndex, term: lastIncludedTerm };
    const chunk = await this.#parts.snapshots.readChunk(id, offset, bytesMax);
    const { bytes, last } = chunk ?? { bytes: new Uint8Array(0), last: false };
    return {
      kind: "chunkRead",
      chunk: { kind: "snapshotChunk", to, lastIncludedIndex, offset, bytes, last, found: chunk !== null },
    };
  }

  #storeChunk(message: StoreSnapshotChunk): Promise<StoreInput> {
    const stored = this.#storing.then(() => this.#parts.incoming.store(message));
    // The next chunk waits for this one; whether it failed is told to whoever asked for it.
    this.#storing = stored.catch(() => undefined);
    const { from, last } = message;
    const { lastIncludedIndex } = message.snapshot;
    return stored.then(({ offset, accepted }) => ({
      kind: "chunkStored",
      verdict: { kind: "snapshotChunkStored", from, lastIncludedIndex, offset, last, accepted },
    }));
  }

  /** In turn with the chunks: it must not remove what comes in under the same name meanwhile. */
  #keepSnapshot(snapshot: SnapshotMetadata | null): Promise<void> {
    const id = snapshot === null ? null : idOf(snapshot);
    const kept = this.#storing.then(() => this.#parts.snapshots.keepRecorded(id));
    this.#storing = kept.catch(() => undefined);
    return kept;
  }

  /** Asked for only once the log starts after the snapshot, durably. */
  async #build(snapshot: SnapshotMetadata): Promise<StoreInput> {
    const id = idOf(snapshot);
    const path = await this.#parts.snapshots.takeOn(id);
    const { reason } = await this.#parts.jobs.inspectSnapshot(path).catch((cause: unknown) => {
      throw new StorageError(`cannot read the snapshot ${path}`, { cause });
    });
    if (reason !== null) throw new StorageError(`cannot install ${path}: ${reason}`);
    this.#next = this.#live(await this.#parts.generations.buildFrom(id));
    return { kind: "built", generation: generationOf(this.#next) };
  }

  async #retire(): Promise<void> {
    if (this.#next === null) return;
    const old = this.#opened;
    this.#opened = this.#next;
    this.#next = null;
    await Promise.allSettled(this.#reading);
    await old.rows.close();
    await this.#reclaim.close();
    this.#reclaim = this.#reclaimOf(this.#opened);
    await this.#parts.generations.retire(old, this.#opened.generation);
  }

  #reclaimOf({ storage, meta }: OpenedGeneration): Reclaim {
    return new Reclaim(new DroppedSpace(storage, meta.historyFrom), this.#parts.fail);
  }

  async #whileReading<Answer>(reading: Promise<Answer>): Promise<Answer> {
    this.#reading.add(reading);
    try {
      return await reading;
    } finally {
      this.#reading.delete(reading);
    }
  }
}

function idOf({ lastIncludedIndex, lastIncludedTerm }: SnapshotMetadata): EntryId {
  return { index: lastIncludedIndex, term: lastIncludedTerm };
}

function generationOf({ generation, path, storage, rows, meta }: Live): Generation {
  return { generation, path, reader: rows, meta, configuration: configurationIn(storage) };
}

function configurationIn(rows: RowReader): Configuration {
  const row = rows.get(configurationKey);
  return row === undefined ? emptyConfiguration : (decode(configurationOf(row, crc32)) as Configuration);
}
