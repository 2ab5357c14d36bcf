/**
 * @module
 * One core with a disk that survives it and a state machine that lists what it applied; every write, read and
 * execution is a call, so that a test decides their order.
 */

import { collect } from "../../src/raft/collect.ts";
import { changed } from "../../src/raft/configuration.ts";
import type { Append, Effects, ReadEntries, ReadGrant } from "../../src/raft/effect.ts";
import type { Input } from "../../src/raft/input.ts";
import type { RaftOptions } from "../../src/raft/options.ts";
import { createRaft, type RaftState } from "../../src/raft/state.ts";
import { step } from "../../src/raft/step.ts";
import {
  type Configuration,
  type Entry,
  emptyConfiguration,
  type HardState,
  type Member,
  type NodeId,
  type SnapshotMetadata,
  type TermRun,
} from "../../src/raft/types.ts";

export const noSnapshot: SnapshotMetadata = {
  lastIncludedIndex: 0,
  lastIncludedTerm: 0,
  lastIncludedTime: 0,
  configuration: emptyConfiguration,
};

/** What a node knows to be committed that has just been founded. */
export const noneCommitted = { index: 0, term: 0 } as const;

export function memberOf(id: NodeId, standing: Member["standing"] = "voter"): Member {
  return { httpAddr: `${id}:80`, raftAddr: `${id}:90`, incarnation: id, standing };
}

/** Voters, and learners that are to stay so. */
export function configurationOf(voters: readonly NodeId[], learners: readonly NodeId[] = []): Configuration {
  const members: Record<NodeId, Member> = {};
  for (const id of voters) members[id] = memberOf(id);
  for (const id of learners) members[id] = memberOf(id, "learner");
  return { ...emptyConfiguration, voters: [...voters].sort(), learners: [...learners].sort(), members };
}

export function optionsOf(id: NodeId, changes: Partial<RaftOptions> = {}): RaftOptions {
  const defaults: RaftOptions = {
    id,
    // Nodes that draw the same timeouts would split every vote.
    seed: Array.from(id).reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7 + 7919 * (changes.seed ?? 0)),
    tickMs: 100,
    electionTimeoutTicks: 10,
    heartbeatTicks: 1,
    preVote: true,
    checkQuorum: true,
    voteHoldMs: 0,
    inflightMessagesMax: 64,
    inflightBytesMax: 1 << 20,
    appendBytesMax: 1 << 16,
    uncommittedBytesMax: 1 << 24,
    applyingBytesMax: 1 << 20,
    tailBytesMax: 1 << 20,
    pendingReadsMax: 1000,
    trailingEntries: 0,
    commitNotice: "eager",
    readConfirmation: "round",
  };
  return { ...defaults, ...changes, seed: defaults.seed };
}

/** What survives the process of a node. */
export interface CoreDisk {
  hardState: HardState;
  startIndex: number;
  startTerm: number;
  startTime: number;
  entries: Entry[];
  snapshot: SnapshotMetadata;
  /** All that was ever executed, in order: the state machine is a list. */
  applied: Entry[];
  appliedIndex: number;
  configuration: Configuration;
}

export interface Propositions {
  readonly accepted: { readonly proposalId: number; readonly term: number }[];
  readonly refused: { readonly proposalId: number; readonly reason: string }[];
}

/** One node: its core, and what its owner has under way. */
export class CoreNode {
  readonly id: NodeId;
  readonly options: RaftOptions;
  disk: CoreDisk;
  state: RaftState;
  appends: Append[] = [];
  applying: Entry[] = [];
  reads: ReadEntries[] = [];
  installing: SnapshotMetadata | null = null;
  /** The state that a snapshot stands for. */
  stateOf: (snapshot: SnapshotMetadata) => readonly Entry[] = () => [];
  /** False: an installation takes its time. */
  installs = true;
  /** False: the state machine stands still. */
  executes = true;
  /** The log is reset to what is being installed after this write. */
  #resetAfter = 0;
  #isLogReset = false;
  granted: ReadGrant[] = [];
  readsRefused: number[] = [];
  proposals: Propositions = { accepted: [], refused: [] };
  alive = true;
  #boots = 0;
  readonly #founding: Configuration;

  constructor(options: RaftOptions, configuration: Configuration) {
    this.id = options.id;
    this.options = options;
    this.#founding = configuration;
    this.disk = {
      hardState: { currentTerm: 0, votedFor: null },
      startIndex: 0,
      startTerm: 0,
      startTime: 0,
      entries: [],
      snapshot: noSnapshot,
      applied: [],
      appliedIndex: 0,
      configuration,
    };
    this.state = this.#boot();
  }

  /** Ends the process: of what was under way, the first `writesKept` appends reach the disk. */
  crash(writesKept = 0): void {
    this.alive = false;
    for (const append of this.appends.slice(0, writesKept)) this.#write(append);
  }

  /** A new process on the same disk; its state may have to be rebuilt from the snapshot on. */
  restart({ rebuilt }: { readonly rebuilt: boolean } = { rebuilt: false }): void {
    const { snapshot, startIndex, appliedIndex } = this.disk;
    if (appliedIndex < startIndex) this.#replaceState(snapshot, this.stateOf(snapshot));
    if (rebuilt) this.#rebuild();
    Object.assign(this, { appends: [], applying: [], reads: [], installing: null, alive: true });
    this.state = this.#boot();
  }

  step(input: Input): void {
    step(this.state, input);
  }

  /** Collects, keeps what is asked of the owner, and gives what is to be sent. */
  collect(): Effects {
    const effects = collect(this.state);
    if (effects.append !== null) this.appends.push(effects.append);
    this.applying.push(...effects.apply);
    this.reads.push(...effects.readEntries);
    this.granted.push(...effects.readsGranted);
    this.readsRefused.push(...effects.readsRefused);
    this.proposals.accepted.push(...effects.proposalsAccepted);
    this.proposals.refused.push(...effects.proposalsRefused);
    if (effects.installSnapshot !== null) {
      this.installing = effects.installSnapshot;
      this.#resetAfter = this.state.writes.lastWriteId;
      this.#isLogReset = false;
    }
    if (effects.compactTo !== null) this.#compact(effects.compactTo);
    return effects;
  }

  /** The oldest write becomes durable; false when there is none. */
  persist(): boolean {
    const append = this.appends.shift();
    if (append === undefined) return false;
    this.#write(append);
    const { writeId, term, lastIndex } = append;
    this.step({ kind: "persisted", writeId, term, lastIndex });
    return true;
  }

  /** The state machine executes all it was given; false when that is nothing. */
  apply(): boolean {
    const last = this.applying.at(-1);
    if (last === undefined || !this.executes) return false;
    for (const entry of this.applying) {
      this.disk.applied.push(entry);
      this.disk.appliedIndex = entry.index;
      if (entry.kind === "configuration") this.disk.configuration = changed(this.disk.configuration, entry.change);
    }
    this.applying = [];
    this.step({ kind: "applied", index: last.index });
    return true;
  }

  /** The oldest question to the log is answered; false when there is none. */
  read(): boolean {
    const ask = this.reads.shift();
    if (ask === undefined) return false;
    const first = ask.from - this.disk.startIndex - 1;
    const entries = first < 0 ? [] : this.disk.entries.slice(first, ask.to - this.disk.startIndex - 1);
    this.step({ kind: "entriesRead", from: ask.from, entries });
    return true;
  }

  /** Makes a snapshot of what is applied. */
  snapshot(): SnapshotMetadata {
    const last = this.disk.applied.at(-1);
    const snapshot: SnapshotMetadata = {
      lastIncludedIndex: this.disk.appliedIndex,
      lastIncludedTerm: last?.term ?? 0,
      lastIncludedTime: last?.time ?? 0,
      configuration: this.disk.configuration,
    };
    this.disk.snapshot = snapshot;
    this.step({ kind: "snapshotTaken", snapshot });
    return snapshot;
  }

  /** The snapshot under way takes the place of log and state; false when there is none. */
  install(): boolean {
    const snapshot = this.installing;
    if (snapshot === null || !this.installs || this.appends.some(({ writeId }) => writeId <= this.#resetAfter))
      return false;
    this.#resetLog(snapshot);
    this.installing = null;
    this.applying = [];
    this.#replaceState(snapshot, this.stateOf(snapshot));
    this.step({ kind: "snapshotInstalled", snapshot });
    return true;
  }

  /** Index and term of every entry on disk, as `term@index`. */
  get log(): string[] {
    return this.disk.entries.map(({ term, index }) => `${term}@${index}`);
  }

  /** The commands that were executed, as text. */
  get commands(): string[] {
    return this.disk.applied.flatMap((entry) => (entry.kind === "command" ? [textOf(entry.command)] : []));
  }

  #rebuild(): void {
    const { disk } = this;
    const { lastIncludedIndex, configuration } = disk.snapshot;
    disk.applied = disk.applied.filter(({ index }) => index <= lastIncludedIndex);
    disk.appliedIndex = lastIncludedIndex;
    disk.configuration = lastIncludedIndex === 0 ? this.#founding : configuration;
  }

  #write({ writeId, term, lastIndex, entries, hardState }: Append): void {
    const { disk, installing } = this;
    if (installing !== null && writeId > this.#resetAfter) this.#resetLog(installing);
    if (hardState !== null) disk.hardState = hardState;
    const first = entries[0];
    if (first !== undefined) {
      disk.entries.length = first.index - disk.startIndex - 1;
      disk.entries.push(...entries);
    }
    const last = disk.entries.at(-1) ?? { index: disk.startIndex, term: disk.startTerm };
    if (last.index === lastIndex && last.term === term) return;
    throw new Error(`the log ends at ${last.term}@${last.index}, the core says ${term}@${lastIndex}`);
  }

  #resetLog(snapshot: SnapshotMetadata): void {
    if (this.#isLogReset) return;
    this.#isLogReset = true;
    Object.assign(this.disk, {
      startIndex: snapshot.lastIncludedIndex,
      startTerm: snapshot.lastIncludedTerm,
      startTime: snapshot.lastIncludedTime,
      entries: [],
      snapshot,
    } satisfies Partial<CoreDisk>);
  }

  #replaceState({ lastIncludedIndex, configuration }: SnapshotMetadata, applied: readonly Entry[]): void {
    Object.assign(this.disk, {
      applied: [...applied],
      appliedIndex: lastIncludedIndex,
      configuration,
    } satisfies Partial<CoreDisk>);
  }

  #compact(index: number): void {
    const { disk } = this;
    const dropped = disk.entries.splice(0, index - disk.startIndex).at(-1);
    if (dropped === undefined) return;
    Object.assign(disk, { startIndex: index, startTerm: dropped.term, startTime: dropped.time });
  }

  #boot(): RaftState {
    const { disk } = this;
    const runs: TermRun[] = [];
    for (const { term, index } of disk.entries) {
      if (runs.at(-1)?.term !== term) runs.push({ term, firstIndex: index });
    }
    this.#boots += 1;
    const options = { ...this.options, seed: this.options.seed + 1000 * this.#boots };
    return createRaft(options, {
      hardState: disk.hardState,
      snapshot: disk.snapshot,
      logStart: { index: disk.startIndex, term: disk.startTerm },
      termRuns: runs,
      lastIndex: disk.startIndex + disk.entries.length,
      lastTime: disk.entries.at(-1)?.time ?? disk.startTime,
      appliedIndex: disk.appliedIndex,
      configuration: disk.configuration,
    });
  }
}

export function bytesOfText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
