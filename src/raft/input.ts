/**
 * @module
 * All that can happen to the core. It learns of the world by these and by nothing else.
 */

import type { Message, Proposal } from "./message.ts";
import type { Entry, LogIndex, NodeId, SnapshotMetadata, Term, WriteId } from "./types.ts";

export type Input =
  /** One tick of the owner's monotonic clock has passed. */
  | { readonly kind: "tick" }
  | { readonly kind: "receive"; readonly message: Message }
  /** Answered by `proposalAccepted` or `proposalRefused` with the same id, here or after a forward. */
  | { readonly kind: "propose"; readonly proposalId: number; readonly proposal: Proposal }
  /** Answered by `readGranted` with the same id, or by `readRefused`. Ids are never used twice. */
  | { readonly kind: "readIndex"; readonly readId: number }
  /** As `readIndex`, but a leader may grant it by its lease, as far as clocks can be trusted. */
  | { readonly kind: "leaseRead"; readonly readId: number }
  /** What a monotonic clock says, read after all other inputs of the turn had come. With leases, first in a turn. */
  | { readonly kind: "clock"; readonly nowMs: number }
  | { readonly kind: "transferLeadership"; readonly transferee: NodeId }
  /** The append of that id is durable; `term` and `lastIndex` repeat what it ended with. In order. */
  | { readonly kind: "persisted"; readonly writeId: WriteId; readonly term: Term; readonly lastIndex: LogIndex }
  /** The state machine has executed everything up to `index`. */
  | { readonly kind: "applied"; readonly index: LogIndex }
  /** Answers `readEntries`: contiguous from `from`, at least one; `entries` is empty when they are compacted. */
  | { readonly kind: "entriesRead"; readonly from: LogIndex; readonly entries: readonly Entry[] }
  /** A snapshot of this node's own state is durable: it may be sent, and the log under it removed. */
  | { readonly kind: "snapshotTaken"; readonly snapshot: SnapshotMetadata }
  /** `installSnapshot` is done: log and state both stand at the snapshot, durably. */
  | { readonly kind: "snapshotInstalled"; readonly snapshot: SnapshotMetadata }
  /** The snapshot under way to `to` has arrived (`installSnapshotRequest` included) or was given up. */
  | { readonly kind: "snapshotSent"; readonly to: NodeId; readonly delivered: boolean }
  /** Messages to that peer are being lost. */
  | { readonly kind: "peerUnreachable"; readonly peer: NodeId }
  /** The connection of that peer was reset: when it leads, it is probably dead. Campaign early. */
  | { readonly kind: "peerDisconnected"; readonly peer: NodeId }
  /** Campaign now, as if the election timeout had passed. */
  | { readonly kind: "campaign" };
