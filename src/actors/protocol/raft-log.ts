/**
 * @module
 * Between raft and log: what must be durable, and that it is.
 *
 * Bound: the core's own limits on uncommitted bytes and on what is in flight from a leader; log answers
 * appends in order, many with one sync.
 */

import type { HardState, LogIndex, SnapshotMetadata, Term, TermRun, WriteId } from "../../raft/types.ts";

/**
 * Replaces everything from `firstIndex` on by `entries` (when there are any), and term and vote by
 * `hardState` (unless null), in one synced batch.
 */
export interface AppendToLog {
  readonly kind: "append";
  readonly writeId: WriteId;
  /** Term and index of the last entry of the whole log after this write. */
  readonly term: Term;
  readonly lastIndex: LogIndex;
  readonly hardState: HardState | null;
  readonly firstIndex: LogIndex;
  /** Entries as `encodeEntries` (src/codec/entries.ts) packs them; empty bytes when there are none. */
  readonly entries: Uint8Array;
}

export interface ReadLog {
  readonly kind: "read";
  readonly from: LogIndex;
  readonly to: LogIndex;
  readonly bytesMax: number;
}

/** Removes entries up to and with `index`, whenever it is convenient: a durable snapshot covers them. */
export interface CompactLog {
  readonly kind: "compact";
  readonly index: LogIndex;
  /** The snapshot that covers them; becomes the log's record of its newest snapshot. */
  readonly snapshot: SnapshotMetadata;
}

/** Drops every entry and starts anew after the snapshot, in one synced batch. */
export interface ResetLog {
  readonly kind: "reset";
  readonly snapshot: SnapshotMetadata;
}

/** Records the newest snapshot of the node's own state, without removing anything yet. */
export interface RecordSnapshot {
  readonly kind: "recordSnapshot";
  readonly snapshot: SnapshotMetadata;
}

export type RaftToLog = AppendToLog | ReadLog | CompactLog | ResetLog | RecordSnapshot;

/** What the disk held, verified from the first record to the last. The first message, once. */
export interface LogOpened {
  readonly kind: "opened";
  readonly hardState: HardState;
  /** Null when there has never been one. */
  readonly snapshot: SnapshotMetadata | null;
  readonly logStart: { readonly index: LogIndex; readonly term: Term };
  readonly termRuns: readonly TermRun[];
  readonly lastIndex: LogIndex;
  readonly lastTime: number;
}

export interface Persisted {
  readonly kind: "persisted";
  readonly writeId: WriteId;
  readonly term: Term;
  readonly lastIndex: LogIndex;
}

export interface LogRead {
  readonly kind: "entriesRead";
  readonly from: LogIndex;
  /** As `encodeEntries` packs them; empty bytes when `from` is compacted. */
  readonly entries: Uint8Array;
}

export interface LogReset {
  readonly kind: "resetDone";
  readonly snapshot: SnapshotMetadata;
}

/** The bytes the log takes now, roughly; decides when a snapshot is due. */
export interface LogSize {
  readonly kind: "size";
  readonly bytes: number;
}

export type LogToRaft = LogOpened | Persisted | LogRead | LogReset | LogSize;
