/**
 * @module
 * Handing leadership to another voter (dissertation §3.10).
 */

import { progressOfMember } from "./commit.ts";
import { giveLeaseAway } from "./lease.ts";
import type { TransferRequest } from "./message.ts";
import { makeDue, type Progress } from "./progress.ts";
import { send } from "./send.ts";
import type { RaftState } from "./state.ts";
import type { NodeId } from "./types.ts";

/** Asked at this node: a follower passes it to its leader, once. */
export function onTransferLeadership(state: RaftState, transferee: NodeId): void {
  if (state.role === "leader") return beginTransfer(state, transferee);
  if (state.leaderId === null) return;
  const { id, leaderId, currentTerm: term } = state;
  send(state, { kind: "transferRequest", from: id, to: leaderId, term, transferee });
}

export function onTransferRequest(state: RaftState, request: TransferRequest): void {
  if (state.role === "leader") beginTransfer(state, request.transferee);
}

/**
 * Takes no more proposals until the target leads, or an election timeout has passed. Targets that cannot be
 * elected are ignored; another target takes the place of the one before.
 */
export function beginTransfer(state: RaftState, transferee: NodeId): void {
  if (transferee === state.id || transferee === state.transferee) return;
  if (!state.configuration.voters.includes(transferee)) return;
  const progress = progressOfMember(state, transferee);
  if (progress === undefined) return;
  state.transferee = transferee;
  // The transfer has one election timeout from here.
  state.electionElapsedTicks = 0;
  if (!completeTransfer(state, progress)) makeDue(progress, "always");
}

/** Lets the target campaign once its log is as long as the leader's; false when it is not, or another is meant. */
export function completeTransfer(state: RaftState, progress: Progress): boolean {
  if (progress.id !== state.transferee || progress.matchIndex !== state.log.lastIndex) return false;
  giveLeaseAway(state);
  send(state, { kind: "timeoutNowRequest", from: state.id, to: progress.id, term: state.currentTerm });
  return true;
}
