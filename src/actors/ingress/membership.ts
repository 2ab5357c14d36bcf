/**
 * @module
 * Members that come, go and move (§6; dissertation §4.2.1: a new node enters as learner and is promoted by its leader
 * once it has caught up).
 *
 * A request is judged by the configuration applied here, so this node first catches up with everything that was
 * answered before the request. It is done when the applied configuration shows it, whoever proposed it; a node that is
 * asked for its own removal may never apply that, and takes the word of those that have. Changes are
 * made one at a time in the whole cluster: one that finds another under way waits for its turn.
 *
 * To add a learner a second time would take the vote of one that has been promoted meanwhile. So nothing is proposed
 * again before this node has caught up again: what became of the first attempt is in its configuration then.
 */

import type { ErrorCode } from "../../errors/codes.ts";
import type { MemberChange } from "../../http/request.ts";
import type { ConfigurationStep } from "../../raft/types.ts";
import type { ProposalAccepted, ProposalRefused } from "../protocol/ingress-raft.ts";
import type { LeaderView } from "./leader-view.ts";
import { judge, judgeAbsence, type Verdict } from "./member-verdict.ts";
import type { Parts } from "./parts.ts";
import type { Barrier, Reads } from "./reads.ts";

/** Changes that wait at one node; they are done one at a time in the whole cluster. */
const pendingChangesMax = 64;
/** Between two attempts to propose the same change, or to move leadership away. */
const retryMs = 100;
const transferRepeatMs = 1_500;
/**
 * Ticks between the state's reaching a read index and belief in the configuration: the state speaks on the edge to
 * the store, the configuration comes on the edge to raft, which hears of the state a moment later.
 */
const settleTicks = 2;

interface PendingChange {
  readonly requestId: number;
  readonly change: MemberChange;
  readonly admittedMs: number;
  readonly deadlineMs: number;
  readonly reachMsMax: number;
  /** The wait for this node to catch up for this change. */
  barrier: Barrier | null;
  /** Ticks since this node had last caught up for this change; null while it has not. */
  ticksCaughtUp: number | null;
  proposalId: number;
  /** The term in which the proposal under way was accepted; 0 while there is none, or raft has not answered. */
  acceptedTerm: number;
  /** Proposals of this change that raft accepted and did not refuse after all: above 0 its outcome is open. */
  accepted: number;
  nextAttemptMs: number;
  nextTransferMs: number;
  transfers: number;
  /** What holds it up, since when; null while nothing does. */
  held: Extract<Verdict, { kind: "hold" }> | null;
  heldSinceMs: number;
  lastRefusal: ProposalRefused["reason"] | null;
}

export interface ChangeAsk {
  readonly change: MemberChange;
  readonly deadlineMs: number;
  readonly reachMsMax: number;
}

export class Membership {
  readonly #parts: Parts;
  readonly #reads: Reads;
  readonly #view: LeaderView;
  readonly #pending = new Map<number, PendingChange>();

  constructor(parts: Parts, reads: Reads, view: LeaderView) {
    this.#parts = parts;
    this.#reads = reads;
    this.#view = view;
  }

  get pending(): number {
    return this.#pending.size;
  }

  onRequest(requestId: number, ask: ChangeAsk): void {
    if (this.#pending.size >= pendingChangesMax) {
      this.#parts.out.refuse(requestId, "OVERLOADED", "too many changes of members wait at this node");
      return;
    }
    const pending: PendingChange = {
      requestId,
      ...ask,
      admittedMs: this.#parts.standing.nowMs,
      barrier: null,
      ticksCaughtUp: null,
      proposalId: 0,
      acceptedTerm: 0,
      accepted: 0,
      nextAttemptMs: 0,
      nextTransferMs: 0,
      transfers: 0,
      held: null,
      heldSinceMs: 0,
      lastRefusal: null,
    };
    this.#pending.set(requestId, pending);
    this.#catchUp(pending);
  }

  /** The change is judged by what is applied here once everything is that was answered anywhere before now. */
  #catchUp(pending: PendingChange): void {
    pending.ticksCaughtUp = null;
    pending.barrier?.cancel();
    pending.barrier = this.#reads.barrier(() => {
      pending.ticksCaughtUp = 0;
    });
  }

  cancel(requestId: number): void {
    this.#pending.get(requestId)?.barrier?.cancel();
    this.#pending.delete(requestId);
  }

  /** Whether the proposal was one of a change. */
  onAccepted(message: ProposalAccepted): boolean {
    const pending = this.#ofProposal(message.proposalId);
    if (pending === undefined) return false;
    pending.acceptedTerm = message.term;
    pending.accepted++;
    return true;
  }

  /** Whether the proposal was one of a change. */
  onRefused(message: ProposalRefused): boolean {
    const pending = this.#ofProposal(message.proposalId);
    if (pending === undefined) return false;
    pending.proposalId = 0;
    if (pending.acceptedTerm !== 0) pending.accepted--;
    pending.acceptedTerm = 0;
    pending.lastRefusal = message.reason;
    pending.nextAttemptMs = this.#parts.standing.nowMs + retryMs;
    if (message.reason === "lastVoter" && pending.accepted === 0) {
      this.#refuse(pending, "LAST_VOTER", "it would leave no voter");
    } else if (pending.ticksCaughtUp !== null) {
      this.#catchUp(pending);
    }
    return true;
  }

  #ofProposal(proposalId: number): PendingChange | undefined {
    for (const pending of this.#pending.values()) if (pending.proposalId === proposalId) return pending;
    return undefined;
  }

  /** Leadership, the members or the leader's view of them have changed. */
  onNews(): void {
    for (const pending of this.#pending.values()) this.#advance(pending);
  }

  onTick(stopDeadlineMs: number): void {
    const { nowMs } = this.#parts.standing;
    for (const pending of this.#pending.values()) {
      if (pending.ticksCaughtUp !== null) pending.ticksCaughtUp++;
      this.#advance(pending);
      if (!this.#pending.has(pending.requestId)) continue;
      if (nowMs >= Math.min(pending.deadlineMs, stopDeadlineMs)) this.#onDeadline(pending);
    }
  }

  #advance(pending: PendingChange): void {
    const { limits, standing } = this.#parts;
    const { leadership } = standing;
    const { change, admittedMs, reachMsMax } = pending;
    if (change.kind === "remove" && change.nodeId === limits.nodeId && leadership.removed) {
      // Those that remain have applied it; it will not be applied here, where no entry arrives any more.
      this.#follow(pending, judgeAbsence(change.nodeId, pending.accepted > 0));
      return;
    }
    if (pending.ticksCaughtUp === null || pending.ticksCaughtUp < settleTicks) return;
    if (leadership.leaderId === null) return;
    const progress = this.#view.since(admittedMs);
    this.#follow(pending, judge(change, { leadership, progress, accepted: pending.accepted > 0, reachMsMax }));
  }

  #follow(pending: PendingChange, verdict: Verdict): void {
    if (verdict.kind !== "hold") pending.held = null;
    switch (verdict.kind) {
      case "done":
        this.cancel(pending.requestId);
        this.#parts.out.answer(pending.requestId, {
          kind: "done",
          body: verdict.body,
          created: pending.change.kind === "join" && pending.accepted > 0,
        });
        return;
      case "refused":
        return this.#refuse(pending, verdict.code, verdict.detail);
      case "transferFirst":
        return this.#transfer(pending, verdict.transferees);
      case "propose":
        return this.#propose(pending, verdict.step);
      case "hold":
        return this.#hold(pending, verdict);
      case "wait":
        return;
    }
  }

  #propose(pending: PendingChange, step: ConfigurationStep): void {
    const { out, standing } = this.#parts;
    if (pending.acceptedTerm !== 0 && pending.acceptedTerm < standing.appliedTerm) {
      // Accepted in a term that is over: it is lost, or applied and not shown in the configuration yet.
      pending.proposalId = 0;
      pending.acceptedTerm = 0;
      this.#catchUp(pending);
      return;
    }
    if (pending.proposalId !== 0 || standing.nowMs < pending.nextAttemptMs) return;
    // Its time is over in this very turn: what is proposed now would only make the outcome unknown.
    if (standing.nowMs >= pending.deadlineMs) return;
    pending.proposalId = out.nextProposalId();
    pending.nextAttemptMs = standing.nowMs + retryMs;
    out.toRaft.push({
      kind: "proposeConfiguration",
      proposalId: pending.proposalId,
      change: { steps: [step], transition: "auto" },
    });
  }

  /** Asks one voter after the other to take over, the best first. */
  #transfer(pending: PendingChange, transferees: readonly string[]): void {
    const { out, standing } = this.#parts;
    const transferee = transferees[pending.transfers % transferees.length];
    if (transferee === undefined || standing.nowMs < pending.nextTransferMs) return;
    pending.transfers++;
    pending.nextTransferMs = standing.nowMs + transferRepeatMs;
    out.toRaft.push({ kind: "transferLeadership", transferee });
  }

  #hold(pending: PendingChange, verdict: Extract<Verdict, { kind: "hold" }>): void {
    const { nowMs } = this.#parts.standing;
    const timed = pending.held !== null && pending.held.withinMs !== null;
    if (!timed) pending.heldSinceMs = nowMs;
    pending.held = verdict;
    if (verdict.withinMs === null || nowMs - pending.heldSinceMs < verdict.withinMs) return;
    this.#refuse(pending, verdict.code, verdict.detail);
  }

  #onDeadline(pending: PendingChange): void {
    const { held, lastRefusal } = pending;
    if (held !== null) {
      this.#refuse(pending, held.code, held.detail);
    } else if (pending.accepted > 0 || pending.proposalId !== 0) {
      this.#refuse(pending, "TIMEOUT", "the change was proposed, and was not complete in time");
    } else if (lastRefusal === "configurationPending" || lastRefusal === "invalidConfiguration") {
      this.#refuse(pending, "CONFIG_CHANGE_PENDING", "another change of members was not complete in time");
    } else if (lastRefusal === "overloaded") {
      this.#refuse(pending, "OVERLOADED", "the leader has as much to do as it takes");
    } else if (this.#parts.standing.leadership.leaderId === null || pending.ticksCaughtUp === null) {
      this.#refuse(pending, "NO_LEADER", "no leader confirmed the members in time");
    } else {
      this.#refuse(pending, "TIMEOUT", "the change was not complete in time");
    }
  }

  #refuse(pending: PendingChange, code: ErrorCode, detail: string): void {
    this.cancel(pending.requestId);
    this.#parts.out.refuse(pending.requestId, code, detail);
  }
}
