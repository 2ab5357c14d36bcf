/**
 * @module
 * The directory of snapshot files: `<index>-<term>.snap`, whole and durable once they have that name.
 */

import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { StorageError } from "../../errors/balsa-error.ts";
import type { EntryId } from "../../raft/types.ts";
import { errorCode, makeDirectoryDurably, removeDurably, renameDurably } from "../files.ts";
import type { SnapshotHeader } from "./format.ts";
import type { SnapshotJobs } from "./jobs.ts";

export interface ReadChunk {
  readonly bytes: Uint8Array;
  /** Whether the file ends with it. */
  readonly last: boolean;
}

const filePattern = /^(\d{1,16})-(\d{1,16})\.snap$/;
const leftoverPattern = /^(making|incoming)-|\.tmp$/;
const filesKept = 2;

export class SnapshotDirectory {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes it when it is missing, and removes what was not finished. */
  static async open(path: string): Promise<SnapshotDirectory> {
    await makeDirectoryDurably(path);
    for (const name of await readdir(path)) if (leftoverPattern.test(name)) await removeDurably(join(path, name));
    return new SnapshotDirectory(path);
  }

  /** By index, the newest first. */
  async list(): Promise<readonly EntryId[]> {
    const ids: EntryId[] = [];
    for (const name of await readdir(this.path)) {
      const [, index, term] = filePattern.exec(name) ?? [];
      if (index !== undefined && term !== undefined) ids.push({ index: Number(index), term: Number(term) });
    }
    return ids.sort((one, other) => other.index - one.index || other.term - one.term);
  }

  pathOf(id: EntryId): string {
    return join(this.path, `${id.index}-${id.term}.snap`);
  }

  /** For a file of this node's own that is not finished. */
  makingPath(id: EntryId): string {
    return join(this.path, `making-${id.index}-${id.term}`);
  }

  incomingPath(id: EntryId): string {
    return join(this.path, `incoming-${id.index}-${id.term}`);
  }

  /** The newest file that verifies, and those that do not, by name. */
  async newestValid(
    jobs: SnapshotJobs,
  ): Promise<{ readonly newest: SnapshotHeader | null; readonly damaged: readonly string[] }> {
    const damaged: string[] = [];
    for (const id of await this.list()) {
      const { header, reason } = await jobs.inspectSnapshot(this.pathOf(id));
      if (header !== null) return { newest: header, damaged };
      damaged.push(`${this.pathOf(id)}: ${reason ?? "damaged"}`);
    }
    return { newest: null, damaged };
  }

  /** Gives a finished, synced file its name, then lets go of all but the newest two. Durable when it resolves. */
  async adopt(temporary: string, id: EntryId): Promise<void> {
    await renameDurably(temporary, this.pathOf(id));
    for (const old of (await this.list()).slice(filesKept)) await removeDurably(this.pathOf(old));
  }

  async bytesOf(id: EntryId): Promise<number> {
    return (await stat(this.pathOf(id))).size;
  }

  /** Null when there is no such file any more, or nothing at that offset. */
  async readChunk(id: EntryId, offset: number, bytesMax: number): Promise<ReadChunk | null> {
    const path = this.pathOf(id);
    let file: FileHandle;
    try {
      file = await open(path, "r");
    } catch (cause) {
      if (errorCode(cause) === "ENOENT") return null;
      throw new StorageError(`cannot read the snapshot ${path}: ${errorCode(cause)}`, { cause });
    }
    try {
      const { size } = await file.stat();
      if (offset >= size) return null;
      const bytes = new Uint8Array(Math.min(bytesMax, size - offset));
      for (let filled = 0; filled < bytes.byteLength; ) {
        const { bytesRead } = await file.read(bytes, filled, bytes.byteLength - filled, offset + filled);
        if (bytesRead === 0) throw new StorageError(`the snapshot ${path} shrank while it was read`);
        filled += bytesRead;
      }
      return { bytes, last: offset + bytes.byteLength === size };
    } finally {
      await file.close();
    }
  }
}
