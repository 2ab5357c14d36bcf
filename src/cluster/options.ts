/**
 * @module
 * What a node is started with, and what its owner can ask of it.
 */

import type { LogFields } from "../actor/context.ts";

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

/** Complete: defaults are filled in by whoever calls. Addresses are `host:port`; port 0 takes any. */
export interface NodeOptions {
  readonly id: string;
  readonly http: string;
  readonly raft: string;
  /** The node's own directory; made when it is not there. */
  readonly data: string;
  readonly begin: Begin;
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
  readonly historyBytesMax: number;
  /** A snapshot is due when the log exceeds this, or half the last snapshot. */
  readonly snapshotLogBytes: number;
  readonly log: (line: LogLine) => void;
}

/** The actors that can be stalled from outside, for experiments. */
export type StallableActor = "ingress" | "raft" | "log" | "store";

export interface BalsaNode {
  readonly id: string;
  readonly httpUrl: string;
  readonly raftAddr: string;
  /** Resolves when the node has closed in order, rejects naming the actor when it ended unexpectedly. */
  readonly closed: Promise<void>;
  /** Resolves once `/readyz` is 200; rejects when the node ends before. */
  ready(): Promise<void>;
  /** Hands leadership over, finishes what runs, closes. */
  close(): Promise<void>;
  /** Blocks the actor's thread solid. A fault switch for experiments. */
  stall(actor: StallableActor, milliseconds: number): void;
}
