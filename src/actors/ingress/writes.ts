/**
 * @module
 * Writes on their way: encoded once, proposed in batches, answered when they are applied here, and proposed again
 * when it is certain that they are not and never will be (design: "A write, on a leader").
 */

import { encodeCommand } from "../../codec/command.ts";
import { assert } from "../../errors/assert.ts";
import { errorKinds } from "../../errors/codes.ts";
import { ById } from "../../http/by-id.ts";
import type { Outcome } from "../../http/request.ts";
import type { Command } from "../../kv/command.ts";
import { resultFromWire } from "../../kv/result.ts";
import type { ProposalAccepted, ProposalRefused } from "../protocol/ingress-raft.ts";
import type { WireResult } from "../protocol/store-ingress.ts";
import { Gathering } from "./gathering.ts";
import type { Parts } from "./parts.ts";
import { type Batch, decided, type OnOutcome, type PendingWrite } from "./write-batch.ts";

type WriteRequest = Pick<Command, "operation" | "idempotency">;

/** Ticks for which results of what was committed before this node was removed may still be on their way. */
const lastResultsTicks = 3;

export class Writes {
  readonly #parts: Parts;
  readonly #gathering: Gathering;
  readonly #bySequence = new ById<PendingWrite>();
  readonly #byRequest = new ById<PendingWrite>();
  readonly #batches = new ById<Batch>();
  /** In the order of arrival; those that came back first. May hold settled ones. */
  #queue: PendingWrite[] = [];
  #lastSequence = 0;
  #bytes = 0;
  #inFlight = 0;
  #proposedBytes = 0;
  /** Raft refused for want of a leader: nothing is proposed until something changes or a tick passes. */
  #blocked = false;
  /** When the queue was last held up for want of a leader. */
  #heldUpAtMs = 0;
  #earliestDeadlineMs = Number.POSITIVE_INFINITY;
  #newestProposalId = 0;
  #wakeAtMs = 0;
  /** Since this node has known that it was removed. */
  #ticksRemoved = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#gathering = new Gathering(parts.limits.gathering);
  }

  get pending(): number {
    return this.#byRequest.size;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** When `flush` is to be called again although nothing happens; 0 for never. */
  get wakeAtMs(): number {
    return this.#wakeAtMs;
  }

  onRequest(requestId: number, request: WriteRequest, deadlineMs: number): void {
    const write = this.#enqueue(requestId, request, deadlineMs, null);
    if (write !== null) this.#byRequest.add(requestId, write);
    else this.#parts.out.refuse(requestId, "OVERLOADED", overloadedDetail);
  }

  /** A write that several requests share: `onOutcome` is called once, perhaps at once. */
  onShared(request: WriteRequest, deadlineMs: number, onOutcome: OnOutcome): void {
    if (this.#enqueue(0, request, deadlineMs, onOutcome) === null)
      onOutcome({ kind: "refused", code: "OVERLOADED", detail: overloadedDetail }, null);
  }

  /** Null when there is no room. */
  #enqueue(
    requestId: number,
    { operation, idempotency }: WriteRequest,
    deadlineMs: number,
    onOutcome: OnOutcome | null,
  ): PendingWrite | null {
    const { origin, pendingBytesMax } = this.#parts.limits;
    const sequence = ++this.#lastSequence;
    const keyed = idempotency !== undefined;
    const whole = keyed ? { origin, sequence, idempotency, operation } : { origin, sequence, operation };
    const command = encodeCommand(whole);
    if (this.#bytes + command.length > pendingBytesMax) return null;
    const write = {
      sequence,
      requestId,
      onOutcome,
      keyed,
      command,
      arrivedAtMs: this.#parts.standing.nowMs,
      deadlineMs,
      batch: null,
      settled: false,
      refused: false,
      inDoubt: false,
    };
    this.#bytes += command.length;
    this.#bySequence.add(sequence, write);
    this.#queue.push(write);
    this.#gathering.onQueued(command.length, this.#parts.standing.nowMs);
    if (deadlineMs < this.#earliestDeadlineMs) this.#earliestDeadlineMs = deadlineMs;
    return write;
  }

  /** The client is gone. What waits here is dropped; what raft has runs on until its fate is known. */
  cancel(requestId: number): void {
    const write = this.#byRequest.get(requestId);
    if (write === undefined) return;
    this.#byRequest.delete(requestId);
    if (write.batch === null) this.#settle(write);
  }

  /**
   * Proposes what waits, as far as the bounds allow and unless it gathers: the whole turn in one batch when it fits. Refuses
   * what has waited too long.
   */
  flush(): void {
    const { limits, standing } = this.#parts;
    this.#wakeAtMs = 0;
    if (standing.leadership.removed) return this.#refuseQueue();
    if (this.#blocked || standing.leadership.leaderId === null) {
      this.#heldUpAtMs = standing.nowMs;
      return;
    }
    if (this.#queue.length === 0) return;
    const isUnderWay = this.#batches.get(this.#newestProposalId) !== undefined;
    this.#wakeAtMs = this.#gathering.waitUntilMs(this.#queue.length, isUnderWay, standing.nowMs);
    if (this.#wakeAtMs > 0) return;
    const { proposalsInFlightMax, proposedBytesMax } = limits;
    const hasRoom = (): boolean => this.#inFlight < proposalsInFlightMax && this.#proposedBytes < proposedBytesMax;
    let next = 0;
    while (next < this.#queue.length && hasRoom()) next = this.#propose(next);
    if (next > 0) this.#queue = next === this.#queue.length ? [] : this.#queue.slice(next);
    this.#refuseLate(standing.nowMs - limits.queuedMsMax);
  }

  /** Takes writes from the queue at `from` for one batch; gives where the next begins. */
  #propose(from: number): number {
    const { limits, out, standing } = this.#parts;
    const writes: PendingWrite[] = [];
    const ends: number[] = [];
    let bytes = 0;
    let at = from;
    for (; at < this.#queue.length; at++) {
      const write = this.#queue[at];
      if (write === undefined || write.settled) continue;
      if (this.#inFlight + writes.length >= limits.proposalsInFlightMax) break;
      if (writes.length > 0 && bytes + write.command.length > limits.slabBytesMax) break;
      bytes += write.command.length;
      writes.push(write);
      ends.push(bytes);
    }
    if (writes.length === 0) return at;
    const slab = new Uint8Array(bytes);
    const batch: Batch = {
      proposalId: out.nextProposalId(),
      writes,
      open: writes.length,
      openBytes: bytes,
      places: 0,
      bytes: 0,
      term: 0,
      askedAtMs: standing.nowMs,
      takenAtMs: 0,
      decidedAtMs: 0,
    };
    let start = 0;
    for (const write of writes) {
      slab.set(write.command, start);
      start += write.command.length;
      write.batch = batch;
    }
    this.#newestProposalId = batch.proposalId;
    this.#gathering.onProposed(writes.length);
    this.#batches.add(batch.proposalId, batch);
    this.#hold(batch, batch.open, batch.openBytes);
    out.toRaft.push({ kind: "propose", proposalId: batch.proposalId, slab, ends });
    return at;
  }

  onAccepted(message: ProposalAccepted): void {
    const batch = this.#batches.get(message.proposalId);
    if (batch === undefined) return;
    assert(batch.term === 0, "a proposal is accepted once");
    batch.term = message.term;
    batch.takenAtMs = this.#parts.standing.nowMs;
    this.#hold(batch, batch.open, batch.openBytes);
    // Results travel on another edge: a later term may have been applied before this word arrived.
    if (message.term < this.#parts.standing.appliedTerm) this.#onLost(batch);
  }

  /** Also after a proposal was accepted: it was handed on, and the leader that it reached refused it. */
  onRefused(message: ProposalRefused): void {
    const batch = this.#batches.get(message.proposalId);
    if (batch === undefined) return;
    this.#batches.delete(batch.proposalId);
    this.#hold(batch, 0, 0);
    if (message.reason === "overloaded") {
      for (const write of batch.writes) {
        if (write.settled || write.batch !== batch) continue;
        write.batch = null;
        this.#answerRefused(write, "OVERLOADED", "the leader has as many uncommitted bytes as it takes");
      }
      return;
    }
    this.#blocked = true;
    this.#takeBack(batch, true);
  }

  /** An entry of a later term is applied: what was accepted before and has no result is lost for certain. */
  onTermApplied(): void {
    const { appliedTerm } = this.#parts.standing;
    for (const batch of [...this.#batches.values()].reverse()) {
      if (batch.term !== 0 && batch.term < appliedTerm) this.#onLost(batch);
    }
  }

  #onLost(batch: Batch): void {
    this.#batches.delete(batch.proposalId);
    this.#hold(batch, 0, 0);
    this.#takeBack(batch, false);
  }

  /** Puts what is in no log, and never will be, in front of the queue again. */
  #takeBack(batch: Batch, refused: boolean): void {
    const back: PendingWrite[] = [];
    for (const write of batch.writes) {
      if (write.settled || write.batch !== batch) continue;
      write.batch = null;
      write.refused = refused;
      if (this.#isAwaited(write)) back.push(write);
      else this.#settle(write);
    }
    this.#queue = back.concat(this.#queue);
  }

  /**
   * An installed snapshot holds the state after commands whose results nobody knows. One with an idempotency key is
   * proposed again: it is executed if it was not, and answered as the first time if it was.
   */
  onOvertaken(term: number): void {
    if (term === 0) return;
    const again: PendingWrite[] = [];
    for (const batch of this.#batches.values()) {
      if (batch.term > term) continue;
      for (const write of batch.writes) {
        if (write.settled || write.batch !== batch) continue;
        if (!write.keyed || !this.#isAwaited(write)) {
          this.#answerRefused(write, "LEADERSHIP_LOST", "a snapshot overtook the write");
          continue;
        }
        this.#leave(batch, write);
        write.batch = null;
        write.inDoubt = true;
        again.push(write);
      }
    }
    this.#queue = again.concat(this.#queue);
  }

  onResult([sequence, revision, result]: WireResult): void {
    const write = this.#bySequence.get(sequence);
    if (write === undefined) return;
    const awaited = this.#isAwaited(write);
    this.#settle(write);
    this.#gathering.onAnswered(this.#parts.standing.nowMs);
    if (awaited) this.#tell(write, { kind: "applied", revision, result: resultFromWire(result) });
  }

  #isAwaited({ requestId, onOutcome }: PendingWrite): boolean {
    return onOutcome !== null || this.#byRequest.has(requestId);
  }

  #tell({ requestId, onOutcome, batch }: PendingWrite, outcome: Outcome): void {
    const { out, standing } = this.#parts;
    const milestones = decided(batch, standing.nowMs);
    if (onOutcome === null) out.answer(requestId, outcome, milestones);
    else onOutcome(outcome, milestones);
  }

  /** Something has changed: refused proposals are worth another try. */
  unblock(): void {
    this.#blocked = false;
  }

  /** Settles what has run out of time. No request waits longer than to `stopDeadlineMs`. */
  onTick(stopDeadlineMs: number): void {
    this.#blocked = false;
    const { nowMs, leadership } = this.#parts.standing;
    this.#ticksRemoved = leadership.removed ? this.#ticksRemoved + 1 : 0;
    if (this.#ticksRemoved > lastResultsTicks) this.#giveUpProposed();
    if (this.#queue.length > 2 * this.#bySequence.size) this.#queue = this.#queue.filter((write) => !write.settled);
    if (nowMs < Math.min(this.#earliestDeadlineMs, stopDeadlineMs)) return;
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const write of this.#bySequence.values()) {
      const deadlineMs = Math.min(write.deadlineMs, stopDeadlineMs);
      if (deadlineMs > nowMs) earliestMs = Math.min(earliestMs, write.deadlineMs);
      else this.#onDeadline(write, nowMs >= stopDeadlineMs);
    }
    this.#earliestDeadlineMs = earliestMs;
  }

  /** This node was removed: what it has not proposed certainly does not happen, and will not through it. */
  #refuseQueue(): void {
    for (const write of this.#queue)
      if (!write.settled) this.#answerRefused(write, "NO_LEADER", `${removedDetail}: ask a member`);
    this.#queue = [];
  }

  /** This node was removed: nobody tells it any more what became of what it has proposed. */
  #giveUpProposed(): void {
    for (const write of this.#bySequence.values())
      if (write.batch !== null) this.#answerRefused(write, "LEADERSHIP_LOST", `${removedDetail} meanwhile`);
  }

  /** Refuses what has waited here since `sinceMs` or longer although raft took writes all the while. */
  #refuseLate(sinceMs: number): void {
    if (this.#heldUpAtMs > sinceMs) return;
    for (const write of this.#queue) {
      if (write.settled || write.inDoubt) continue;
      if (write.arrivedAtMs > sinceMs) return;
      this.#answerRefused(write, "OVERLOADED", "too many bytes were ahead of the write at this node");
    }
  }

  #onDeadline(write: PendingWrite, stopping: boolean): void {
    if (write.batch !== null || write.inDoubt) {
      this.#answerRefused(write, "TIMEOUT", "the write was proposed, and its time ran out before it was applied here");
    } else if (stopping) {
      this.#answerRefused(write, "SHUTTING_DOWN", "this node is shutting down");
    } else if (write.refused || this.#parts.standing.leadership.leaderId === null) {
      this.#answerRefused(write, "NO_LEADER", "no leader took the write in time");
    } else {
      this.#answerRefused(write, "OVERLOADED", "the write waited behind others until its time ran out");
    }
  }

  #answerRefused(
    write: PendingWrite,
    code: "TIMEOUT" | "NO_LEADER" | "OVERLOADED" | "LEADERSHIP_LOST" | "SHUTTING_DOWN",
    detail: string,
  ): void {
    const awaited = this.#isAwaited(write);
    this.#settle(write);
    if (!awaited) return;
    const uncertain = write.inDoubt && errorKinds[code].outcome === "not-applied";
    this.#tell(write, { kind: "refused", code: uncertain ? "LEADERSHIP_LOST" : code, detail });
  }

  /** Forgets the write. Its place is free at once, or when raft has answered the batch: raft may still have to read it. */
  #settle(write: PendingWrite): void {
    write.settled = true;
    this.#bytes -= write.command.length;
    this.#bySequence.delete(write.sequence);
    this.#byRequest.delete(write.requestId);
    if (write.batch !== null) this.#leave(write.batch, write);
  }

  /** One write less of the batch whose fate is open. */
  #leave(batch: Batch, { command }: PendingWrite): void {
    batch.open--;
    batch.openBytes -= command.length;
    if (batch.term !== 0) this.#hold(batch, batch.open, batch.openBytes);
  }

  /** From now on the batch takes so much of both bounds. */
  #hold(batch: Batch, places: number, bytes: number): void {
    this.#inFlight += places - batch.places;
    this.#proposedBytes += bytes - batch.bytes;
    batch.places = places;
    batch.bytes = bytes;
    if (batch.open === 0 && batch.term !== 0) this.#batches.delete(batch.proposalId);
    assert(this.#inFlight >= 0 && this.#proposedBytes >= 0, "a place is freed once");
  }
}

const removedDetail = "this node was removed from the cluster";
const overloadedDetail = "too many bytes wait to be written at this node";
