/**
 * @module
 * Main's own handles on the state's LevelDB directories.
 *
 * LevelDB handles are shared by path inside a process, and the thread that opened one first must close it
 * last: threads that outlive it crash the process. So main opens before any worker and closes after all.
 */

import { Level } from "level";
import { explainOpenFailure } from "../storage/data-directory.ts";
import { stateDatabaseOptions } from "../storage/state/level-state-storage.ts";

export class Keepers {
  readonly #kept = new Map<string, Level<Uint8Array, Uint8Array>>();

  /** Throws a StartError when another process has it open, a StorageError when it cannot be opened. */
  async keep(realPath: string): Promise<void> {
    if (this.#kept.has(realPath)) return;
    const database = new Level<Uint8Array, Uint8Array>(realPath, stateDatabaseOptions);
    this.#kept.set(realPath, database);
    try {
      await database.open();
    } catch (cause) {
      throw explainOpenFailure(realPath, cause);
    }
  }

  async release(realPath: string): Promise<void> {
    const database = this.#kept.get(realPath);
    this.#kept.delete(realPath);
    await database?.close();
  }

  async releaseAll(): Promise<void> {
    await Promise.all([...this.#kept.keys()].map((realPath) => this.release(realPath)));
  }
}
