/**
 * @module
 * The core as a function of state and input. Outputs are gathered in the state until `collect`.
 */

import { onAppendEntriesMatched, onAppendEntriesRejected, onHeartbeatResponse } from "./append-answer.ts";
import { onAppendEntriesRequest, onHeartbeatRequest } from "./append-entries.ts";
import { onApplied } from "./apply.ts";
import { unreachable } from "./assert.ts";
import { advanceCommit, progressOfMember } from "./commit.ts";
import { campaign, countOwnVote, onPreVoteResponse, onRequestVoteResponse, onTimeoutNowRequest } from "./election.ts";
import { onEntriesRead } from "./entries-read.ts";
import type { Input } from "./input.ts";
import { onClock } from "./lease.ts";
import { changeByItself } from "./membership.ts";
import type { Message } from "./message.ts";
import { advanceMatch, becomeProbe } from "./progress.ts";
import { onForwardedProposal, onForwardedProposalRefused, onPropose } from "./proposal.ts";
import { onLeaseRead, onLeaseReadRequest, onReadIndex, onReadIndexRequest, onReadIndexResponse } from "./read-index.ts";
import { answerRemoved, onRemovalNotice } from "./removal.ts";
import { onInstallSnapshotRequest, onSnapshotInstalled, onSnapshotSent, onSnapshotTaken } from "./snapshot.ts";
import type { RaftState } from "./state.ts";
import { settleTerm } from "./term.ts";
import { campaignIfAlone, onPeerDisconnected, onTick } from "./tick.ts";
import { onTransferLeadership, onTransferRequest } from "./transfer.ts";
import type { NodeId } from "./types.ts";
import { isOfCampaign, learnCommitted, onPreVoteRequest, onRequestVoteRequest } from "./vote.ts";
import { notePersisted } from "./writes.ts";

/** Takes one input in. Same state and same input, same state after; throws only when an invariant is broken. */
export function step(state: RaftState, input: Input): void {
  switch (input.kind) {
    case "tick":
      return onTick(state);
    case "receive":
      return receive(state, input.message);
    case "propose":
      return onPropose(state, input.proposalId, input.proposal);
    case "readIndex":
      return onReadIndex(state, input.readId);
    case "leaseRead":
      return onLeaseRead(state, input.readId);
    case "clock":
      return onClock(state, input.nowMs);
    case "transferLeadership":
      return onTransferLeadership(state, input.transferee);
    case "persisted":
      return onPersisted(state, input);
    case "applied":
      onApplied(state, input.index);
      changeByItself(state);
      return campaignIfAlone(state);
    case "entriesRead":
      return onEntriesRead(state, input.from, input.entries);
    case "snapshotTaken":
      return onSnapshotTaken(state, input.snapshot);
    case "snapshotInstalled":
      return onSnapshotInstalled(state, input.snapshot);
    case "snapshotSent":
      return onSnapshotSent(state, input.to, input.delivered);
    case "peerUnreachable":
      return onPeerUnreachable(state, input.peer);
    case "peerDisconnected":
      return onPeerDisconnected(state, input.peer);
    case "campaign":
      return campaign(state);
    default:
      unreachable(input);
  }
}

function receive(state: RaftState, message: Message): void {
  if (message.to !== state.id) return;
  if (message.kind === "removalNotice") return onRemovalNotice(state, message);
  answerRemoved(state, message);
  // Whether or not the message is heeded: what is committed stays so in every term.
  if (isOfCampaign(message)) learnCommitted(state, message);
  if (!settleTerm(state, message)) return;
  switch (message.kind) {
    case "appendEntriesRequest":
      return onAppendEntriesRequest(state, message);
    case "appendEntriesMatched":
      return onAppendEntriesMatched(state, message);
    case "appendEntriesRejected":
      return onAppendEntriesRejected(state, message);
    case "heartbeatRequest":
      return onHeartbeatRequest(state, message);
    case "heartbeatResponse":
      return onHeartbeatResponse(state, message);
    case "preVoteRequest":
      return onPreVoteRequest(state, message);
    case "preVoteResponse":
      return onPreVoteResponse(state, message);
    case "requestVoteRequest":
      return onRequestVoteRequest(state, message);
    case "requestVoteResponse":
      return onRequestVoteResponse(state, message);
    case "timeoutNowRequest":
      return onTimeoutNowRequest(state);
    case "transferRequest":
      return onTransferRequest(state, message);
    case "installSnapshotRequest":
      return onInstallSnapshotRequest(state, message);
    case "forwardedProposal":
      return onForwardedProposal(state, message);
    case "forwardedProposalRefused":
      return onForwardedProposalRefused(state, message);
    case "readIndexRequest":
      return onReadIndexRequest(state, message);
    case "leaseReadRequest":
      return onLeaseReadRequest(state, message);
    case "readIndexResponse":
      return onReadIndexResponse(state, message);
    default:
      unreachable(message);
  }
}

/** A node's own disk is one vote, for a candidate as for an entry, and only with what is durable. */
function onPersisted(state: RaftState, input: Extract<Input, { kind: "persisted" }>): void {
  notePersisted(state, input);
  countOwnVote(state);
  if (state.role !== "leader") return;
  const own = progressOfMember(state, state.id);
  if (own !== undefined && advanceMatch(own, state.log.persistedIndex)) advanceCommit(state);
}

/** Appends on their way may be lost: the next goes alone, from what is known to be there. */
function onPeerUnreachable(state: RaftState, peer: NodeId): void {
  const progress = progressOfMember(state, peer);
  if (progress?.kind === "replicate") becomeProbe(progress);
}
