/**
 * @module
 * What one write is while it waits, and what those are that were proposed together.
 */

import type { Milestones, Outcome } from "../../http/request.ts";

/** What a write is told instead of an answer to one request. */
export type OnOutcome = (outcome: Outcome, milestones: Milestones | null) => void;

export interface PendingWrite {
  readonly sequence: number;
  /** 0 for one that no request waits for alone. */
  readonly requestId: number;
  readonly onOutcome: OnOutcome | null;
  /** Whether it may be proposed again although it may have been executed. */
  readonly keyed: boolean;
  readonly command: Uint8Array;
  readonly arrivedAtMs: number;
  readonly deadlineMs: number;
  /** The proposal that it is part of; null while it waits here and is certainly in no log. */
  batch: Batch | null;
  /** Answered, or of no interest any more. */
  settled: boolean;
  /** Whether it came back for want of a leader. */
  refused: boolean;
  /** Whether an earlier proposal of it may have been executed: then nothing says that it was not. */
  inDoubt: boolean;
}

export interface Batch extends Milestones {
  readonly proposalId: number;
  readonly writes: readonly PendingWrite[];
  /** Writes whose fate is open, and their bytes. */
  open: number;
  openBytes: number;
  /** What it takes of `proposalsInFlightMax` and of `proposedBytesMax`. */
  places: number;
  bytes: number;
  /** The term in which raft accepted it; 0 until raft has answered. */
  term: number;
  takenAtMs: number;
  decidedAtMs: number;
}

/** The batch as milestones of what is answered in this turn. */
export function decided(batch: Batch | null, nowMs: number): Milestones | null {
  if (batch !== null) batch.decidedAtMs = nowMs;
  return batch;
}
