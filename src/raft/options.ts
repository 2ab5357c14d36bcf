/**
 * @module
 * What a core is made from: its bounds, and what its disk held.
 */

import type { Configuration, HardState, LogIndex, NodeId, SnapshotMetadata, TermRun } from "./types.ts";

export interface RaftOptions {
  readonly id: NodeId;
  /** Seeds the generator that draws election timeouts. */
  readonly seed: number;
  /** Milliseconds that one tick stands for in cluster time. */
  readonly tickMs: number;
  /** An election starts after more than this many ticks without a leader, and less than twice as many, at random. */
  readonly electionTimeoutTicks: number;
  readonly heartbeatTicks: number;
  readonly preVote: boolean;
  /**
   * A leader that has not heard from a quorum for an election timeout steps down (dissertation §6.2). `true`: that is asked
   * once a timeout, so that it may take two; `eachTick`: it takes one. A leader that is heard and hears nobody keeps the
   * others from an election until then.
   */
  readonly checkQuorum: boolean | "eachTick";
  /**
   * Milliseconds that a node elects nobody once it has heard a leader, who may answer reads by the lease that this gives it.
   * The same on all nodes of a cluster; 0: no leases. Otherwise the owner brings the time by `clock`, first in each turn.
   */
  readonly voteHoldMs: number;
  /** Appends on their way to one follower. */
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
  /** Commands of one AppendEntries; at least one entry goes. */
  readonly appendBytesMax: number;
  /** Appended but not committed at the leader; more is refused as `overloaded`. */
  readonly uncommittedBytesMax: number;
  /** Handed to the state machine and not applied yet; more waits in the log. */
  readonly applyingBytesMax: number;
  /** The newest entries kept in memory. */
  readonly tailBytesMax: number;
  /** Reads that wait for a leader or a confirmation; more are refused. */
  readonly pendingReadsMax: number;
  /** Entries kept below a snapshot for followers that lag a little. */
  readonly trailingEntries: number;
  /**
   * `eager`: each follower hears of a commit at once, by an append without entries. `withEntries`: one that still has
   * an append to answer hears of it with the next one, or when it has answered; and while entries of many writers follow
   * each other closely, with the next of them. Under load that halves the messages.
   */
  readonly commitNotice: "eager" | "withEntries";
  /**
   * How a leader makes sure that it still leads before it grants a read that another node asks for. `round`: a quorum answers
   * heartbeats. `asker`: not where the leader and the voter that asks are a quorum.
   */
  readonly readConfirmation: "round" | "asker";
}

/** What log and state held when the node started; all zero and empty on a new one. */
export interface RaftBoot {
  readonly hardState: HardState;
  /** The newest durable snapshot; entries at and below it need not be there. */
  readonly snapshot: SnapshotMetadata;
  /** Where the log starts: the entry before its first, by index and term. At or below the snapshot. */
  readonly logStart: { readonly index: LogIndex; readonly term: number };
  /** The runs of terms of the entries above `logStart`, ascending. */
  readonly termRuns: readonly TermRun[];
  readonly lastIndex: LogIndex;
  /** Cluster time of the last entry, of the snapshot when there is none. */
  readonly lastTime: number;
  readonly appliedIndex: LogIndex;
  /** As of `appliedIndex`. */
  readonly configuration: Configuration;
}
