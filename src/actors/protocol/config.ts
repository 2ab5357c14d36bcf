/**
 * @module
 * What main gives each actor when it starts: plain data, complete, defaults already filled in.
 */

import type { RaftOptions } from "../../raft/options.ts";
import type { NodeId } from "../../raft/types.ts";

/** Who this node is; read from its data directory by main. */
export interface Identity {
  readonly nodeId: NodeId;
  readonly clusterId: string;
  /** Random, one per data directory. */
  readonly incarnation: string;
}

export interface Addresses {
  /** `host:port` to listen on; port 0 takes any. */
  readonly httpListen: string;
  readonly raftListen: string;
  /** What others are told. */
  readonly httpAdvertise: string;
  readonly raftAdvertise: string;
}

export interface LogConfig {
  readonly identity: Identity;
  /** Real path of the LevelDB directory of the log, and of the watermark file. */
  readonly directory: string;
  readonly watermarkFile: string;
}

export interface StoreConfig {
  readonly identity: Identity;
  /** Real paths: `state/` with its generations, and `snapshots/`. */
  readonly stateDirectory: string;
  readonly snapshotDirectory: string;
  /** Random, one per process: tells the commands that this process proposed (below 2^48). */
  readonly origin: number;
  readonly historyBytesMax: number;
}

export interface RaftConfig {
  readonly identity: Identity;
  readonly addresses: Addresses;
  readonly options: RaftOptions;
  /** Whether this node starts a cluster of its own when its log is empty. */
  readonly bootstrap: boolean;
  /** A snapshot is due when the log exceeds this, or half the last snapshot. */
  readonly snapshotLogBytes: number;
  readonly peerQueueBytesMax: number;
  readonly frameBytesMax: number;
}

export interface IngressConfig {
  readonly identity: Identity;
  readonly addresses: Addresses;
  readonly origin: number;
  readonly version: string;
  readonly startedAtMs: number;
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  readonly bodyBytesMax: number;
  readonly headerBytesMax: number;
  readonly connectionsMax: number;
  readonly pendingRequestsMax: number;
  readonly proposalsInFlightMax: number;
  readonly allowedHosts: readonly string[];
  readonly corsOrigins: readonly string[];
  readonly defaultTimeoutMs: number;
  /** Requests that take so long are logged; 0 logs none. */
  readonly slowRequestMs: number;
  readonly leaseReads: boolean;
}
