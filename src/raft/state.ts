/**
 * @module
 * All that a core knows: plain data, changed in place by `step` and `collect` and by nobody else.
 */

import { assert } from "./assert.ts";
import { type AppendPace, noPace } from "./commit-notice.ts";
import type { ReadEntries, ReadGrant } from "./effect.ts";
import { createLease, type Lease } from "./lease.ts";
import { createLog, type RaftLog } from "./log.ts";
import type { Message, ProposalRefusal } from "./message.ts";
import type { RaftBoot, RaftOptions } from "./options.ts";
import type { Progress } from "./progress.ts";
import { createRandom, drawBelow, drawElectionTimeout, type RandomState } from "./random.ts";
import { lastTermOf } from "./term-runs.ts";
import type {
  ClusterTime,
  Configuration,
  ConfigurationEntry,
  Entry,
  HardState,
  LogIndex,
  NodeId,
  Role,
  SnapshotMetadata,
  Term,
  WriteId,
} from "./types.ts";

/** A write that the disk has not acknowledged. */
export interface PendingWrite {
  readonly writeId: WriteId;
  readonly term: Term;
  readonly lastIndex: LogIndex;
  /** As of this write. */
  readonly currentTerm: Term;
  /** The log up to here is durable with it; lowered when entries of it are overwritten meanwhile. */
  coveredIndex: LogIndex;
}

/** A message that must not leave before that write is durable. */
export interface HeldMessage {
  readonly writeId: WriteId;
  readonly message: Message;
}

export interface Writes {
  lastWriteId: WriteId;
  persistedWriteId: WriteId;
  /** The write that holds `currentTerm`. */
  termWriteId: WriteId;
  /** As the last append had it, for the comparison that finds a change. */
  emittedHardState: HardState;
  durableTerm: Term;
  pending: PendingWrite[];
  held: HeldMessage[];
}

/** Handed to the state machine in one `apply`. */
export interface ApplyingChunk {
  readonly lastIndex: LogIndex;
  readonly bytes: number;
}

export interface Applying {
  chunks: ApplyingChunk[];
  bytes: number;
  /** Configuration entries that were handed on and take effect when they are applied. */
  changes: ConfigurationEntry[];
  /** Entries from here on have been asked of the log; 0: none. */
  awaitedFrom: LogIndex;
  /** What the log answered, contiguous to `emittedIndex`; goes out with the next collect. */
  read: readonly Entry[];
}

/** A read asked at this node that no leader has answered yet. */
export interface LocalRead {
  readonly readId: number;
  /** Its name on the wire: never used by another process of this node, whose answers may still be on their way. */
  readonly wireId: number;
  /** Whether a lease of the leader will do. */
  readonly byLease: boolean;
  waitedTicks: number;
}

/** A read that this node confirms as the leader. */
export interface LeaderRead {
  readonly from: NodeId;
  /** Of a remote read the asker's name for it, of one's own the wire id. */
  readonly wireId: number;
  /** Null until an entry of this term is committed (dissertation §6.4, step 1). */
  readIndex: LogIndex | null;
  /** The round that confirms it; 0 until that has begun. */
  round: number;
}

export interface Reads {
  local: LocalRead[];
  confirming: LeaderRead[];
  /** The last round begun; rises for the life of the process. */
  round: number;
  nextWireId: number;
}

/** A proposal handed on: its refusal names it by `wireId`. */
export interface ForwardedId {
  readonly wireId: number;
  readonly proposalId: number;
}

/** What came to this node as the leader of a term: each is taken once, however often it arrives. */
export interface TakenForwards {
  /** The last term that this process led; 0: none. */
  term: Term;
  /** The last id taken of each series of each sender, the oldest series first. */
  readonly lastIds: Map<string, number>;
}

/** Configuration entries of the log that was found at the start are looked for before a campaign. */
export interface BootScan {
  nextIndex: LogIndex;
  /** The last entry to look at. */
  lastIndex: LogIndex;
  /** Indices of configuration entries above `appliedIndex`, ascending. */
  found: LogIndex[];
  /** So many of them, from the first on, are known to be committed by what follows them. */
  committed: number;
  /** Entries from here on have been asked of the log; 0: none. */
  awaitedFrom: LogIndex;
}

/** How long a leader's own disk or state machine has stood still. */
export interface Stall {
  persistedIndex: LogIndex;
  appliedIndex: LogIndex;
  /** The furthest follower's match when the present standstill began. */
  followerMatchIndex: LogIndex;
  stalledTicks: number;
  transferTried: boolean;
}

/** Gathered by steps, given by the next collect. */
export interface Outbox {
  /** Leave as soon as `currentTerm` is durable. */
  readonly messages: Message[];
  /** Leave when everything before them is durable. */
  readonly afterWrite: Message[];
  readonly readEntries: ReadEntries[];
  readonly sendSnapshots: { readonly to: NodeId; readonly message: Message }[];
  installSnapshot: SnapshotMetadata | null;
  compactTo: LogIndex | null;
  readonly readsGranted: ReadGrant[];
  readonly readsRefused: number[];
  readonly proposalsAccepted: { readonly proposalId: number; readonly term: Term }[];
  readonly proposalsRefused: { readonly proposalId: number; readonly reason: ProposalRefusal }[];
}

export interface RaftState {
  readonly id: NodeId;
  readonly options: RaftOptions;
  readonly random: RandomState;

  currentTerm: Term;
  votedFor: NodeId | null;
  role: Role;
  leaderId: NodeId | null;
  /** As applied here: changes count from the moment their entry is applied. */
  configuration: Configuration;
  configurationChanged: boolean;
  /** Whether a configuration that was applied in this process held this node. */
  wasMember: boolean;
  /** Who said that this node was removed had applied so much, and no leader has been heard since; 0: nobody has. */
  removalNoticeIndex: LogIndex;
  readonly log: RaftLog;
  /** The newest durable one. */
  snapshot: SnapshotMetadata;
  /** A leader's snapshot on its way into log and state: neither is touched meanwhile. */
  installing: SnapshotMetadata | null;

  /** Since the leader was heard, or the campaign began; on a leader since the quorum was checked. */
  electionElapsedTicks: number;
  /** In (electionTimeoutTicks, 2 × electionTimeoutTicks), less while campaigns are early. */
  randomizedTimeoutTicks: number;
  heartbeatElapsedTicks: number;
  /** The leader's connection was reset: so many time-outs more are short. */
  earlyTimeoutsLeft: number;
  /** Of this campaign, by voter. */
  votes: Map<NodeId, boolean>;
  bootScan: BootScan | null;

  /** The leader's, one a member and sorted by id, its own among them; empty on all others. */
  progress: Progress[];
  transferee: NodeId | null;
  /** No change of members is appended before this index is applied. */
  pendingConfigurationIndex: LogIndex;
  /** Not 0 on a leader that is no voter any more: it steps down when this index is committed. */
  leavingIndex: LogIndex;
  /** The last noop of this log that is not the first entry of its term: a leader took its leave with it. 0: none. */
  farewellIndex: LogIndex;
  /** Bytes of entries that this leader has appended and not applied. */
  uncommittedBytes: number;
  /** Cluster time when this leader was elected, and ticks since. */
  electedAt: ClusterTime;
  ticksSinceElected: number;
  pace: AppendPace;
  stall: Stall;
  /** Null without leases. */
  readonly lease: Lease | null;

  readonly writes: Writes;
  readonly applying: Applying;
  readonly reads: Reads;
  forwarded: ForwardedId[];
  readonly takenForwards: TakenForwards;
  readonly outbox: Outbox;
}

/** Wire ids come in series of so many: two processes of a node count in different ones, whatever each has used. */
export const wireIdsOfSeries: number = 2 ** 20;

/**
 * A follower that knows of no leader. `options.seed` must differ from that of the node's earlier processes:
 * it also begins the numbers by which answers to those are told apart.
 */
export function createRaft(options: RaftOptions, boot: RaftBoot): RaftState {
  const { currentTerm, votedFor } = boot.hardState;
  const random = createRandom(options.seed);
  const nextWireId = drawBelow(random, 2 ** 32) * wireIdsOfSeries + drawBelow(random, wireIdsOfSeries);
  const log = createLog(boot);
  assert(lastTermOf(log) <= currentTerm, "a term is durable before its entries are");
  // Whoever has no members yet has the founder's entry first, which is committed by itself (see bootstrap).
  const foundedOnly = boot.configuration.voters.length === 0 && log.startIndex === 0 && log.lastIndex > 0;
  if (foundedOnly) log.commitIndex = Math.max(log.commitIndex, 1);
  return {
    id: options.id,
    options,
    random,
    currentTerm,
    votedFor,
    role: "follower",
    leaderId: null,
    configuration: boot.configuration,
    configurationChanged: false,
    wasMember: boot.configuration.members[options.id] !== undefined,
    removalNoticeIndex: 0,
    log,
    snapshot: boot.snapshot,
    installing: null,
    electionElapsedTicks: 0,
    randomizedTimeoutTicks: drawElectionTimeout(random, options.electionTimeoutTicks),
    heartbeatElapsedTicks: 0,
    earlyTimeoutsLeft: 0,
    votes: new Map(),
    bootScan:
      log.appliedIndex < log.lastIndex
        ? { nextIndex: log.appliedIndex + 1, lastIndex: log.lastIndex, found: [], committed: 0, awaitedFrom: 0 }
        : null,
    progress: [],
    transferee: null,
    pendingConfigurationIndex: 0,
    leavingIndex: 0,
    farewellIndex: 0,
    uncommittedBytes: 0,
    electedAt: 0,
    ticksSinceElected: 0,
    pace: noPace(),
    stall: noStall(),
    lease: createLease(options, currentTerm),
    writes: {
      lastWriteId: 0,
      persistedWriteId: 0,
      termWriteId: 0,
      emittedHardState: boot.hardState,
      durableTerm: currentTerm,
      pending: [],
      held: [],
    },
    applying: { chunks: [], bytes: 0, changes: [], awaitedFrom: 0, read: [] },
    reads: { local: [], confirming: [], round: 0, nextWireId },
    forwarded: [],
    takenForwards: { term: 0, lastIds: new Map() },
    outbox: createOutbox(),
  };
}

export function createOutbox(): Outbox {
  return {
    messages: [],
    afterWrite: [],
    readEntries: [],
    sendSnapshots: [],
    installSnapshot: null,
    compactTo: null,
    readsGranted: [],
    readsRefused: [],
    proposalsAccepted: [],
    proposalsRefused: [],
  };
}

export function noStall(): Stall {
  return { persistedIndex: 0, appliedIndex: 0, followerMatchIndex: 0, stalledTicks: 0, transferTried: false };
}
