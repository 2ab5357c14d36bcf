/**
 * @module
 * What a durable log does: the seam between the log actor and a disk, real or simulated.
 */

import type { PackedEntry } from "../../codec/entries.ts";
import type { EntryId, HardState, LogIndex, SnapshotMetadata, Term, TermRun } from "../../raft/types.ts";

/** A change of the log. Several are one atomic write, in order. */
export type LogOperation =
  /** Replaces everything from `firstIndex` on by `entries`, when there are any, and term and vote unless null. */
  | {
      readonly kind: "append";
      readonly firstIndex: LogIndex;
      readonly entries: readonly PackedEntry[];
      readonly hardState: HardState | null;
      /** Term and index of the last entry of the whole log after it: asserted, and what the answer repeats. */
      readonly term: Term;
      readonly lastIndex: LogIndex;
    }
  /**
   * Entries up to and with `index` need not be there any more: `snapshot` is durable and covers them. Those that share
   * a record with one above stay, so the log may start below `index`.
   */
  | { readonly kind: "compact"; readonly index: LogIndex; readonly snapshot: SnapshotMetadata }
  /** No entry counts any more; the log goes on after the snapshot. */
  | { readonly kind: "reset"; readonly snapshot: SnapshotMetadata }
  | { readonly kind: "recordSnapshot"; readonly snapshot: SnapshotMetadata };

/** Where the log stands once a write is durable. */
export interface LogHead {
  readonly last: EntryId;
  readonly hardState: HardState;
  /** Bytes of the entries above the start, as they are on disk. */
  readonly bytes: number;
}

/** What the disk held, every record of it verified. */
export interface LogContents extends LogHead {
  /** Null when there has never been one. */
  readonly snapshot: SnapshotMetadata | null;
  readonly logStart: EntryId;
  /** The runs of terms of the entries above `logStart`. */
  readonly termRuns: readonly TermRun[];
  /** Cluster time of the last entry, of the snapshot when there is none. */
  readonly lastTime: number;
}

export interface LogRange {
  readonly from: LogIndex;
  /** Exclusive. */
  readonly to: LogIndex;
  /** Of payloads; at least one entry is read. */
  readonly bytesMax: number;
}

/**
 * Called by one owner. Whatever rejects ends the node: the outcome of a failed write is unknown, and none may
 * follow it.
 */
export interface LogStorage {
  /** First, once. Throws `StorageError` when anything does not verify; nothing is mended. */
  open(): Promise<LogContents>;

  /** The last entry that stays as it is under these operations, or the log's start. */
  kept(operations: readonly LogOperation[]): EntryId;

  /** All operations or none; durable when it resolves. One at a time. */
  write(operations: readonly LogOperation[]): Promise<LogHead>;

  /**
   * Entries from `from` on, verified; none when `from` is compacted. Sees the log as it stands when called,
   * whatever is written meanwhile. Not to be called while a write is under way.
   */
  read(range: LogRange): Promise<readonly PackedEntry[]>;

  /** Removes some rows that no longer count. False when there were none. One at a time, beside writes and reads. */
  sweep(): Promise<boolean>;

  /** Waits for nothing: whatever was asked must have settled. */
  close(): Promise<void>;
}
