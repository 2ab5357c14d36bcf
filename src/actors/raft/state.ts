/**
 * @module
 * What the raft actor knows beside its core.
 */

import type { AdvertisedAddresses } from "../../actor/context.ts";
import { assert } from "../../errors/assert.ts";
import type { RaftState } from "../../raft/state.ts";
import {
  type Configuration,
  emptyConfiguration,
  type NodeId,
  type SnapshotMetadata,
  type Term,
} from "../../raft/types.ts";
import type { RaftConfig } from "../protocol/config.ts";
import type { LeadershipChanged } from "../protocol/ingress-raft.ts";
import type { LogOpened } from "../protocol/raft-log.ts";
import type { StoreOpened } from "../protocol/raft-store.ts";
import { type Comparison, createComparison } from "./comparison-state.ts";
import { createFreshness, type Freshness } from "./freshness.ts";
import { PackedRuns } from "./packed-runs.ts";

/** Ingress asks under ids from 1; the actor's own asks have ids from here on. */
export const ownReadIdsFrom: number = 2 ** 52;

/** Ingress proposes under ids from 1; what the store proposes has none, since nobody waits for its answer. */
export const ownProposalId = 0;

/** Without reads of clients, this node confirms how fresh it is this often. */
export const ownReadTicks = 2;

export interface RaftActorState {
  readonly config: RaftConfig;
  /** Null until the ports that were left to the system are known. */
  advertised: AdvertisedAddresses | null;
  /** Null until log and store have said what they hold. */
  core: RaftState | null;
  logOpened: LogOpened | null;
  storeOpened: StoreOpened | null;
  readonly packed: PackedRuns;
  readonly freshness: Freshness;
  readonly comparison: Comparison;
  ownReadId: number;
  ticksSinceOwnRead: number;
  appliedIndex: number;
  /** After the last configuration entry handed to the store. */
  handedOnConfiguration: Configuration;
  newestSnapshot: SnapshotMetadata | null;
  /** What ingress was told last. */
  shown: LeadershipChanged | null;
  /** The term in which this node leads, as the store was told; null when it does not. */
  leadingTermShown: Term | null;
  logBytes: number;
  /** The least that it had since the last snapshot was made: what a snapshot does not free. */
  logBytesLeast: number;
  snapshotBytes: number;
  snapshotUnderWay: boolean;
  /** The newest snapshot transfer to each peer that has not ended, by its number. */
  readonly transfers: Map<NodeId, number>;
  lastTransfer: number;
  /** When each node was heard last. */
  readonly heardAtMs: Map<NodeId, number>;
  /** Asks of ingress that wait for the leader's answer, by id: ticks left. */
  readonly inspections: Map<number, number>;
}

export function createRaftActor(config: RaftConfig): RaftActorState {
  return {
    config,
    advertised: areKnown(config.addresses) ? config.addresses : null,
    core: null,
    logOpened: null,
    storeOpened: null,
    packed: new PackedRuns({ runsMax: 256, bytesMax: 8 * 1024 * 1024 }),
    freshness: createFreshness(),
    comparison: createComparison(),
    ownReadId: ownReadIdsFrom,
    // Due at the first tick: until it is confirmed how fresh this node is, it is not ready.
    ticksSinceOwnRead: ownReadTicks,
    appliedIndex: 0,
    handedOnConfiguration: emptyConfiguration,
    newestSnapshot: null,
    shown: null,
    leadingTermShown: null,
    logBytes: 0,
    logBytesLeast: 0,
    snapshotBytes: 0,
    snapshotUnderWay: false,
    transfers: new Map(),
    lastTransfer: 0,
    heardAtMs: new Map(),
    inspections: new Map(),
  };
}

function areKnown({ httpAdvertise, raftAdvertise }: AdvertisedAddresses): boolean {
  return !httpAdvertise.endsWith(":0") && !raftAdvertise.endsWith(":0");
}

/** The core, where only a started actor can be. */
export function startedCore(state: RaftActorState): RaftState {
  assert(state.core !== null, "log and store open before anything is asked of them");
  return state.core;
}
