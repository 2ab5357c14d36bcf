/**
 * @module
 * Opening, rebuilding and replacing the state on disk, so that a crash at any step leaves exactly one valid
 * generation and no reader ever meets a directory that was replaced under it (design: "Generations").
 */

import { realpath } from "node:fs/promises";
import { StorageError } from "../../errors/balsa-error.ts";
import type { StateMeta } from "../../kv/meta.ts";
import type { EntryId } from "../../raft/types.ts";
import { makeDirectoryDurably } from "../files.ts";
import type { SnapshotJobs } from "../snapshot/jobs.ts";
import { restoreSnapshot } from "../snapshot/restore-snapshot.ts";
import type { SnapshotDirectory } from "../snapshot/snapshot-directory.ts";
import {
  generationPath,
  makeGeneration,
  readCurrentGeneration,
  removeOtherGenerations,
  writeCurrentGeneration,
} from "./generation.ts";
import { LevelStateStorage } from "./level-state-storage.ts";
import { verifyState } from "./verify.ts";

/** Main's handle on a LevelDB directory: opened before this thread's, closed after it. */
export interface StateKeeper {
  keep(realPath: string): Promise<void>;
  release(realPath: string): Promise<void>;
}

export interface OpenedGeneration {
  readonly generation: number;
  /** Real path: the only spelling under which any handle opens it. */
  readonly path: string;
  readonly storage: LevelStateStorage;
  readonly meta: StateMeta;
}

export interface OpenedState extends OpenedGeneration {
  /** What was found damaged and left behind, a line each; empty when all was well. */
  readonly warnings: readonly string[];
}

export class StateGenerations {
  readonly #directory: string;
  readonly #snapshots: SnapshotDirectory;
  readonly #keeper: StateKeeper;
  readonly #jobs: SnapshotJobs;

  constructor(directory: string, snapshots: SnapshotDirectory, keeper: StateKeeper, jobs: SnapshotJobs) {
    this.#directory = directory;
    this.#snapshots = snapshots;
    this.#keeper = keeper;
    this.#jobs = jobs;
  }

  /**
   * The valid generation when it is a true prefix, whatever snapshots lie there: what they hold more is in the
   * log, or raft asks for the snapshot that the log starts after. Else a new one, from the newest snapshot that
   * verifies, or empty: the log replays what is missing.
   */
  async open(): Promise<OpenedState> {
    await makeDirectoryDurably(this.#directory);
    const warnings: string[] = [];
    const current = await readCurrentGeneration(this.#directory);
    if (current !== null) await removeOtherGenerations(this.#directory, current);
    const existing = current === null ? null : await this.#openExisting(current, warnings);
    if (existing !== null) return { ...existing, warnings };

    const { newest, damaged } = await this.#snapshots.newestValid(this.#jobs);
    warnings.push(...damaged);
    const rebuilt =
      newest === null
        ? await this.#build(async () => undefined)
        : await this.buildFrom({
            index: newest.metadata.lastIncludedIndex,
            term: newest.metadata.lastIncludedTerm,
          });
    await removeOtherGenerations(this.#directory, rebuilt.generation);
    return { ...rebuilt, warnings };
  }

  /** The next generation, made from that snapshot file and already the valid one. The old one stays open and readable. */
  async buildFrom(id: EntryId): Promise<OpenedGeneration> {
    return this.#build(async (storage) => {
      await restoreSnapshot(this.#snapshots.pathOf(id), (rows) => storage.writeSynced(rows), this.#jobs);
    });
  }

  /** Closes the generation and removes its directory. No other thread may hold it. */
  async retire(old: OpenedGeneration, kept: number): Promise<void> {
    await this.close(old);
    await removeOtherGenerations(this.#directory, kept);
  }

  async close(opened: OpenedGeneration): Promise<void> {
    await opened.storage.close();
    await this.#keeper.release(opened.path);
  }

  async #build(fill: (storage: LevelStateStorage) => Promise<void>): Promise<OpenedGeneration> {
    const { generation, path } = await makeGeneration(this.#directory);
    await this.#keeper.keep(path);
    const storage = await LevelStateStorage.open(path);
    await fill(storage);
    await writeCurrentGeneration(this.#directory, generation);
    const verification = await verifyState(storage);
    if (verification.kind === "damaged")
      throw new StorageError(`the state that was just made in ${path} does not verify: ${verification.reason}`);
    return { generation, path, storage, meta: verification.meta };
  }

  async #openExisting(generation: number, warnings: string[]): Promise<OpenedGeneration | null> {
    const directory = generationPath(this.#directory, generation);
    await makeDirectoryDurably(directory);
    const path = await realpath(directory);
    await this.#keeper.keep(path);
    let storage: LevelStateStorage;
    try {
      storage = await LevelStateStorage.open(path);
    } catch (error) {
      await this.#keeper.release(path);
      throw error;
    }
    const verification = await verifyState(storage);
    if (verification.kind === "prefix") return { generation, path, storage, meta: verification.meta };
    warnings.push(`the state in ${path} is no true prefix (${verification.reason}): it is rebuilt`);
    await storage.close();
    await this.#keeper.release(path);
    return null;
  }
}
