/**
 * @module
 * Between raft and store: what is committed, that it is applied, and snapshots in both directions.
 *
 * Bound: the core hands out at most `applyingBytesMax` that is not applied yet; snapshot chunks go one at
 * a time in each direction.
 */

import type { StateMark } from "../../kv/mark.ts";
import type { ClusterTime, Configuration, LogIndex, NodeId, SnapshotMetadata, Term } from "../../raft/types.ts";

/** Committed and persisted here; contiguous from `firstIndex`. */
export interface Apply {
  readonly kind: "apply";
  readonly firstIndex: LogIndex;
  /** As `encodeEntries` (src/codec/entries.ts) packs them. */
  readonly entries: Uint8Array;
  /** The configuration after each configuration entry among them, in order. */
  readonly configurations: readonly Configuration[];
  /** Whether `applied` is to follow; without it raft sees on the board how far the state has come, at its next turn. */
  readonly awaited: boolean;
}

/** Whether this node leads: its store then proposes what time makes due. */
export interface Leading {
  readonly kind: "leading";
  readonly leading: boolean;
  readonly term: Term;
}

/** Cluster time that has wholly passed at this leader, a tick behind its stamps: with each tick, also when nothing is written. */
export interface Time {
  readonly kind: "time";
  readonly term: Term;
  readonly time: ClusterTime;
}

/** Makes a snapshot of the state as applied now, in the background. Answered by `snapshotTaken`. */
export interface TakeSnapshot {
  readonly kind: "takeSnapshot";
}

/** Answered by `snapshotChunk`. */
export interface ReadSnapshotChunk {
  readonly kind: "readSnapshotChunk";
  readonly to: NodeId;
  readonly lastIncludedIndex: LogIndex;
  readonly lastIncludedTerm: Term;
  readonly offset: number;
  readonly bytesMax: number;
}

/** A chunk that came from a leader. Answered by `snapshotChunkStored`, the last one once all is verified. */
export interface StoreSnapshotChunk {
  readonly kind: "storeSnapshotChunk";
  readonly from: NodeId;
  readonly snapshot: SnapshotMetadata;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

/** Replaces the state by the staged or own snapshot of that index. Answered by `snapshotInstalled`. */
export interface InstallSnapshot {
  readonly kind: "installSnapshot";
  readonly snapshot: SnapshotMetadata;
}

/**
 * The core begins, with a log that names this snapshot (null: none). It stays; what an earlier process received
 * and never installed is not asked for any more.
 */
export interface KeepSnapshot {
  readonly kind: "keepSnapshot";
  readonly snapshot: SnapshotMetadata | null;
}

export type RaftToStore =
  | Apply
  | Leading
  | Time
  | TakeSnapshot
  | ReadSnapshotChunk
  | StoreSnapshotChunk
  | InstallSnapshot
  | KeepSnapshot;

/** What the state held, and that it is a true prefix. The first message, once. */
export interface StoreOpened {
  readonly kind: "opened";
  readonly appliedIndex: LogIndex;
  /** Term of that entry, 0 when there is none. */
  readonly appliedTerm: Term;
  readonly configuration: Configuration;
}

/** Everything up to the end of an `apply` that is awaited has been applied. */
export interface Applied {
  readonly kind: "applied";
  readonly index: LogIndex;
}

/** Null when it could not be made now (one is under way, nothing new): ask again later. */
export interface SnapshotTaken {
  readonly kind: "snapshotTaken";
  readonly snapshot: SnapshotMetadata | null;
  readonly bytes: number;
}

export interface SnapshotChunk {
  readonly kind: "snapshotChunk";
  readonly to: NodeId;
  readonly lastIncludedIndex: LogIndex;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly last: boolean;
  /** False when there is no such snapshot any more: start again with the newest. */
  readonly found: boolean;
}

export interface SnapshotChunkStored {
  readonly kind: "snapshotChunkStored";
  readonly from: NodeId;
  readonly lastIncludedIndex: LogIndex;
  /** Where the next chunk starts. */
  readonly offset: number;
  readonly last: boolean;
  /** False when the chunk was refused or the whole did not verify: the sender starts again. */
  readonly accepted: boolean;
}

export interface SnapshotInstalled {
  readonly kind: "snapshotInstalled";
  readonly snapshot: SnapshotMetadata;
}

/** A command that the leader's store proposes by itself. It may get lost: the store proposes again what it still misses. */
export interface StoreProposal {
  readonly kind: "storeProposal";
  readonly command: Uint8Array;
}

/** Once the entry of the mark is applied and readable. */
export interface StateMarked {
  readonly kind: "stateMarked";
  readonly mark: StateMark;
}

export type StoreToRaft =
  | StoreOpened
  | Applied
  | SnapshotTaken
  | SnapshotChunk
  | SnapshotChunkStored
  | SnapshotInstalled
  | StoreProposal
  | StateMarked;
