/**
 * @module
 * The words of Raft: terms, indices, entries (§5.1, §5.3, Figure 2).
 *
 * Numbers are plain: arithmetic on branded ones needs a cast a line. Where two of one kind meet in an
 * argument list, they travel in an object with names (`EntryId`) instead.
 */

/** Names a node for its whole life. Compared as a string, bytewise. */
export type NodeId = string;

/** A logical clock (§5.1). 0 is before the first election. */
export type Term = number;

/** A position in the log, from 1. Index 0 is before the log. */
export type LogIndex = number;

/** Milliseconds of cluster time: stamped by leaders, never back, never faster than ticks. */
export type ClusterTime = number;

/** Numbers the appends of one node's process, from 1, without gaps. 0 is before the first. */
export type WriteId = number;

/** Two logs that hold an entry with the same id are the same up to it (§5.3, Log Matching). */
export interface EntryId {
  readonly term: Term;
  readonly index: LogIndex;
}

interface EntryHeader extends EntryId {
  /** When the leader that made it appended it. */
  readonly time: ClusterTime;
}

/** What the state machine executes. The core never looks into `command`. */
export interface CommandEntry extends EntryHeader {
  readonly kind: "command";
  readonly command: Uint8Array;
}

/** The first entry of a leader's term (§8): lets it commit what came before. */
export interface NoopEntry extends EntryHeader {
  readonly kind: "noop";
}

export interface ConfigurationEntry extends EntryHeader {
  readonly kind: "configuration";
  readonly change: ConfigurationChange;
}

export type Entry = CommandEntry | NoopEntry | ConfigurationEntry;

/** What a member is called by others. The core carries it and reads only `standing`. */
export interface Member {
  /** `host:port` of its HTTP listener, as others reach it. */
  readonly httpAddr: string;
  /** `host:port` of its peer listener, as others reach it. */
  readonly raftAddr: string;
  /** Names its data directory: a wiped disk has another one. Empty when not known yet. */
  readonly incarnation: string;
  /** What it is to become: a learner meant as `voter` is promoted once it has caught up. */
  readonly standing: "voter" | "learner";
}

/**
 * Who counts (§6, dissertation §4.3). `votersOutgoing` is not empty only in a joint configuration.
 *
 * Lists are sorted and without repetition; `members` has exactly the ids that the lists name.
 */
export interface Configuration {
  readonly voters: readonly NodeId[];
  readonly votersOutgoing: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /** Voters of the outgoing half that become learners when the joint configuration is left. */
  readonly learnersNext: readonly NodeId[];
  /** Whether the leader proposes to leave the joint configuration by itself. */
  readonly autoLeave: boolean;
  readonly members: Readonly<Record<NodeId, Member>>;
}

export type ConfigurationStep =
  | { readonly kind: "addVoter"; readonly nodeId: NodeId; readonly member: Member }
  | { readonly kind: "addLearner"; readonly nodeId: NodeId; readonly member: Member }
  | { readonly kind: "remove"; readonly nodeId: NodeId }
  | { readonly kind: "update"; readonly nodeId: NodeId; readonly member: Member };

/**
 * A change of members. One step with `auto` is a simple change; more, or `jointImplicit` (left by itself)
 * and `jointExplicit` (left by a change without steps), go through a joint configuration.
 */
export interface ConfigurationChange {
  readonly steps: readonly ConfigurationStep[];
  readonly transition: "auto" | "jointImplicit" | "jointExplicit";
}

/** What must be on disk before a message of this term or vote leaves (Figure 2, persistent state). */
export interface HardState {
  readonly currentTerm: Term;
  readonly votedFor: NodeId | null;
}

/** Stands for all entries up to and with `lastIncludedIndex` (§7). */
export interface SnapshotMetadata {
  readonly lastIncludedIndex: LogIndex;
  readonly lastIncludedTerm: Term;
  /** Cluster time of the last included entry. */
  readonly lastIncludedTime: ClusterTime;
  readonly configuration: Configuration;
}

/** From `firstIndex` on, up to the next run, entries are of `term`. */
export interface TermRun {
  readonly term: Term;
  readonly firstIndex: LogIndex;
}

export type Role = "follower" | "preCandidate" | "candidate" | "leader";

export const emptyConfiguration: Configuration = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
  members: {},
};
