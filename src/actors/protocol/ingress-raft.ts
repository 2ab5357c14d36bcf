/**
 * @module
 * Between ingress and raft: what clients want of the cluster, and what became of it.
 *
 * Bound: ingress asks for at most `proposalsInFlightMax` commands or `proposedBytesMax` bytes of them, and two read indices of each kind at a time; more
 * waits in ingress, where it is refused as `OVERLOADED` when its own bound is reached.
 */

import type { ProposalRefusal } from "../../raft/message.ts";
import type { Configuration, ConfigurationChange, LogIndex, NodeId, Role, Term } from "../../raft/types.ts";

/** Commands encoded once, here; raft carries the bytes unread to disk and peers. */
export interface Propose {
  readonly kind: "propose";
  readonly proposalId: number;
  /** The commands one after the other. */
  readonly slab: Uint8Array;
  /** Where each command ends in `slab`, ascending. */
  readonly ends: readonly number[];
}

export interface ProposeConfiguration {
  readonly kind: "proposeConfiguration";
  readonly proposalId: number;
  readonly change: ConfigurationChange;
}

/** One confirmation for all the reads that wait. */
export interface AskReadIndex {
  readonly kind: "readIndex";
  readonly readId: number;
}

/** As a read index, for reads that the leader may answer by its lease. */
export interface AskLeaseRead {
  readonly kind: "leaseRead";
  readonly readId: number;
}

export interface TransferLeadership {
  readonly kind: "transferLeadership";
  readonly transferee: NodeId;
}

/** Answered by `inspected`, also when this node does not lead: raft asks the leader. */
export interface Inspect {
  readonly kind: "inspect";
  readonly inspectId: number;
}

export type IngressToRaft = Propose | ProposeConfiguration | AskReadIndex | AskLeaseRead | TransferLeadership | Inspect;

/** Appended or handed on in `term`. Once a later term has applied, what is still missing is lost for certain. */
export interface ProposalAccepted {
  readonly kind: "proposalAccepted";
  readonly proposalId: number;
  readonly term: Term;
}

/** Certainly not appended: it may be proposed again. */
export interface ProposalRefused {
  readonly kind: "proposalRefused";
  readonly proposalId: number;
  readonly reason: ProposalRefusal;
}

export interface ReadGranted {
  readonly kind: "readGranted";
  readonly readId: number;
  readonly readIndex: LogIndex;
}

/** Never confirmed: ask again under a new id. */
export interface ReadRefused {
  readonly kind: "readRefused";
  readonly readId: number;
}

/** Sent at the start and at every change of leader, term, role or configuration, and when this node was removed. */
export interface LeadershipChanged {
  readonly kind: "leadershipChanged";
  readonly role: Role;
  readonly term: Term;
  readonly leaderId: NodeId | null;
  /** As applied here. */
  readonly configuration: Configuration;
  /** This node was a member and is none any more: it campaigns no longer, and what it holds grows old. */
  readonly removed: boolean;
}

export interface MemberProgress {
  readonly id: NodeId;
  readonly matchIndex: LogIndex;
  readonly healthy: boolean;
}

/** The leader's view of its followers; `progress` is empty when no leader answered. */
export interface Inspected {
  readonly kind: "inspected";
  readonly inspectId: number;
  readonly progress: readonly MemberProgress[];
}

/** A member's state is not the leader's after an entry that both have applied. `nodes`: the leader, and that member. */
export interface StateMismatch {
  readonly kind: "state-mismatch";
  readonly nodes: readonly [NodeId, NodeId];
  /** Where it was seen first. */
  readonly index: LogIndex;
}

/** All that are raised; sent when that has changed. */
export interface AlarmsChanged {
  readonly kind: "alarmsChanged";
  readonly alarms: readonly StateMismatch[];
}

export type RaftToIngress =
  | ProposalAccepted
  | ProposalRefused
  | ReadGranted
  | ReadRefused
  | LeadershipChanged
  | Inspected
  | AlarmsChanged;
