/**
 * @module
 * From what log and store found on disk to a core: the two must agree before anything is said to anybody.
 */

import { StorageError } from "../../errors/balsa-error.ts";
import type { RaftBoot } from "../../raft/options.ts";
import { emptyConfiguration, type LogIndex, type SnapshotMetadata, type Term } from "../../raft/types.ts";
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

/**
 * Throws a StorageError when the state has applied an entry that the log has not.
 *
 * No crash leads there: an entry is applied only when it is durable in the log, a snapshot is taken on by the
 * state only when the log starts after it, and a log never replaces what is committed. So the log is not the one
 * that this state was applied from; then it may also lack entries above, and votes, that this node has given its
 * word for. To go on from the state alone (a log that starts anew after it) would keep the state true and break
 * that word unseen.
 */
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
  const term = termAt(log, store.appliedIndex);
  if (term !== store.appliedTerm) {
    throw new StorageError(
      `the state has applied entry ${store.appliedIndex} of term ${store.appliedTerm}, but in the log it is of term ` +
        `${term}: one of them is of another time; restore both from one backup, or replace this member`,
    );
  }
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

/** Of an entry that the log holds, or of its start. */
function termAt({ logStart, termRuns }: LogOpened, index: LogIndex): Term {
  if (index === logStart.index) return logStart.term;
  return termRuns.findLast(({ firstIndex }) => firstIndex <= index)?.term ?? logStart.term;
}

/** Has this node never held anything? Only then may it begin a cluster of its own. */
export function isPristine(log: LogOpened): boolean {
  return log.lastIndex === 0 && log.snapshot === null && log.hardState.currentTerm === 0;
}
