/**
 * @module
 * Making the rows of a state from a snapshot file: what installing it and rebuilding from it have in common.
 */

import { type FileHandle, open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { StorageError } from "../../errors/balsa-error.ts";
import { batchKey, metaKey } from "../../kv/keys.ts";
import { encodeBatchRow, encodeMeta, type StateMeta } from "../../kv/meta.ts";
import type { RowChange } from "../../kv/row.ts";
import { errorCode } from "../files.ts";
import {
  blockHeadBytes,
  decodeBlockHead,
  decodeHeader,
  fixedHeadBytes,
  headerBytesOf,
  type SnapshotHeader,
  unpackRows,
} from "./format.ts";
import type { SnapshotJobs } from "./jobs.ts";

/** Takes the rows, durably, block by block: a state that comes from a snapshot has no log of its own to show a gap. */
export type WriteRestored = (rows: readonly RowChange[]) => Promise<void>;

/**
 * Writes the snapshot's rows into an empty state, last of all where it stands, as its batch 1.
 *
 * The file must have been inspected. Gives the state's meta, and the snapshot's.
 */
export async function restoreSnapshot(
  path: string,
  write: WriteRestored,
  jobs: SnapshotJobs,
): Promise<{ readonly meta: StateMeta; readonly header: SnapshotHeader }> {
  const file = await reading(path, () => open(path, "r"));
  try {
    const source = new Source(path, file);
    const header = decodeHeader(await source.take(headerBytesOf(await source.take(fixedHeadBytes))));
    for (;;) {
      const length = await source.take(4);
      if (length.every((byte) => byte === 0)) break;
      const headBytes = new Uint8Array(blockHeadBytes);
      headBytes.set(length);
      headBytes.set(await source.take(blockHeadBytes - 4), 4);
      const head = decodeBlockHead(headBytes);
      await write(unpackRows(await jobs.inflateBlock(head, await source.take(head.deflatedBytes))));
    }
    const meta: StateMeta = { ...header.meta, batch: 1 };
    await write([
      { key: metaKey, value: encodeMeta(meta, crc32) },
      { key: batchKey(1), value: encodeBatchRow(1, meta.appliedIndex, crc32) },
    ]);
    return { meta, header };
  } catch (cause) {
    if (cause instanceof StorageError) throw cause;
    throw new StorageError(`cannot restore the snapshot ${path}`, { cause });
  } finally {
    await file.close();
  }
}

class Source {
  readonly #path: string;
  readonly #file: FileHandle;
  #offset = 0;

  constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  async take(bytes: number): Promise<Uint8Array> {
    const taken = new Uint8Array(bytes);
    for (let filled = 0; filled < bytes; ) {
      const { bytesRead } = await reading(this.#path, () =>
        this.#file.read(taken, filled, bytes - filled, this.#offset + filled),
      );
      if (bytesRead === 0) throw new StorageError(`the snapshot ${this.#path} is cut off`);
      filled += bytesRead;
    }
    this.#offset += bytes;
    return taken;
  }
}

async function reading<Result>(path: string, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (cause) {
    throw new StorageError(`cannot read the snapshot ${path}: ${errorCode(cause)}`, { cause });
  }
}
