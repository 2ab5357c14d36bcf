/**
 * @module
 * How a command becomes an entry, or is certainly refused (§8), from any node.
 *
 * A proposal is handed on at most once, to the leader of a term that it names, which takes it once however often it
 * arrives; nobody else appends it. So what was accepted and is missing when an entry of a later term is applied is
 * lost for certain.
 */

import { appendCommands, appendConfiguration } from "./append-own.ts";
import { expectCommit } from "./commit-notice.ts";
import { changeRefusal } from "./membership.ts";
import type { ForwardedProposal, ForwardedProposalRefused, Proposal, ProposalRefusal } from "./message.ts";
import { send } from "./send.ts";
import { type RaftState, type TakenForwards, wireIdsOfSeries } from "./state.ts";
import type { NodeId } from "./types.ts";

/** The newest forwards whose refusal is still understood; that of an older one says nothing. */
const forwardsMax = 4096;
/** Series of ids, of all senders together, whose last one a leader remembers. */
const seriesMax = 1024;
/** As log.ts counts an entry. */
const commandOverheadBytes = 32;

/** Proposed at this node. Refused or accepted at once; a refusal may follow an acceptance, and is as certain. */
export function onPropose(state: RaftState, proposalId: number, proposal: Proposal): void {
  const { outbox, currentTerm: term, leaderId } = state;
  if (state.role !== "leader" && leaderId !== null) {
    outbox.proposalsAccepted.push({ proposalId, term });
    return forward(state, leaderId, { proposalId, proposal });
  }
  const reason = appendProposal(state, proposal);
  if (reason === null) outbox.proposalsAccepted.push({ proposalId, term });
  else outbox.proposalsRefused.push({ proposalId, reason });
}

/**
 * Handed on by a node that took this one for the leader of the message's term, which may be over. Only the process that
 * led that term knows what it has taken: it alone refuses, once. For all others the term's end settles the proposal.
 */
export function onForwardedProposal(state: RaftState, message: ForwardedProposal): void {
  if (message.term !== state.takenForwards.term || !takeOnce(state.takenForwards, message)) return;
  const reason = message.term === state.currentTerm ? appendProposal(state, message.proposal) : "noLeader";
  const { id, currentTerm: term } = state;
  const { from, proposalId } = message;
  if (reason === null) return expectCommit(state, from, state.log.lastIndex);
  send(state, { kind: "forwardedProposalRefused", from: id, to: from, term, proposalId, reason });
}

export function onForwardedProposalRefused(state: RaftState, message: ForwardedProposalRefused): void {
  const position = state.forwarded.findLastIndex(({ wireId }) => wireId === message.proposalId);
  const forwarded = state.forwarded[position];
  if (forwarded === undefined) return;
  state.forwarded.splice(position, 1);
  state.outbox.proposalsRefused.push({ proposalId: forwarded.proposalId, reason: message.reason });
}

/**
 * False for what has arrived before: appended again it would be executed twice, and a refusal would be a lie about the
 * first. One process numbers what it hands on upwards, and a link keeps its order, so that the last number tells.
 */
function takeOnce({ lastIds }: TakenForwards, { from, proposalId }: ForwardedProposal): boolean {
  const series = `${from} ${Math.floor(proposalId / wireIdsOfSeries)}`;
  if (proposalId <= (lastIds.get(series) ?? -1)) return false;
  lastIds.set(series, proposalId);
  if (lastIds.size > seriesMax) {
    const [oldest] = lastIds.keys();
    if (oldest !== undefined) lastIds.delete(oldest);
  }
  return true;
}

/** Appends it, or says why not. */
function appendProposal(state: RaftState, proposal: Proposal): ProposalRefusal | null {
  if (state.role !== "leader") return "noLeader";
  if (state.transferee !== null || state.leavingIndex > 0) return "transferring";
  switch (proposal.kind) {
    case "commands":
      if (isOverloaded(state, proposal.commands)) return "overloaded";
      appendCommands(state, proposal.commands);
      return null;
    case "configuration": {
      const reason = changeRefusal(state, proposal.change);
      if (reason === null) appendConfiguration(state, proposal.change);
      return reason;
    }
  }
}

/** Something always goes, however large, when nothing else is under way. */
function isOverloaded(state: RaftState, commands: readonly Uint8Array[]): boolean {
  if (state.uncommittedBytes === 0) return false;
  let bytes = state.uncommittedBytes;
  for (const command of commands) bytes += commandOverheadBytes + command.byteLength;
  return bytes > state.options.uncommittedBytesMax;
}

function forward(
  state: RaftState,
  to: NodeId,
  { proposalId, proposal }: { readonly proposalId: number; readonly proposal: Proposal },
): void {
  const { id, currentTerm: term, reads, forwarded } = state;
  const wireId = reads.nextWireId;
  reads.nextWireId += 1;
  forwarded.push({ wireId, proposalId });
  if (forwarded.length >= 2 * forwardsMax) forwarded.splice(0, forwarded.length - forwardsMax);
  send(state, { kind: "forwardedProposal", from: id, to, term, proposalId: wireId, proposal });
}
