/**
 * @module
 * The directory of snapshot files, whole and durable once they have their name.
 *
 *     <index>-<term>.snap      the node's own, or one that log and state have taken on
 *     <index>-<term>.received  came from a leader; whether it will be installed is not known yet
 *
 * So a state that is rebuilt from a `.snap` never runs ahead of the log: the node's own is made of entries that
 * are durable in it, and another is taken on only once the log starts after it.
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
const receivedPattern = /^(\d{1,16})-(\d{1,16})\.received$/;
const leftoverPattern = /^(making|incoming)-|\.tmp$/;
const filesKept = 2;
/** The core asks for the one that came last, or for none: more than one only wait for a commit to overtake them. */
const receivedFilesKept = 4;

export class SnapshotDirectory {
  readonly path: string;
  /** The one that the log names, as far as is known: it stays however many newer ones there are. */
  #recorded: EntryId | null = null;
  /** The node's own newest one of this process: its record is asked of the log as soon as it has its name. */
  #adopted: EntryId | null = null;
  /** What an earlier process received; the log may start after one of them. */
  #leftByEarlier: readonly EntryId[];
  /** What this process received and has not installed, in order of arrival. */
  #arrived: readonly EntryId[] = [];

  private constructor(path: string, leftByEarlier: readonly EntryId[]) {
    this.path = path;
    this.#leftByEarlier = leftByEarlier;
  }

  /** Makes it when it is missing, and removes what was not finished. */
  static async open(path: string): Promise<SnapshotDirectory> {
    await makeDirectoryDurably(path);
    for (const name of await readdir(path)) if (leftoverPattern.test(name)) await removeDurably(join(path, name));
    return new SnapshotDirectory(path, await listFiles(path, receivedPattern));
  }

  /** The `.snap` files by index, the newest first. */
  list(): Promise<readonly EntryId[]> {
    return listFiles(this.path, filePattern);
  }

  pathOf(id: EntryId): string {
    return join(this.path, `${id.index}-${id.term}.snap`);
  }

  /** For a file of this node's own that is not finished. */
  makingPath(id: EntryId): string {
    return join(this.path, `making-${id.index}-${id.term}`);
  }

  receivedPath(id: EntryId): string {
    return join(this.path, `${id.index}-${id.term}.received`);
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

  /**
   * Gives the node's own finished, synced file its name, then lets go of all but the newest two and the one that
   * the log names. Durable when it resolves.
   */
  async adopt(temporary: string, id: EntryId): Promise<void> {
    await renameDurably(temporary, this.pathOf(id));
    this.#recorded = this.#adopted ?? this.#recorded;
    this.#adopted = id;
    await this.#removeOvertaken(id);
  }

  /** Gives a file that came from a leader, verified and synced, the name under which it waits. Durable when it resolves. */
  async receive(temporary: string, id: EntryId): Promise<void> {
    await renameDurably(temporary, this.receivedPath(id));
    const isOther = (known: EntryId): boolean => !isSame(known, id);
    this.#leftByEarlier = this.#leftByEarlier.filter(isOther);
    const arrived = [...this.#arrived.filter(isOther), id];
    this.#arrived = arrived.slice(-receivedFilesKept);
    for (const old of arrived.slice(0, -receivedFilesKept)) await removeDurably(this.receivedPath(old));
  }

  /** The log starts after it: if it was received, it counts from here on. Its path; durable when it resolves. */
  async takeOn(id: EntryId): Promise<string> {
    const received = await listFiles(this.path, receivedPattern);
    if (received.some((known) => isSame(known, id))) await renameDurably(this.receivedPath(id), this.pathOf(id));
    this.#recorded = id;
    this.#adopted = null;
    this.#leftByEarlier = this.#leftByEarlier.filter((known) => !isSame(known, id));
    this.#arrived = this.#arrived.filter((known) => !isSame(known, id));
    await this.#removeOvertaken(id);
    return this.pathOf(id);
  }

  /** At the start: the log names this one, or none, so what an earlier process received is not asked for any more. */
  async keepRecorded(id: EntryId | null): Promise<void> {
    this.#recorded = this.#recorded ?? id;
    const stale = this.#leftByEarlier;
    this.#leftByEarlier = [];
    for (const old of stale) await removeDurably(this.receivedPath(old));
  }

  /** The state has reached `id`: the core installs nothing at or below it any more. */
  async #removeOvertaken(id: EntryId): Promise<void> {
    for (const old of (await this.list()).slice(filesKept)) {
      if (this.#recorded === null || !isSame(old, this.#recorded)) await removeDurably(this.pathOf(old));
    }
    for (const old of await listFiles(this.path, receivedPattern)) {
      if (old.index <= id.index) await removeDurably(this.receivedPath(old));
    }
    this.#arrived = this.#arrived.filter(({ index }) => index > id.index);
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

/** By index, the newest first. */
async function listFiles(path: string, pattern: RegExp): Promise<readonly EntryId[]> {
  const ids: EntryId[] = [];
  for (const name of await readdir(path)) {
    const [, index, term] = pattern.exec(name) ?? [];
    if (index !== undefined && term !== undefined) ids.push({ index: Number(index), term: Number(term) });
  }
  return ids.sort((one, other) => other.index - one.index || other.term - one.term);
}

function isSame(one: EntryId, other: EntryId): boolean {
  return one.index === other.index && one.term === other.term;
}
