/**
 * @module
 * A slot file in memory that remembers what is synced, so that a power cut can be tried.
 */

import type { NodeIdentity } from "../../../src/storage/data-directory.ts";
import type { SlotFile } from "../../../src/storage/watermark/slot-file.ts";

export const identity: NodeIdentity = { nodeId: "n1", clusterId: "c1", incarnation: "00".repeat(16) };

export class MemorySlotFile implements SlotFile {
  readonly place: string = "memory/watermark";
  bytes: Buffer | null = null;
  /** What is on disk whatever happens; writes after it may or may not be. */
  synced: Buffer | null = null;
  /** Positions written since the last sync began or ended. */
  readonly unsynced: Set<number> = new Set<number>();
  syncs = 0;
  closes = 0;
  /** Syncs wait here until `finishSync` while it is set. */
  holdsSyncs = false;
  #held: ((error: Error | null) => void)[] = [];

  read(): Promise<Buffer | null> {
    return Promise.resolve(this.bytes === null ? null : Buffer.from(this.bytes));
  }

  create(bytes: Buffer): Promise<void> {
    this.bytes = Buffer.from(bytes);
    this.synced = Buffer.from(bytes);
    return Promise.resolve();
  }

  write(bytes: Buffer, position: number): void {
    this.bytes?.set(bytes, position);
    this.unsynced.add(position);
  }

  async sync(): Promise<void> {
    this.syncs += 1;
    const covered = this.bytes === null ? null : Buffer.from(this.bytes);
    const positions = [...this.unsynced];
    if (this.holdsSyncs) {
      await new Promise<void>((resolve, reject) => {
        this.#held.push((error) => (error === null ? resolve() : reject(error)));
      });
    }
    this.synced = covered;
    for (const position of positions) this.unsynced.delete(position);
  }

  finishSync(error: Error | null = null): void {
    for (const finish of this.#held.splice(0)) finish(error);
  }

  close(): void {
    this.closes += 1;
  }
}
