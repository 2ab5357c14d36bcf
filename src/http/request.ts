/**
 * @module
 * What a client asks of this node once its request has been parsed, and what it is told in the end: plain data,
 * free of sockets.
 */

import type { ErrorCode } from "../errors/codes.ts";
import type { Idempotency, Operation } from "../kv/command.ts";
import type { Result } from "../kv/result.ts";

export interface JoiningMember {
  readonly nodeId: string;
  /** `host:port`. */
  readonly httpAddr: string;
  /** `host:port`. */
  readonly raftAddr: string;
  /** Empty when the request does not say. */
  readonly incarnation: string;
  readonly standing: "voter" | "learner";
}

/** What an operator, or a node itself, wants of the members. */
export type MemberChange =
  | { readonly kind: "join"; readonly member: JoiningMember }
  | { readonly kind: "remove"; readonly nodeId: string }
  | { readonly kind: "promote"; readonly nodeId: string }
  | {
      readonly kind: "update";
      readonly nodeId: string;
      /** Null stays as it is. */
      readonly httpAddr: string | null;
      readonly raftAddr: string | null;
      /** Of the directory whose member is meant; empty when the request does not say. */
      readonly incarnation: string;
    };

export type IngressRequest =
  | {
      readonly kind: "write";
      readonly operation: Operation;
      readonly idempotency?: Idempotency;
      readonly redirect: boolean;
    }
  /** All that come in one turn are one command. */
  | { readonly kind: "keepAlive"; readonly leaseId: number; readonly redirect: boolean }
  | {
      readonly kind: "read";
      /** Whether any past state will do, as long as it has reached `minRevision`. */
      readonly stale: boolean;
      readonly minRevision: number;
      readonly redirect: boolean;
    }
  /** As a read that is not stale, but the leader's lease will do. */
  | { readonly kind: "leaseRead"; readonly minRevision: number; readonly redirect: boolean }
  | {
      readonly kind: "changeMembers";
      readonly change: MemberChange;
      /** How long a learner that nobody can reach is waited for. */
      readonly reachMsMax: number;
    }
  | { readonly kind: "transfer"; readonly nodeId: string }
  | { readonly kind: "members" };

export type Outcome =
  | { readonly kind: "applied"; readonly revision: number; readonly result: Result }
  /** The state of this node is recent enough: it is to be read now. */
  | { readonly kind: "readable" }
  | { readonly kind: "redirect"; readonly httpAddr: string }
  /** `created`: a member is there that was not before. */
  | { readonly kind: "done"; readonly body: object; readonly created: boolean }
  | { readonly kind: "refused"; readonly code: ErrorCode; readonly detail: string };

/**
 * How far requests that went to raft together have come, in `performance.now()` of this thread; 0: not yet. One object for
 * all of them, so that none pays for being watched.
 */
export interface Milestones {
  /** They were handed to raft. */
  readonly askedAtMs: number;
  /** Raft had answered: the leader has them in its log, or has confirmed them as reads. */
  readonly takenAtMs: number;
  /** The turn in which those were decided that are answered now. */
  readonly decidedAtMs: number;
}

/** One thing that has to hold before `/readyz` is 200. */
export interface ReadinessCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}
