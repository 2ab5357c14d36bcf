/**
 * @module
 * What the parts of the ingress actor share: its bounds, where the node stands, and where effects go.
 */

import type { LeadershipChanged, StateMismatch } from "../protocol/ingress-raft.ts";
import type { GatheringLimits } from "./gathering.ts";
import type { Outbox } from "./outbox.ts";

export interface IngressLimits {
  readonly nodeId: string;
  readonly origin: number;
  /** Requests that wait for an answer; more are refused. */
  readonly pendingRequestsMax: number;
  /** Commands that raft has and that are not applied yet; more waits here. */
  readonly proposalsInFlightMax: number;
  /** Encoded commands that wait for an answer; more are refused. */
  readonly pendingBytesMax: number;
  /** The part of them that raft has and whose fate is open: with so many, nothing more is proposed. */
  readonly proposedBytesMax: number;
  /** A write that waits so long for others ahead of it is refused, while raft takes writes: late answers help nobody. */
  readonly queuedMsMax: number;
  /** Commands of one proposal; at least one goes. */
  readonly slabBytesMax: number;
  /** How long commands wait for company before they are proposed. */
  readonly gathering: GatheringLimits;
  /** Whether reads by lease are asked for as such; else they are linearizable ones. */
  readonly leaseReads: boolean;
}

/** Where this node stands, as every part of the actor sees it during a turn. */
export interface Standing {
  nowMs: number;
  appliedIndex: number;
  revision: number;
  /** Of the last entry that is known to be applied. */
  appliedTerm: number;
  /** Whether the state can be read. */
  readable: boolean;
  leadership: LeadershipChanged;
  /** Raised here: by the leader, about the members that it knows. */
  alarms: readonly StateMismatch[];
}

export interface Parts {
  readonly limits: IngressLimits;
  readonly standing: Standing;
  readonly out: Outbox;
}
