/**
 * @module
 * What a cluster inside one program is started with, and what its owner can do with it.
 */

import type { BalsaClient } from "../client/balsa-client.ts";
import type { BalsaNode, LogLine, NodeOptions } from "./options.ts";

type OfEachNode = "id" | "http" | "raft" | "data" | "begin" | "advertiseHttp" | "advertiseRaft" | "log";

/** Beside these, any option that is the same for all nodes, as `tickMs`. */
export interface ClusterOptions extends Partial<Omit<NodeOptions, OfEachNode>> {
  /** 1 to 9, named `n1`, `n2`, …; default 3. */
  readonly nodes?: number;
  /** Default: nothing is logged. */
  readonly log?: (nodeId: string, line: LogLine) => void;
}

/**
 * Nodes on any free ports of 127.0.0.1, in a temporary directory that is removed when the cluster closes.
 *
 * They share this process, and with it Node's thread pool: `UV_THREADPOOL_SIZE=16` in the environment gives them as much
 * as nodes of their own have.
 */
export interface Cluster extends AsyncDisposable {
  /** The newest life of each node, in the order in which they were added; crashed ones are among them. */
  readonly nodes: readonly BalsaNode[];
  /** Talks to whichever of the present nodes answers; closed with the cluster. */
  readonly client: BalsaClient;
  /** Throws a RangeError when there is no such node. */
  node(id: string): BalsaNode;
  /** Resolves once a node leads and most nodes are in its term; rejects with `NO_LEADER` after 30 s. */
  leader(): Promise<BalsaNode>;
  /** Starts one node more; resolves once it is a voter and ready. */
  add(): Promise<BalsaNode>;
  /** Takes a node out of the cluster, ends it and removes its directory. Rejects with a BalsaError when it is refused. */
  remove(id: string): Promise<void>;
  /** Resolves once that node leads; rejects with a BalsaError. */
  transfer(id: string): Promise<void>;
  /**
   * Starts a node again on its directory and at its addresses, after closing it when it had not ended. Resolves once it
   * listens: `ready()` of the new life says when it serves.
   */
  restart(id: string): Promise<BalsaNode>;
  /**
   * Lets nodes hear only those of their own group, until `heal` or the next partition; nodes that are in no group
   * are one together. It is in force on all nodes when this resolves, and holds for nodes that are started later.
   */
  partition(...groups: readonly (readonly string[])[]): Promise<void>;
  /** Cuts one direction of one link, beside whatever else is cut. */
  cut(link: { readonly from: string; readonly to: string }): Promise<void>;
  /** Mends all links; in force when it resolves. */
  heal(): Promise<void>;
  /** Ends all nodes and removes what they wrote. */
  close(): Promise<void>;
}
