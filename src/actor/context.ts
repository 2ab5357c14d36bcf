/**
 * @module
 * What an actor is given when its thread starts.
 */

import type { Board } from "./board.ts";
import type { Edge } from "./edge.ts";

export type ActorName = "ingress" | "raft" | "log" | "store";

export const actorNames: readonly ActorName[] = ["log", "store", "raft", "ingress"];

/** The pairs that talk to each other, each over a channel of its own. */
export const actorEdges: readonly (readonly [ActorName, ActorName])[] = [
  ["ingress", "raft"],
  ["raft", "log"],
  ["raft", "store"],
  ["store", "ingress"],
];

/** What of a node's links to its peers is cut, by their ids: nothing is sent to `to`, nothing is heard from `from`. */
export interface LinkCuts {
  readonly to: readonly string[];
  readonly from: readonly string[];
}

/** `host:port` each. */
export interface AdvertisedAddresses {
  readonly httpAdvertise: string;
  readonly raftAdvertise: string;
}

/** Where a peer is, as it says itself: its id and the `host:port` of its raft listener. */
export interface PeerPlace {
  readonly id: string;
  readonly raftAddr: string;
}

export interface LogFields {
  readonly [name: string]: string | number | boolean | null;
}

export interface ActorContext<Config> {
  readonly name: ActorName;
  readonly config: Config;
  readonly board: Board;
  /** The data plane to that actor. One edge object a call: ask once. */
  edge<Received, Sent>(peer: ActorName): Edge<Received, Sent>;
  readonly supervisor: Supervisor;
  /** Ends this node, naming this actor. Nothing is sent after it. */
  fail(cause: unknown): void;
}

/** What an actor asks of main, over the control plane. A call that main ends under never settles: its thread ends with it. */
export interface Supervisor {
  /** Opens main's handle on a LevelDB directory, before this thread does, so that it outlives this thread's. */
  keep(realPath: string): Promise<void>;
  release(realPath: string): Promise<void>;
  /** The listener of this actor is bound to that port. */
  listening(port: number): void;
  log(level: "debug" | "info" | "warn" | "error", message: string, fields?: LogFields): void;
}

/** What a started actor lets main do with it. */
export interface RunningActor {
  /** Finishes what runs and closes all that the actor owns. */
  stop(): Promise<void>;
  /** Fault switch, of the one actor that has links: replaces what was cut before. */
  setCuts?(cuts: LinkCuts): void;
  /** Where others reach this node, once both of its listeners are bound: of those that tell others. */
  setAddresses?(advertised: AdvertisedAddresses): void;
  /** Where peers are that cannot tell so themselves: of the one actor that has links. */
  expectPeers?(places: readonly PeerPlace[]): void;
}

export type StartActor<Config> = (context: ActorContext<Config>) => Promise<RunningActor>;
