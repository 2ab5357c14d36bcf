/**
 * @module
 * What a node is started with, and what its owner can ask of it.
 */

import type { ActorName, LinkCuts, LogFields } from "../actor/context.ts";
import type { BalsaClient } from "../client/balsa-client.ts";

/** Something for the operator's eyes. */
export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  /** `main` or the actor that says it. */
  readonly actor: string;
  readonly message: string;
  readonly fields: LogFields;
}

/**
 * How a node begins on a directory that has not begun before. On one that has, `bootstrap` and `join` mean
 * `continue`, so that a unit file may keep its flag; `continue` on an empty one is a StartError.
 */
export type Begin =
  | { readonly kind: "bootstrap" }
  /** `url` is the HTTP address of any member. */
  | { readonly kind: "join"; readonly url: string; readonly learner: boolean }
  | { readonly kind: "continue" };

/** Complete; `completeOptions` fills in what a program leaves out. Addresses are `host:port`; port 0 takes any. */
export interface NodeOptions {
  readonly id: string;
  readonly http: string;
  readonly raft: string;
  /** The node's own directory; made when it is not there. */
  readonly data: string;
  readonly begin: Begin;
  /** URLs of nodes: asked whether they know a cluster before a new one is begun, and where they are when all have moved. */
  readonly peers?: readonly string[];
  /** What others are told, where it differs from what is listened on. */
  readonly advertiseHttp?: string;
  readonly advertiseRaft?: string;
  /** Addresses outside loopback are meant, although nothing is encrypted and nobody is asked who they are. */
  readonly insecure: boolean;
  readonly allowedHosts: readonly string[];
  readonly corsOrigins: readonly string[];
  readonly valueBytesMax: number;
  readonly tickMs: number;
  readonly electionTimeoutTicks: number;
  /** `level=lease` is answered by the leader's lease; every node of a cluster must have it, and the same election timeout. */
  readonly leaseReads: boolean;
  readonly historyBytesMax: number;
  /** A snapshot is due when the log exceeds this, or half the last snapshot. */
  readonly snapshotLogBytes: number;
  /** Requests that take so long are logged with the time of each stage; 0 logs none. */
  readonly slowRequestMs: number;
  readonly log: (line: LogLine) => void;
}

/**
 * What a program that embeds a node says of it; what it leaves out is as for `balsa serve`, but for these: `id` is
 * `n1`, both addresses are any free port of 127.0.0.1, and nothing is logged. Without `data` the node lives in a
 * temporary directory that is removed when it ends, and begins a cluster of its own there; with it, `begin` has
 * to say how an empty directory begins.
 */
export type StartOptions = Partial<NodeOptions>;

/** Where a node stands, as it shows itself: known at once, also while its actors stand still; of an ended node, the last. */
export interface NodeStanding {
  readonly role: "follower" | "preCandidate" | "candidate" | "leader";
  readonly term: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  /** The last index that the newest snapshot holds; 0 without one. */
  readonly snapshotIndex: number;
}

export interface BalsaNode extends AsyncDisposable {
  readonly id: string;
  /** Where this machine reaches it, whatever others are told. */
  readonly httpUrl: string;
  /** `host:port` at which it listens for other nodes. */
  readonly raftAddr: string;
  /** The node's directory. */
  readonly data: string;
  /** Resolves when the node has closed in order, rejects naming the actor when it ended unexpectedly. */
  readonly closed: Promise<void>;
  readonly standing: NodeStanding;
  /** Talks to this node alone; closed with it. */
  readonly client: BalsaClient;
  /** Resolves once `/readyz` is 200; rejects when the node ends before. */
  ready(): Promise<void>;
  /** Hands leadership over, finishes what runs, closes. The directory is free when it resolves. */
  close(): Promise<void>;
  /**
   * Fault switch: ends the node as `kill -9` would, nothing flushed and nobody told; with an actor's name, ends that
   * thread, and the node with it as after any failure. `closed` rejects. The directory is free when it resolves.
   */
  crash(actor?: ActorName): Promise<void>;
  /** Fault switch: blocks the actor's thread solid. Resolves when it is about to be blocked, or has ended. */
  stall(actor: ActorName, milliseconds: number): Promise<void>;
  /**
   * Fault switch: what of this node's links to its peers is cut, in place of what was cut before. HTTP is not touched.
   * In force when it resolves.
   */
  setCuts(cuts: LinkCuts): Promise<void>;
}
