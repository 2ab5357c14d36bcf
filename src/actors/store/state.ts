/**
 * @module
 * What the store knows between two turns.
 */

import type { AppliedBatch, MachineEntry } from "../../kv/machine.ts";
import type { StateMeta } from "../../kv/meta.ts";
import { ReadAhead } from "../../kv/read-ahead.ts";
import type { HistoryLimits, OldestChunk, Trim } from "../../kv/trim.ts";
import type { LogIndex, SnapshotMetadata, Term } from "../../raft/types.ts";
import type { StoreToRaft } from "../protocol/raft-store.ts";
import type { BatchApplied, StoreToIngress } from "../protocol/store-ingress.ts";
import { createExpiry, type Expiry } from "./expiry-state.ts";
import type { Generation, StoreEffects, StoreTask } from "./input.ts";

export interface StoreOptions {
  /** Tells the commands of this process. */
  readonly origin: number;
  readonly limits: HistoryLimits;
  /** Entries of one batch: bounds the time of one turn. */
  readonly batchEntriesMax: number;
}

/** Where an installation stands. Nothing is applied between `building` and its end. */
export type Installation =
  /** Waits for the write under way. */
  | { readonly kind: "asked"; readonly snapshot: SnapshotMetadata }
  | { readonly kind: "building"; readonly snapshot: SnapshotMetadata }
  /** Waits for ingress. */
  | { readonly kind: "entering"; readonly snapshot: SnapshotMetadata; readonly generation: Generation };

export interface StoreState {
  readonly options: StoreOptions;
  generation: Generation;
  /** As of the last batch written. */
  meta: StateMeta;
  /** Committed, not in a batch yet; the first has index `meta.appliedIndex + 1` once nothing is being written. Bounded by the core (`applyingBytesMax`). */
  waiting: MachineEntry[];
  /** The last entry that raft has handed over. */
  receivedIndex: LogIndex;
  /** Raft is to be told when these are applied, ascending. */
  awaited: LogIndex[];
  /** The term of the last entry that ingress was told of. */
  toldTerm: Term;
  writing: AppliedBatch | null;
  /** Rows in order that the next batch needs; good until it is written. */
  readonly readAhead: ReadAhead;
  readingRows: boolean;
  trim: Trim | null;
  readingHistory: boolean;
  /** Of the history; null when it is not known. */
  oldest: OldestChunk | null;
  /** What this store has proposed last as leader, and at which cluster time; null when nothing in this term. */
  compaction: { readonly revision: number; readonly time: number } | null;
  readonly expiry: Expiry;
  makingSnapshot: boolean;
  /** Index of the newest snapshot that this process knows of. */
  snapshotIndex: LogIndex;
  installation: Installation | null;
  /** What this turn wants done. */
  outbox: Outbox;
}

export interface Outbox {
  applying: StateMeta | null;
  applied: StateMeta | null;
  toRaft: StoreToRaft[];
  toIngress: StoreToIngress[];
  progress: BatchApplied | null;
  write: AppliedBatch | null;
  tasks: StoreTask[];
}

/** The store as its state was found on disk; the first turn sends what must be said first. */
export function createStore(options: StoreOptions, generation: Generation, snapshotIndex: LogIndex): StoreState {
  const { meta, configuration, path } = generation;
  const { appliedIndex, appliedTerm } = meta;
  const outbox = emptyOutbox();
  outbox.applying = meta;
  outbox.applied = meta;
  outbox.toIngress.push({ kind: "generationReady", generation: generation.generation, path, overtakenTerm: 0 });
  outbox.toRaft.push({ kind: "opened", appliedIndex, appliedTerm, configuration });
  return {
    options,
    generation,
    meta,
    waiting: [],
    receivedIndex: meta.appliedIndex,
    awaited: [],
    toldTerm: 0,
    writing: null,
    readAhead: new ReadAhead(),
    readingRows: false,
    trim: null,
    readingHistory: false,
    oldest: null,
    compaction: null,
    expiry: createExpiry(),
    makingSnapshot: false,
    snapshotIndex,
    installation: null,
    outbox,
  };
}

/** One that only waits for the disk to finish with the old generation has not begun. */
export function isInstalling(state: StoreState): boolean {
  return state.installation !== null && state.installation.kind !== "asked";
}

/** Takes what is to be done out of the state. */
export function collectEffects(state: StoreState): StoreEffects {
  const effects = state.outbox;
  state.outbox = emptyOutbox();
  return effects;
}

function emptyOutbox(): Outbox {
  return { applying: null, applied: null, toRaft: [], toIngress: [], progress: null, write: null, tasks: [] };
}
