/**
 * @module
 * Reads that wait: for a read index from the leader, for the state to reach it, for a revision (dissertation §6.4).
 *
 * All reads that wait share one round, those for which the leader's lease will do another. A read joins only a round that
 * is asked after it arrived.
 */

import type { ErrorCode } from "../../errors/codes.ts";
import { ById } from "../../http/by-id.ts";
import type { Milestones } from "../../http/request.ts";
import type { ReadGranted, ReadRefused } from "../protocol/ingress-raft.ts";
import type { Parts } from "./parts.ts";

/** Rounds of each kind under way; with two, reads that arrive during one need not wait for its end. */
const roundsMax = 2;
/** A round without an answer for so long is asked again: its question may have been lost on the way to the leader. */
const roundPatienceMs = 1000;

interface PendingRead {
  /** 0 for one that no client waits for. */
  readonly requestId: number;
  readonly deadlineMs: number;
  readonly minRevision: number;
  /** Called instead of an answer. */
  readonly onReached: (() => void) | null;
  /** Whether all it still lacks is a revision. */
  behind: boolean;
  settled: boolean;
  /** The round that it is or was part of. */
  round: Round | null;
}

/** A wait for this node to catch up. */
export interface Barrier {
  cancel(): void;
}

/** Reads that are asked about in the same words. */
interface Lane {
  readonly ask: "readIndex" | "leaseRead";
  waiting: PendingRead[];
  underWay: number;
}

interface Round extends Milestones {
  readonly lane: Lane;
  readonly reads: readonly PendingRead[];
  takenAtMs: number;
  decidedAtMs: number;
}

export class Reads {
  readonly #parts: Parts;
  readonly #byRequest = new ById<PendingRead>();
  readonly #rounds = new Map<number, Round>();
  readonly #linearizable: Lane = { ask: "readIndex", waiting: [], underWay: 0 };
  readonly #byLease: Lane = { ask: "leaseRead", waiting: [], underWay: 0 };
  #granted: { readonly readIndex: number; readonly reads: readonly PendingRead[] }[] = [];
  #behind: PendingRead[] = [];
  #lastReadId = 0;
  /** A round was refused: none is asked until something changes or a tick passes. */
  #blocked = false;
  #earliestDeadlineMs = Number.POSITIVE_INFINITY;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get pending(): number {
    return this.#byRequest.size;
  }

  /** Whether a read waits for an index or a revision that is not applied yet. */
  get awaitsState(): boolean {
    return this.#granted.length > 0 || this.#behind.length > 0;
  }

  onRequest(requestId: number, stale: boolean, minRevision: number, deadlineMs: number): void {
    this.#take(requestId, stale ? null : this.#linearizable, minRevision, deadlineMs);
  }

  onLeaseRequest(requestId: number, minRevision: number, deadlineMs: number): void {
    const lane = this.#parts.limits.leaseReads ? this.#byLease : this.#linearizable;
    this.#take(requestId, lane, minRevision, deadlineMs);
  }

  /** Without a lane, a read only waits for its revision. */
  #take(requestId: number, lane: Lane | null, minRevision: number, deadlineMs: number): void {
    const behind = lane === null;
    const read = { requestId, deadlineMs, minRevision, onReached: null, behind, settled: false, round: null };
    this.#byRequest.add(requestId, read);
    if (lane === null) this.#behind.push(read);
    else lane.waiting.push(read);
    if (deadlineMs < this.#earliestDeadlineMs) this.#earliestDeadlineMs = deadlineMs;
  }

  /** Calls back, unless it is cancelled, once everything is applied here that was answered anywhere before now. */
  barrier(onReached: () => void): Barrier {
    const read: PendingRead = {
      requestId: 0,
      deadlineMs: Number.POSITIVE_INFINITY,
      minRevision: 0,
      onReached,
      behind: false,
      settled: false,
      round: null,
    };
    this.#linearizable.waiting.push(read);
    return {
      cancel: () => {
        read.settled = true;
      },
    };
  }

  cancel(requestId: number): void {
    const read = this.#byRequest.get(requestId);
    if (read !== undefined) this.#settle(read);
  }

  onGranted(message: ReadGranted): void {
    const round = this.#rounds.get(message.readId);
    if (round === undefined) return;
    this.#end(message.readId, round);
    round.takenAtMs = this.#parts.standing.nowMs;
    this.#granted.push({ readIndex: message.readIndex, reads: round.reads });
  }

  onRefused(message: ReadRefused): void {
    const round = this.#rounds.get(message.readId);
    if (round === undefined) return;
    this.#blocked = true;
    this.#takeBack(message.readId, round);
  }

  #takeBack(readId: number, round: Round): void {
    this.#end(readId, round);
    const { lane } = round;
    lane.waiting = round.reads.filter((read) => !read.settled).concat(lane.waiting);
  }

  #end(readId: number, round: Round): void {
    this.#rounds.delete(readId);
    round.lane.underWay -= 1;
  }

  unblock(): void {
    this.#blocked = false;
  }

  /** Answers what the state has reached, and asks for the next round. */
  flush(): void {
    if (this.#parts.standing.leadership.removed) this.#refuseUnconfirmed();
    if (this.#granted.length > 0) this.#reachIndex();
    if (this.#behind.length > 0) this.#reachRevision();
    this.#ask(this.#linearizable);
    this.#ask(this.#byLease);
  }

  /** This node was removed: no leader confirms anything for it, and what it has grows old. */
  #refuseUnconfirmed(): void {
    const { out, standing } = this.#parts;
    const detail =
      "this node was removed from the cluster: ask a member, or this one for what it still has with level=stale";
    for (const read of this.#byRequest.values()) {
      if (read.behind) continue;
      this.#settle(read);
      out.refuse(read.requestId, "NO_LEADER", detail, decided(read.round, standing.nowMs));
    }
  }

  #reachIndex(): void {
    const { appliedIndex, readable } = this.#parts.standing;
    if (!readable) return;
    const still = this.#granted.filter((group) => group.readIndex > appliedIndex);
    if (still.length === this.#granted.length) return;
    for (const group of this.#granted) {
      if (group.readIndex > appliedIndex) continue;
      for (const read of group.reads) this.#onReachedIndex(read);
    }
    this.#granted = still;
  }

  #onReachedIndex(read: PendingRead): void {
    if (read.settled) return;
    if (read.onReached !== null) {
      read.settled = true;
      read.onReached();
    } else if (read.minRevision > this.#parts.standing.revision) {
      read.behind = true;
      this.#behind.push(read);
    } else {
      this.#answer(read);
    }
  }

  #reachRevision(): void {
    const { revision, readable } = this.#parts.standing;
    if (!readable) return;
    this.#behind = this.#behind.filter((read) => {
      if (read.settled) return false;
      if (read.minRevision > revision) return true;
      this.#answer(read);
      return false;
    });
  }

  #ask(lane: Lane): void {
    const { out, standing } = this.#parts;
    if (lane.waiting.length === 0 || this.#blocked || lane.underWay >= roundsMax) return;
    if (standing.leadership.leaderId === null) return;
    const reads = lane.waiting.filter((read) => !read.settled);
    lane.waiting = [];
    if (reads.length === 0) return;
    const readId = ++this.#lastReadId;
    const round = { lane, reads, askedAtMs: standing.nowMs, takenAtMs: 0, decidedAtMs: 0 };
    for (const read of reads) read.round = round;
    this.#rounds.set(readId, round);
    lane.underWay += 1;
    out.toRaft.push({ kind: lane.ask, readId });
  }

  onTick(stopDeadlineMs: number): void {
    this.#blocked = false;
    const { nowMs } = this.#parts.standing;
    for (const [readId, round] of this.#rounds) {
      if (nowMs - round.askedAtMs >= roundPatienceMs) this.#takeBack(readId, round);
    }
    if (nowMs < Math.min(this.#earliestDeadlineMs, stopDeadlineMs)) return;
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const read of this.#byRequest.values()) {
      const deadlineMs = Math.min(read.deadlineMs, stopDeadlineMs);
      if (deadlineMs > nowMs) earliestMs = Math.min(earliestMs, read.deadlineMs);
      else this.#onDeadline(read, nowMs >= stopDeadlineMs);
    }
    this.#earliestDeadlineMs = earliestMs;
    for (const lane of [this.#linearizable, this.#byLease]) {
      lane.waiting = lane.waiting.filter((read) => !read.settled);
    }
    this.#behind = this.#behind.filter((read) => !read.settled);
  }

  #onDeadline(read: PendingRead, stopping: boolean): void {
    const { out, standing } = this.#parts;
    const milestones = decided(read.round, standing.nowMs);
    const refuse = (code: ErrorCode, detail: string): void => out.refuse(read.requestId, code, detail, milestones);
    this.#settle(read);
    if (stopping) refuse("SHUTTING_DOWN", "this node is shutting down");
    else if (read.behind) refuse("TOO_STALE", behindDetail(read.minRevision, standing.revision));
    else if (standing.leadership.leaderId === null) refuse("NO_LEADER", "no leader confirmed the read in time");
    else refuse("TIMEOUT", "the read was not confirmed, or not caught up with, in time");
  }

  #answer(read: PendingRead): void {
    const { out, standing } = this.#parts;
    this.#settle(read);
    out.readable(read.requestId, decided(read.round, standing.nowMs));
  }

  #settle(read: PendingRead): void {
    read.settled = true;
    this.#byRequest.delete(read.requestId);
  }
}

/** The round as milestones of what is answered in this turn. */
function decided(round: Round | null, nowMs: number): Milestones | null {
  if (round !== null) round.decidedAtMs = nowMs;
  return round;
}

function behindDetail(wanted: number, applied: number): string {
  return applied < wanted ? `this node stands at revision ${applied}, not yet at ${wanted}` : "the state is not open";
}
