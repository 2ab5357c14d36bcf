/**
 * @module
 * Members that join and leave (§6; dissertation §4.2.1: a new node enters as learner and is promoted by its leader
 * once it has caught up).
 *
 * A request is judged by the configuration applied here, so this node first catches up with everything that was
 * answered before the request. It is done when the applied configuration shows it, whoever proposed it.
 *
 * To add a learner a second time would take the vote of one that has been promoted meanwhile. So nothing is proposed
 * again before this node has caught up again: what became of the first attempt is in its configuration then.
 */

import type { ErrorCode } from "../../errors/codes.ts";
import type { JoiningMember } from "../../http/request.ts";
import type { ConfigurationStep } from "../../raft/types.ts";
import type { ProposalAccepted, ProposalRefused } from "../protocol/ingress-raft.ts";
import { judgeJoin, judgeRemove, type Verdict } from "./member-verdict.ts";
import type { Parts } from "./parts.ts";
import type { Reads } from "./reads.ts";

/** Changes that wait at one node; they are done one at a time in the whole cluster. */
const pendingChangesMax = 64;
/** Between two attempts to propose the same change, or to move leadership away. */
const retryMs = 100;
const transferRepeatMs = 500;
/**
 * Ticks between the state's reaching a read index and belief in the configuration: the state speaks on the edge to
 * the store, the configuration comes on the edge to raft, which hears of the state a moment later.
 */
const settleTicks = 2;

interface PendingChange {
  readonly requestId: number;
  readonly deadlineMs: number;
  readonly judge: () => Verdict;
  /** Ticks since this node had last caught up for this change; null while it has not. */
  ticksCaughtUp: number | null;
  proposalId: number;
  /** The term in which the proposal under way was accepted; 0 while there is none, or raft has not answered. */
  acceptedTerm: number;
  /** Proposals of this change that raft accepted and did not refuse after all: above 0 its outcome is open. */
  accepted: number;
  nextAttemptMs: number;
  lastRefusal: ProposalRefused["reason"] | null;
}

export class Membership {
  readonly #parts: Parts;
  readonly #reads: Reads;
  readonly #pending = new Map<number, PendingChange>();

  constructor(parts: Parts, reads: Reads) {
    this.#parts = parts;
    this.#reads = reads;
  }

  get pending(): number {
    return this.#pending.size;
  }

  onJoin(requestId: number, member: JoiningMember, deadlineMs: number): void {
    this.#admit(requestId, deadlineMs, () => judgeJoin(this.#parts.standing.leadership, member));
  }

  onRemove(requestId: number, nodeId: string, deadlineMs: number): void {
    this.#admit(requestId, deadlineMs, () => {
      const accepted = this.#pending.get(requestId)?.accepted ?? 0;
      return judgeRemove(this.#parts.standing.leadership, nodeId, accepted > 0);
    });
  }

  #admit(requestId: number, deadlineMs: number, judge: () => Verdict): void {
    if (this.#pending.size >= pendingChangesMax) {
      this.#parts.out.refuse(requestId, "OVERLOADED", "too many changes of members wait at this node");
      return;
    }
    const change: PendingChange = {
      requestId,
      deadlineMs,
      judge,
      ticksCaughtUp: null,
      proposalId: 0,
      acceptedTerm: 0,
      accepted: 0,
      nextAttemptMs: 0,
      lastRefusal: null,
    };
    this.#pending.set(requestId, change);
    this.#catchUp(change);
  }

  /** The change is judged by what is applied here once everything is that was answered anywhere before now. */
  #catchUp(change: PendingChange): void {
    change.ticksCaughtUp = null;
    this.#reads.barrier(() => {
      change.ticksCaughtUp = 0;
    });
  }

  cancel(requestId: number): void {
    this.#pending.delete(requestId);
  }

  /** Whether the proposal was one of a change. */
  onAccepted(message: ProposalAccepted): boolean {
    const change = this.#ofProposal(message.proposalId);
    if (change === undefined) return false;
    change.acceptedTerm = message.term;
    change.accepted++;
    return true;
  }

  /** Whether the proposal was one of a change. */
  onRefused(message: ProposalRefused): boolean {
    const change = this.#ofProposal(message.proposalId);
    if (change === undefined) return false;
    change.proposalId = 0;
    if (change.acceptedTerm !== 0) change.accepted--;
    change.acceptedTerm = 0;
    change.lastRefusal = message.reason;
    change.nextAttemptMs = this.#parts.standing.nowMs + retryMs;
    if (message.reason === "lastVoter" && change.accepted === 0) {
      this.#refuse(change, "LAST_VOTER", "it would leave no voter");
    } else if (change.ticksCaughtUp !== null) {
      this.#catchUp(change);
    }
    return true;
  }

  #ofProposal(proposalId: number): PendingChange | undefined {
    for (const change of this.#pending.values()) if (change.proposalId === proposalId) return change;
    return undefined;
  }

  onLeadershipChanged(): void {
    for (const change of this.#pending.values()) this.#advance(change);
  }

  onTick(stopDeadlineMs: number): void {
    const { nowMs } = this.#parts.standing;
    for (const change of this.#pending.values()) {
      if (change.ticksCaughtUp !== null) change.ticksCaughtUp++;
      this.#advance(change);
      if (!this.#pending.has(change.requestId)) continue;
      if (nowMs >= Math.min(change.deadlineMs, stopDeadlineMs)) this.#onDeadline(change);
    }
  }

  #advance(change: PendingChange): void {
    const { out, standing } = this.#parts;
    if (change.ticksCaughtUp === null || change.ticksCaughtUp < settleTicks) return;
    if (standing.leadership.leaderId === null) return;
    const verdict = change.judge();
    if (verdict.kind === "done") {
      this.#pending.delete(change.requestId);
      out.answer(change.requestId, { kind: "done", body: verdict.body });
    } else if (verdict.kind === "refused") {
      this.#refuse(change, verdict.code, verdict.detail);
    } else if (verdict.kind === "transferFirst") {
      this.#transfer(change, verdict.transferees);
    } else if (verdict.kind === "propose") {
      this.#propose(change, verdict.step);
    }
  }

  #propose(change: PendingChange, step: ConfigurationStep): void {
    const { out, standing } = this.#parts;
    if (change.acceptedTerm !== 0 && change.acceptedTerm < standing.appliedTerm) {
      // Accepted in a term that is over: it is lost, or applied and not shown in the configuration yet.
      change.proposalId = 0;
      change.acceptedTerm = 0;
      this.#catchUp(change);
      return;
    }
    if (change.proposalId !== 0 || standing.nowMs < change.nextAttemptMs) return;
    // Its time is over in this very turn: what is proposed now would only make the outcome unknown.
    if (standing.nowMs >= change.deadlineMs) return;
    change.proposalId = out.nextProposalId();
    change.nextAttemptMs = standing.nowMs + retryMs;
    out.toRaft.push({
      kind: "proposeConfiguration",
      proposalId: change.proposalId,
      change: { steps: [step], transition: "auto" },
    });
  }

  /** Asks one voter after the other to take over, since the first may be the one that is down. */
  #transfer(change: PendingChange, transferees: readonly string[]): void {
    const { out, standing } = this.#parts;
    if (standing.nowMs < change.nextAttemptMs) return;
    const attempt = Math.floor(standing.nowMs / transferRepeatMs);
    const transferee = transferees[attempt % transferees.length];
    if (transferee === undefined) return;
    change.nextAttemptMs = standing.nowMs + transferRepeatMs;
    out.toRaft.push({ kind: "transferLeadership", transferee });
  }

  #onDeadline(change: PendingChange): void {
    if (change.accepted > 0 || change.proposalId !== 0) {
      this.#refuse(change, "TIMEOUT", "the change was proposed, and was not complete in time");
    } else if (change.lastRefusal === "configurationPending" || change.lastRefusal === "invalidConfiguration") {
      this.#refuse(change, "CONFIG_CHANGE_PENDING", "another change of members was not complete in time");
    } else if (change.lastRefusal === "overloaded") {
      this.#refuse(change, "OVERLOADED", "the leader has as much to do as it takes");
    } else if (this.#parts.standing.leadership.leaderId === null || change.ticksCaughtUp === null) {
      this.#refuse(change, "NO_LEADER", "no leader confirmed the members in time");
    } else {
      this.#refuse(change, "TIMEOUT", "the change was not complete in time");
    }
  }

  #refuse(change: PendingChange, code: ErrorCode, detail: string): void {
    this.#pending.delete(change.requestId);
    this.#parts.out.refuse(change.requestId, code, detail);
  }
}
