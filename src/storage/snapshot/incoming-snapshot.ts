/**
 * @module
 * A snapshot that comes in from a leader, chunk by chunk, in order (Figure 13, InstallSnapshot RPC).
 */

import { type FileHandle, open } from "node:fs/promises";
import { StorageError } from "../../errors/balsa-error.ts";
import type { EntryId, NodeId, SnapshotMetadata } from "../../raft/types.ts";
import { errorCode, removeDurably } from "../files.ts";
import type { SnapshotJobs } from "./jobs.ts";
import type { SnapshotDirectory } from "./snapshot-directory.ts";

export interface IncomingChunk {
  readonly from: NodeId;
  readonly snapshot: SnapshotMetadata;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

/** `offset` is where the next chunk starts. Not accepted: the sender starts again from 0. */
export interface ChunkVerdict {
  readonly offset: number;
  readonly accepted: boolean;
}

interface Transfer {
  readonly from: NodeId;
  readonly id: EntryId;
  readonly path: string;
  readonly file: FileHandle;
  offset: number;
}

/**
 * At most one at a time. A first chunk that begins like what is under way goes on from there, so that a transfer whose
 * connection broke costs nothing twice; any other takes its place. Chunks are stored one by one.
 */
export class IncomingSnapshot {
  readonly #directory: SnapshotDirectory;
  readonly #jobs: SnapshotJobs;
  #transfer: Transfer | null = null;

  constructor(directory: SnapshotDirectory, jobs: SnapshotJobs) {
    this.#directory = directory;
    this.#jobs = jobs;
  }

  /** After the last chunk was accepted, the file is verified, durable, and waits under the name of a received one. */
  async store(chunk: IncomingChunk): Promise<ChunkVerdict> {
    if (chunk.offset === 0) {
      const kept = await this.#keptOf(chunk);
      if (kept > 0) return { offset: kept, accepted: true };
      await this.#begin(chunk);
    }
    const transfer = this.#transfer;
    if (transfer === null || !isNext(transfer, chunk)) return { offset: 0, accepted: false };
    await failing(transfer.path, () => transfer.file.writeFile(chunk.bytes));
    transfer.offset += chunk.bytes.byteLength;
    if (!chunk.last) return { offset: transfer.offset, accepted: true };
    return this.#finish(transfer);
  }

  /** Drops what is under way. */
  async close(): Promise<void> {
    const transfer = this.#transfer;
    this.#transfer = null;
    if (transfer === null) return;
    await transfer.file.close();
    await removeDurably(transfer.path);
  }

  /** How much of this very snapshot is here already; 0 when it has to begin anew. The whole is verified at its end. */
  async #keptOf({ from, snapshot, bytes, last }: IncomingChunk): Promise<number> {
    const transfer = this.#transfer;
    if (transfer === null || last || bytes.byteLength === 0) return 0;
    if (!isNext(transfer, { from, snapshot, offset: transfer.offset })) return 0;
    if (transfer.offset < bytes.byteLength) return 0;
    const stored = Buffer.alloc(bytes.byteLength);
    await failing(transfer.path, () => transfer.file.read(stored, 0, stored.byteLength, 0));
    return stored.equals(bytes) ? transfer.offset : 0;
  }

  async #begin({ from, snapshot }: IncomingChunk): Promise<void> {
    await this.close();
    const id = { index: snapshot.lastIncludedIndex, term: snapshot.lastIncludedTerm };
    const path = this.#directory.incomingPath(id);
    this.#transfer = { from, id, path, file: await failing(path, () => open(path, "w+")), offset: 0 };
  }

  async #finish(transfer: Transfer): Promise<ChunkVerdict> {
    this.#transfer = null;
    const { file, path, id } = transfer;
    await failing(path, () => file.sync());
    await file.close();
    const { header } = await this.#jobs.inspectSnapshot(path);
    const isAsked = header?.metadata.lastIncludedIndex === id.index && header.metadata.lastIncludedTerm === id.term;
    if (!isAsked) {
      await removeDurably(path);
      return { offset: 0, accepted: false };
    }
    await this.#directory.receive(path, id);
    return { offset: transfer.offset, accepted: true };
  }
}

function isNext(transfer: Transfer, chunk: Pick<IncomingChunk, "from" | "snapshot" | "offset">): boolean {
  return (
    transfer.from === chunk.from &&
    transfer.id.index === chunk.snapshot.lastIncludedIndex &&
    transfer.id.term === chunk.snapshot.lastIncludedTerm &&
    transfer.offset === chunk.offset
  );
}

async function failing<Result>(path: string, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (cause) {
    throw new StorageError(`cannot write ${path}: ${errorCode(cause)}`, { cause });
  }
}
