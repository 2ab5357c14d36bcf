/**
 * @module
 * What a leader knows of one member's log (Figure 2, volatile state on leaders), and how fast it may send.
 *
 * `probe`: one append at a time, until the logs are known to meet. `replicate`: appends follow each other
 * without waiting (dissertation §10.2.1). `snapshot`: nothing, until a snapshot has arrived (§7).
 */

import { addInflight, createInflights, freeInflightsTo, type Inflights, isFull, resetInflights } from "./inflights.ts";
import type { LogIndex, NodeId } from "./types.ts";

export type ProgressKind = "probe" | "replicate" | "snapshot";

/** What is to be sent before this turn ends; `always` also when there is nothing but the commit index. */
export type SendDue = "no" | "entries" | "always";

export interface Progress {
  readonly id: NodeId;
  kind: ProgressKind;
  /** Known to be in the member's log, durably. Never goes back within a term. */
  matchIndex: LogIndex;
  /** The next entry to send; always above `matchIndex`. */
  nextIndex: LogIndex;
  /** The commit index that the member was told last. */
  sentCommit: LogIndex;
  /** Somebody there waits until it hears that entries up to here are committed: it handed them on, or reads there. */
  awaitedCommit: LogIndex;
  /** In `snapshot`: the last included index of the one on its way; else 0. */
  pendingSnapshot: LogIndex;
  /**
   * In `probe`: a snapshot has arrived there and no append was answered since. While it is installed entries would be
   * dropped, so that appends go without any.
   */
  installing: boolean;
  /** Heard since the last check of the quorum (dissertation §6.2), or within the last election timeout; see `checkQuorum`. */
  recentActive: boolean;
  /** Since it was heard last, or since it is counted. */
  quietTicks: number;
  /** A probe is out, or the window is full: nothing until an answer, of whatever kind. */
  paused: boolean;
  readonly inflights: Inflights;
  due: SendDue;
  /** Entries from here on have been asked of the log; 0: none. */
  awaitedFrom: LogIndex;
  /** The highest read round that the member has confirmed in this term. */
  ackedRound: number;
}

/** The member has said something, or is given the time to. */
export function markHeard(progress: Progress): void {
  progress.recentActive = true;
  progress.quietTicks = 0;
}

export function createProgress(
  id: NodeId,
  nextIndex: LogIndex,
  window: { readonly messagesMax: number; readonly bytesMax: number },
): Progress {
  return {
    id,
    kind: "probe",
    matchIndex: 0,
    nextIndex,
    sentCommit: 0,
    awaitedCommit: 0,
    pendingSnapshot: 0,
    installing: false,
    recentActive: false,
    quietTicks: 0,
    paused: false,
    inflights: createInflights(window),
    due: "no",
    awaitedFrom: 0,
    ackedRound: 0,
  };
}

export function isPaused(progress: Progress): boolean {
  return progress.kind === "snapshot" || progress.paused;
}

/** Would the member learn something by a message without entries? */
export function wantsCommit(progress: Progress, commitIndex: LogIndex): boolean {
  return commitIndex > progress.sentCommit && progress.sentCommit < progress.nextIndex - 1;
}

export function becomeProbe(progress: Progress): void {
  const afterSnapshot = progress.kind === "snapshot" ? progress.pendingSnapshot + 1 : 0;
  enter(progress, "probe");
  progress.nextIndex = Math.max(progress.matchIndex + 1, afterSnapshot);
  progress.sentCommit = Math.min(progress.sentCommit, progress.nextIndex - 1);
}

/** The snapshot has arrived: its own answer, or that to the next heartbeat, goes on from here. */
export function becomeInstalling(progress: Progress): void {
  becomeProbe(progress);
  progress.installing = true;
}

export function becomeReplicate(progress: Progress): void {
  enter(progress, "replicate");
  progress.nextIndex = progress.matchIndex + 1;
}

export function becomeSnapshot(progress: Progress, lastIncludedIndex: LogIndex): void {
  enter(progress, "snapshot");
  progress.pendingSnapshot = lastIncludedIndex;
  progress.nextIndex = lastIncludedIndex + 1;
  progress.sentCommit = lastIncludedIndex;
}

/** Takes note of an acknowledgement; false when it says nothing new. */
export function advanceMatch(progress: Progress, matchIndex: LogIndex): boolean {
  if (matchIndex <= progress.matchIndex) return false;
  progress.matchIndex = matchIndex;
  progress.nextIndex = Math.max(progress.nextIndex, matchIndex + 1);
  progress.paused = false;
  return true;
}

export function freeWindow(progress: Progress): void {
  freeInflightsTo(progress.inflights, progress.matchIndex);
}

/**
 * Takes note of a rejection of the append after `prevLogIndex`; false when that is an old one. The logs may
 * meet at `probeIndex` at the highest (§5.3, and the optimisation at its end).
 */
export function stepBack(progress: Progress, prevLogIndex: LogIndex, probeIndex: LogIndex): boolean {
  if (progress.kind === "replicate") {
    if (prevLogIndex <= progress.matchIndex) return false;
    progress.nextIndex = progress.matchIndex + 1;
  } else {
    if (progress.nextIndex - 1 !== prevLogIndex) return false;
    progress.nextIndex = Math.max(Math.min(prevLogIndex, probeIndex + 1), progress.matchIndex + 1);
    progress.paused = false;
    progress.installing = false;
  }
  progress.sentCommit = Math.min(progress.sentCommit, progress.nextIndex - 1);
  return true;
}

/** Takes note of an append that leaves: `entries` of them, `bytes` together, from `nextIndex` on. */
export function noteSent(progress: Progress, entries: number, bytes: number): void {
  if (progress.kind === "probe") {
    if (entries > 0) progress.paused = true;
    return;
  }
  if (entries > 0) {
    progress.nextIndex += entries;
    addInflight(progress.inflights, progress.nextIndex - 1, bytes);
  }
  progress.paused = isFull(progress.inflights);
}

export function makeDue(progress: Progress, due: "entries" | "always"): void {
  if (progress.due !== "always") progress.due = due;
}

function enter(progress: Progress, kind: ProgressKind): void {
  progress.kind = kind;
  progress.paused = false;
  progress.pendingSnapshot = 0;
  progress.installing = false;
  resetInflights(progress.inflights);
}
