/**
 * @module
 * Where the jobs of job.ts run: in a pool of threads, or, for tests, where they are called.
 */

import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import type { BlockHead } from "./format.ts";
import { type DeflatedBlock, deflateBlock, type Inspection, inflateBlock, inspectSnapshot } from "./job.ts";

export interface SnapshotJobs {
  deflateBlock(rows: Uint8Array<ArrayBuffer>): Promise<DeflatedBlock>;
  inflateBlock(head: BlockHead, deflated: Uint8Array): Promise<Uint8Array>;
  inspectSnapshot(path: string): Promise<Inspection>;
  close(): Promise<void>;
}

/** Blocks that may be on their way through the pool at a time: bounds its memory to a few MiB. */
export const blocksInFlightMax = 3;

const entry = new URL(`../../../workers/job${extname(fileURLToPath(import.meta.url))}`, import.meta.url);

/** Starts its threads with the first job, and ends them a minute after the last. */
export class PoolJobs implements SnapshotJobs {
  #pool: Piscina | null = null;

  deflateBlock(rows: Uint8Array<ArrayBuffer>): Promise<DeflatedBlock> {
    return this.#running().run(rows, { name: "deflateBlock", transferList: [rows.buffer] });
  }

  inflateBlock(head: BlockHead, deflated: Uint8Array): Promise<Uint8Array> {
    return this.#running().run({ head, deflated }, { name: "inflateBlock" });
  }

  inspectSnapshot(path: string): Promise<Inspection> {
    return this.#running().run(path, { name: "inspectSnapshot" });
  }

  /** Rejects what still runs. */
  async close(): Promise<void> {
    await this.#pool?.destroy();
    this.#pool = null;
  }

  #running(): Piscina {
    this.#pool ??= new Piscina({
      filename: fileURLToPath(entry),
      minThreads: 0,
      maxThreads: 2,
      idleTimeout: 60_000,
      maxQueue: 64,
      recordTiming: false,
      atomics: "disabled",
    });
    return this.#pool;
  }
}

/** Runs each job at once, on the calling thread. */
export const inlineJobs: SnapshotJobs = {
  deflateBlock: async (rows) => deflateBlock(rows),
  inflateBlock: async (head, deflated) => inflateBlock({ head, deflated }),
  inspectSnapshot: async (path) => inspectSnapshot(path),
  close: async () => undefined,
};
