/**
 * @module
 * What nodes say to each other (Figure 2, Figure 13; dissertation §3.10, §6.4).
 *
 * Divergence: heartbeats are messages of their own, not empty AppendEntries. They carry no
 * `prevLogIndex`, so that one to a follower that is still being probed costs nothing.
 */

import type { ConfigurationChange, Entry, EntryId, LogIndex, NodeId, SnapshotMetadata, Term } from "./types.ts";

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's term. A pre-vote request carries the term it would campaign in; a granted answer repeats it. */
  readonly term: Term;
}

export interface AppendEntriesRequest extends Envelope {
  readonly kind: "appendEntriesRequest";
  readonly prevLogIndex: LogIndex;
  readonly prevLogTerm: Term;
  /** Contiguous from `prevLogIndex + 1`. */
  readonly entries: readonly Entry[];
  readonly leaderCommit: LogIndex;
}

/** The follower's log equals the leader's up to `matchIndex`, and is durable there. */
export interface AppendEntriesMatched extends Envelope {
  readonly kind: "appendEntriesMatched";
  readonly matchIndex: LogIndex;
}

/**
 * The follower has no entry `prevLogIndex` of that term. `hint` is the last entry of its log that the
 * leader's may still agree with: nothing above `hint.index` can match, nor anything of a later term.
 */
export interface AppendEntriesRejected extends Envelope {
  readonly kind: "appendEntriesRejected";
  readonly prevLogIndex: LogIndex;
  readonly hint: EntryId;
}

export interface HeartbeatRequest extends Envelope {
  readonly kind: "heartbeatRequest";
  /** Never above the follower's match: a heartbeat proves nothing about its log. */
  readonly leaderCommit: LogIndex;
  /** Confirms, when a quorum echoes it, every read asked up to this round (dissertation §6.4). 0: none. */
  readonly readRound: number;
}

export interface HeartbeatResponse extends Envelope {
  readonly kind: "heartbeatResponse";
  readonly readRound: number;
}

/**
 * What all of a campaign's messages carry, whatever the terms of the two: the last entry that the sender knows to be
 * committed. A log that holds the same entry holds all that is committed up to it.
 */
interface OfCampaign extends Envelope {
  readonly committed: EntryId;
}

export interface PreVoteRequest extends OfCampaign {
  readonly kind: "preVoteRequest";
  readonly lastLogIndex: LogIndex;
  readonly lastLogTerm: Term;
}

export interface PreVoteResponse extends OfCampaign {
  readonly kind: "preVoteResponse";
  readonly voteGranted: boolean;
}

export interface RequestVoteRequest extends OfCampaign {
  readonly kind: "requestVoteRequest";
  readonly lastLogIndex: LogIndex;
  readonly lastLogTerm: Term;
  /** Asked for by the leader itself (dissertation §3.10): a live leader is no reason to refuse. */
  readonly leadershipTransfer: boolean;
}

export interface RequestVoteResponse extends OfCampaign {
  readonly kind: "requestVoteResponse";
  readonly voteGranted: boolean;
}

export interface TimeoutNowRequest extends Envelope {
  readonly kind: "timeoutNowRequest";
}

/** Asks a follower to hand leadership on: `transferee` is to lead. Sent on to the leader. */
export interface TransferRequest extends Envelope {
  readonly kind: "transferRequest";
  readonly transferee: NodeId;
}

/** A snapshot has arrived whole and verified at `to`; its bytes travelled beside (Figure 13). */
export interface InstallSnapshotRequest extends Envelope {
  readonly kind: "installSnapshotRequest";
  readonly snapshot: SnapshotMetadata;
}

/**
 * Commands handed on to the leader of `term`, at most once: only that leader, in that term, appends
 * them, and nobody hands them on again. So they are certainly lost once a later term has committed.
 * `proposalId` rises with each that one process hands on: what arrives twice is known by it.
 */
export interface ForwardedProposal extends Envelope {
  readonly kind: "forwardedProposal";
  readonly proposalId: number;
  readonly proposal: Proposal;
}

/**
 * The configuration that the sender has applied, as of `appliedIndex`, does not hold the receiver: who knew itself a
 * member at or before that index has been removed. Says so whatever the terms of the two are.
 */
export interface RemovalNotice extends Envelope {
  readonly kind: "removalNotice";
  readonly appliedIndex: LogIndex;
}

/** The proposal was not appended, and will not be. */
export interface ForwardedProposalRefused extends Envelope {
  readonly kind: "forwardedProposalRefused";
  readonly proposalId: number;
  readonly reason: ProposalRefusal;
}

export interface ReadIndexRequest extends Envelope {
  readonly kind: "readIndexRequest";
  readonly readId: number;
}

/** As a ReadIndexRequest, but a lease of the leader will do. Answered by a ReadIndexResponse. */
export interface LeaseReadRequest extends Envelope {
  readonly kind: "leaseReadRequest";
  readonly readId: number;
}

export interface ReadIndexResponse extends Envelope {
  readonly kind: "readIndexResponse";
  readonly readId: number;
  readonly readIndex: LogIndex;
}

/** A message of a campaign: an ask for a vote or a pre-vote, or its answer. */
export type CampaignMessage = PreVoteRequest | PreVoteResponse | RequestVoteRequest | RequestVoteResponse;

export type Message =
  | AppendEntriesRequest
  | AppendEntriesMatched
  | AppendEntriesRejected
  | HeartbeatRequest
  | HeartbeatResponse
  | CampaignMessage
  | TimeoutNowRequest
  | TransferRequest
  | InstallSnapshotRequest
  | ForwardedProposal
  | ForwardedProposalRefused
  | ReadIndexRequest
  | LeaseReadRequest
  | ReadIndexResponse
  | RemovalNotice;

/** What is asked to become entries: a batch of commands, or one change of members. */
export type Proposal =
  | { readonly kind: "commands"; readonly commands: readonly Uint8Array[] }
  | { readonly kind: "configuration"; readonly change: ConfigurationChange };

/** Why a proposal was certainly not appended. */
export type ProposalRefusal =
  /** No leader is known, or it is not this node in this term. */
  | "noLeader"
  /** Leadership is being handed over, or its holder is no voter any more. */
  | "transferring"
  /** Too many uncommitted bytes. */
  | "overloaded"
  /** Another change is not applied yet, or this term has committed nothing yet. */
  | "configurationPending"
  /** It would leave no voter. */
  | "lastVoter"
  /** It cannot follow the present configuration: an unknown id, a joint one entered twice. */
  | "invalidConfiguration";
