/**
 * @module
 * What one turn of ingress wants done, gathered while it runs.
 */

import type { ErrorCode } from "../../errors/codes.ts";
import type { Milestones, Outcome } from "../../http/request.ts";
import type { IngressToRaft } from "../protocol/ingress-raft.ts";
import type { IngressToStore } from "../protocol/store-ingress.ts";

export interface Answer {
  readonly requestId: number;
  readonly outcome: Outcome;
  /** Null for a request that was never handed to raft, or is not watched on its way. */
  readonly milestones: Milestones | null;
}

/** Open the state in that directory, read from it, close the one before; then say `viewOpened`. */
export interface OpenView {
  readonly generation: number;
  readonly path: string;
}

export interface Effects {
  readonly answers: readonly Answer[];
  /** One frame, in this order. */
  readonly toRaft: readonly IngressToRaft[];
  readonly toStore: readonly IngressToStore[];
  readonly openView: OpenView | null;
}

const readable: Outcome = { kind: "readable" };

export class Outbox {
  answers: Answer[] = [];
  toRaft: IngressToRaft[] = [];
  toStore: IngressToStore[] = [];
  /** Only the newest is opened. */
  openView: OpenView | null = null;
  #lastProposalId = 0;

  /** Proposals of commands and of members share their ids. */
  nextProposalId(): number {
    return ++this.#lastProposalId;
  }

  answer(requestId: number, outcome: Outcome, milestones: Milestones | null = null): void {
    this.answers.push({ requestId, outcome, milestones });
  }

  readable(requestId: number, milestones: Milestones | null): void {
    this.answers.push({ requestId, outcome: readable, milestones });
  }

  refuse(requestId: number, code: ErrorCode, detail: string, milestones: Milestones | null = null): void {
    this.answers.push({ requestId, outcome: { kind: "refused", code, detail }, milestones });
  }

  take(): Effects {
    const taken = { answers: this.answers, toRaft: this.toRaft, toStore: this.toStore, openView: this.openView };
    this.answers = [];
    this.toRaft = [];
    this.toStore = [];
    this.openView = null;
    return taken;
  }
}
