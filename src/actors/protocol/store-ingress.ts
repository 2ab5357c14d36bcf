/**
 * @module
 * Between store and ingress: what was applied, and which generation of the state to read.
 *
 * Bound: results only of commands that this node's ingress proposed, so at most `proposalsInFlightMax`.
 */

import type { LogIndex, Term } from "../../raft/types.ts";

/** The state is ready to be read in this directory, by a real path. The first message, and after each snapshot installed. */
export interface GenerationReady {
  readonly kind: "generationReady";
  readonly generation: number;
  readonly path: string;
  /** Above 0 when an installed snapshot overtook commands: what was proposed in terms up to this one is settled as unknown. */
  readonly overtakenTerm: Term;
}

/** What became of a command that this process proposed, by its sequence; `result` is that of src/kv/result.ts in its wire form. */
export type WireResult = readonly [sequence: number, revision: number, result: readonly unknown[]];

/**
 * One batch is applied and readable. In order of `appliedIndex`. One that has neither results nor a new term is only
 * told while ingress shows on the board that it waits for the state to move (`stateAwaited`).
 */
export interface BatchApplied {
  readonly kind: "batchApplied";
  readonly appliedIndex: LogIndex;
  /** The term of the last entry applied: what was accepted in an earlier term and is not among the results by now is lost. */
  readonly appliedTerm: Term;
  readonly revision: number;
  readonly results: readonly WireResult[];
}

export type StoreToIngress = GenerationReady | BatchApplied;

/** Ingress reads the new generation now, and holds nothing of older ones. */
export interface GenerationEntered {
  readonly kind: "generationEntered";
  readonly generation: number;
}

export type IngressToStore = GenerationEntered;
