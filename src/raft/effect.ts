/**
 * @module
 * All that the core wants done. `collect` gives it after any number of steps.
 */

import type { Message, ProposalRefusal } from "./message.ts";
import type {
  Configuration,
  Entry,
  HardState,
  LogIndex,
  NodeId,
  Role,
  SnapshotMetadata,
  Term,
  WriteId,
} from "./types.ts";

/**
 * One write to the log: atomic, synced, answered by `persisted` in the order of ids.
 *
 * Entries replace everything from the index of the first on. `hardState` is null when it has not changed.
 */
export interface Append {
  readonly writeId: WriteId;
  /** The term of the last entry of the whole log after this write. */
  readonly term: Term;
  /** The last index of the whole log after this write. */
  readonly lastIndex: LogIndex;
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
}

/** Entries below the core's memory, [from, to), at most `bytesMax` but at least one. */
export interface ReadEntries {
  readonly from: LogIndex;
  readonly to: LogIndex;
  readonly bytesMax: number;
}

/** What an observer may want to show; nothing is decided by it. */
export interface Status {
  readonly role: Role;
  readonly term: Term;
  readonly leaderId: NodeId | null;
  readonly commitIndex: LogIndex;
  readonly lastLogIndex: LogIndex;
  /** Applied here. */
  readonly configuration: Configuration;
  /** Was this node a member once, and is none any more? It campaigns no longer. */
  readonly removed: boolean;
}

export interface ReadGrant {
  readonly readId: number;
  /** The state must have been applied up to here before the read is answered. */
  readonly readIndex: LogIndex;
}

export interface Effects {
  /**
   * May leave at once, in this order. The core itself has held back what must wait for a write
   * until `persisted` covered it, so no caller can send too early.
   */
  readonly messages: readonly Message[];
  readonly append: Append | null;
  /** Committed and persisted here, in order, each once. */
  readonly apply: readonly Entry[];
  readonly readEntries: readonly ReadEntries[];
  /** Stream this snapshot to `to`, then hand it `installSnapshotRequest` as `message` says. */
  readonly sendSnapshots: readonly { readonly to: NodeId; readonly message: Message }[];
  /**
   * Reset the log to the snapshot, durably, then the state; then `snapshotInstalled`. The reset goes to the log after
   * the `append` given with it and before all later ones, which count from the snapshot.
   */
  readonly installSnapshot: SnapshotMetadata | null;
  /** Entries up to here are covered by a durable snapshot and wanted by nobody. Null: as before. */
  readonly compactTo: LogIndex | null;
  readonly readsGranted: readonly ReadGrant[];
  /** Not confirmed and never will be: ask again under another id. */
  readonly readsRefused: readonly number[];
  /** Appended, or handed on, in `term`: lost for certain once an entry of a later term is applied without it. */
  readonly proposalsAccepted: readonly { readonly proposalId: number; readonly term: Term }[];
  readonly proposalsRefused: readonly { readonly proposalId: number; readonly reason: ProposalRefusal }[];
  /** The applied configuration has changed since the last collect. */
  readonly configurationChanged: boolean;
}
