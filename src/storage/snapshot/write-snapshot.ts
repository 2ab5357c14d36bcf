/**
 * @module
 * Making a snapshot file from a consistent view of the state, while the state goes on changing (§7).
 */

import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { StorageError } from "../../errors/balsa-error.ts";
import { errorCode } from "../files.ts";
import type { StateSnapshot } from "../state/state-storage.ts";
import {
  blockBytesTarget,
  encodeBlockHead,
  encodeHead,
  encodeTotals,
  isCarried,
  packRows,
  type SnapshotHeader,
} from "./format.ts";
import type { DeflatedBlock } from "./job.ts";
import { blocksInFlightMax, type SnapshotJobs } from "./jobs.ts";

/** A block that is being deflated. */
interface PendingBlock {
  readonly inflatedBytes: number;
  readonly rows: number;
  readonly deflating: Promise<DeflatedBlock>;
}

/**
 * Writes and syncs the file; its name is the caller's to make durable. Gives its bytes.
 *
 * The rows that number batches stay out: they count this copy's writes. `isStopped` is asked between blocks.
 */
export async function writeSnapshot(
  path: string,
  header: SnapshotHeader,
  rows: StateSnapshot,
  jobs: SnapshotJobs,
  isStopped: () => boolean,
): Promise<number> {
  try {
    const file = await open(path, "w");
    try {
      const writer = new SnapshotWriter(file);
      await writer.writeHead(header);
      await writeBlocks(writer, rows, jobs, isStopped);
      const bytes = await writer.writeTrailer();
      await file.sync();
      return bytes;
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof StorageError || cause instanceof SnapshotStoppedError) throw cause;
    throw new StorageError(`cannot write the snapshot ${path}: ${errorCode(cause)}`, { cause });
  }
}

/** The store is stopping: the file that was begun is worth nothing. */
export class SnapshotStoppedError extends Error {
  constructor() {
    super("the snapshot was given up: the store stops");
    this.name = "SnapshotStoppedError";
  }
}

async function writeBlocks(
  writer: SnapshotWriter,
  rows: StateSnapshot,
  jobs: SnapshotJobs,
  isStopped: () => boolean,
): Promise<void> {
  const pending: PendingBlock[] = [];
  try {
    for (;;) {
      if (isStopped()) throw new SnapshotStoppedError();
      const read = await rows.next(blockBytesTarget);
      if (read.length === 0) break;
      const taken = read.filter(({ key }) => isCarried(key));
      if (taken.length === 0) continue;
      const packed = packRows(taken);
      const inflatedBytes = packed.byteLength;
      pending.push({ inflatedBytes, rows: taken.length, deflating: jobs.deflateBlock(packed) });
      if (pending.length >= blocksInFlightMax) await writer.writeBlock(pending.shift());
    }
    while (pending.length > 0) await writer.writeBlock(pending.shift());
  } finally {
    // What is still in the pool when something failed settles unheard.
    await Promise.allSettled(pending.map((block) => block.deflating));
  }
}

class SnapshotWriter {
  readonly #file: FileHandle;
  readonly #whole = createHash("sha256");
  #bytes = 0;
  #blocks = 0;
  #rows = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async writeHead(header: SnapshotHeader): Promise<void> {
    const head = encodeHead(header);
    this.#whole.update(head);
    await this.#write(head);
  }

  async writeBlock(block: PendingBlock | undefined): Promise<void> {
    if (block === undefined) return;
    const { deflated, digest } = await block.deflating;
    const { inflatedBytes, rows } = block;
    const head = encodeBlockHead({ deflatedBytes: deflated.byteLength, inflatedBytes, rows, digest });
    this.#whole.update(head);
    this.#blocks++;
    this.#rows += rows;
    await this.#write(head);
    await this.#write(deflated);
  }

  async writeTrailer(): Promise<number> {
    const totals = encodeTotals({ blocks: this.#blocks, rows: this.#rows });
    await this.#write(totals);
    await this.#write(this.#whole.update(totals).digest());
    return this.#bytes;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await this.#file.writeFile(bytes);
    this.#bytes += bytes.byteLength;
  }
}
