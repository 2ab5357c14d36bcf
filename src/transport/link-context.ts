/**
 * @module
 * What every connection of one node shares: its limits, who it is, and whom it tells.
 */

import type { NodeId } from "../raft/types.ts";
import type { Doorkeeper, Hello, Purpose, Refusal } from "./hello.ts";
import type { LinkLimits } from "./limits.ts";
import type { PeerMessage } from "./message-parser.ts";
import type { QuietLog } from "./quiet-log.ts";

/** Counted since the start, for metrics. */
export interface LinkCounters {
  dials: number;
  dialsFailed: number;
  accepted: number;
  /** Hellos refused here, and hellos of this node refused there. */
  hellosRefused: number;
  disconnects: number;
  protocolErrors: number;
  framesSent: number;
  /** Not sent: no connection, or the queue was full. */
  framesDropped: number;
  messagesReceived: number;
}

export interface LinkContext {
  readonly limits: LinkLimits;
  readonly keeper: Doorkeeper;
  readonly log: QuietLog;
  readonly counters: LinkCounters;
  helloTo(peer: NodeId, purpose: Purpose): Hello;
  /** Fault switch: nothing goes to that node. */
  isCutTo(peer: NodeId): boolean;
  /** Fault switch: what comes from that node is not heard. */
  isCutFrom(peer: NodeId): boolean;
  /** Cut in either direction: no connection can be made or be missed, since TCP needs both. */
  isCut(peer: NodeId): boolean;
  deliver(from: NodeId, messages: readonly PeerMessage[]): void;
  /** It asked for a sign of life: so it is up. */
  heardPing(from: NodeId): void;
  disconnected(peer: NodeId): void;
  unreachable(peer: NodeId): void;
  refusedBy(peer: NodeId, refusal: Refusal): void;
}

export function noCounts(): LinkCounters {
  return {
    dials: 0,
    dialsFailed: 0,
    accepted: 0,
    hellosRefused: 0,
    disconnects: 0,
    protocolErrors: 0,
    framesSent: 0,
    framesDropped: 0,
    messagesReceived: 0,
  };
}
