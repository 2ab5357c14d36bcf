/**
 * @module
 * From what log and store found on disk to a core: the two must agree before anything is said to anybody.
 */

import { StorageError } from "../../errors/balsa-error.ts";
import type { RaftBoot } from "../../raft/options.ts";
import { emptyConfiguration, type SnapshotMetadata } from "../../raft/types.ts";
import type { LogOpened } from "../protocol/raft-log.ts";
import type { StoreOpened } from "../protocol/raft-store.ts";

const noSnapshot: SnapshotMetadata = {
  lastIncludedIndex: 0,
  lastIncludedTerm: 0,
  lastIncludedTime: 0,
  configuration: emptyConfiguration,
};

export type BootStep =
  /** The log starts after a snapshot that the state has not reached: it must be installed first. */
  | { readonly kind: "install"; readonly snapshot: SnapshotMetadata }
  | { readonly kind: "ready"; readonly boot: RaftBoot };

/** Throws a StorageError when the state knows of entries that the log has not. */
export function bootFrom(log: LogOpened, store: StoreOpened): BootStep {
  const snapshot = log.snapshot ?? noSnapshot;
  if (store.appliedIndex > log.lastIndex) {
    throw new StorageError(
      `the state has applied entry ${store.appliedIndex}, but the log ends at ${log.lastIndex}: ` +
        "one of them is of another time; restore both from one backup, or replace this member",
    );
  }
  // What the log no longer holds can only come from the snapshot.
  if (store.appliedIndex < log.logStart.index) return { kind: "install", snapshot };
  return {
    kind: "ready",
    boot: {
      hardState: log.hardState,
      snapshot,
      logStart: log.logStart,
      termRuns: log.termRuns,
      lastIndex: log.lastIndex,
      lastTime: log.lastTime,
      appliedIndex: store.appliedIndex,
      configuration: store.configuration,
    },
  };
}

/** Has this node never held anything? Only then may it begin a cluster of its own. */
export function isPristine(log: LogOpened): boolean {
  return log.lastIndex === 0 && log.snapshot === null && log.hardState.currentTerm === 0;
}
