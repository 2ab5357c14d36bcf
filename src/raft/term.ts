/**
 * @module
 * Terms, settled in one place (§5.1): when this gives true, the message is of the current term, or is a
 * pre-vote, which no term holds.
 */

import { isVoteBound } from "./lease.ts";
import { committedEntryId } from "./log.ts";
import type { Message } from "./message.ts";
import { onForwardedProposal } from "./proposal.ts";
import { becomeFollower } from "./role.ts";
import { sendAfterWrite } from "./send.ts";
import type { RaftState } from "./state.ts";

/** False when the message is to be ignored, or has been answered as one of an old term. */
export function settleTerm(state: RaftState, message: Message): boolean {
  if (isDisregarded(state, message)) return false;
  if (message.term > state.currentTerm) return settleHigherTerm(state, message);
  if (message.term < state.currentTerm) {
    answerLowerTerm(state, message);
    return false;
  }
  return true;
}

/** A node that has given its word elects nobody, in whatever term, but whom the leader itself has told to campaign. */
function isDisregarded(state: RaftState, message: Message): boolean {
  if (message.term < state.currentTerm || !isVoteBound(state)) return false;
  return message.kind === "preVoteRequest" || (message.kind === "requestVoteRequest" && !message.leadershipTransfer);
}

function settleHigherTerm(state: RaftState, message: Message): boolean {
  switch (message.kind) {
    case "preVoteRequest":
      return !isLoyal(state);
    case "requestVoteRequest":
      if (!message.leadershipTransfer && isLoyal(state)) return false;
      becomeFollower(state, message.term, null);
      return true;
    case "preVoteResponse":
      // A grant is of the term that this node would begin; a refusal tells of one that has begun.
      if (!message.voteGranted) becomeFollower(state, message.term, null);
      return true;
    case "appendEntriesRequest":
    case "heartbeatRequest":
    case "installSnapshotRequest":
      becomeFollower(state, message.term, message.from);
      return true;
    default:
      becomeFollower(state, message.term, null);
      return true;
  }
}

/**
 * Servers disregard vote requests while they believe that a leader exists (§6): a node that was cut off, or
 * removed, must not disturb the cluster.
 */
function isLoyal(state: RaftState): boolean {
  const { options, leaderId, electionElapsedTicks } = state;
  return options.checkQuorum && leaderId !== null && electionElapsedTicks < options.electionTimeoutTicks;
}

function answerLowerTerm(state: RaftState, message: Message): void {
  const { id, currentTerm: term, options, log } = state;
  const to = message.from;
  switch (message.kind) {
    case "appendEntriesRequest":
    case "heartbeatRequest":
      // Without it, a node that has campaigned while it was cut off and a leader that it disregards would
      // stay apart for ever: the answer makes the leader step down (etcd-io/raft, Step).
      if (options.preVote || options.checkQuorum) {
        sendAfterWrite(state, { kind: "appendEntriesMatched", from: id, to, term, matchIndex: 0 });
      }
      return;
    case "preVoteRequest":
      // Else pre-candidates behind the term of all others would ask for ever.
      sendAfterWrite(state, {
        kind: "preVoteResponse",
        from: id,
        to,
        term,
        voteGranted: false,
        committed: committedEntryId(log),
      });
      return;
    case "requestVoteRequest":
      // Figure 2, RequestVote RPC, receiver 1.
      sendAfterWrite(state, {
        kind: "requestVoteResponse",
        from: id,
        to,
        term,
        voteGranted: false,
        committed: committedEntryId(log),
      });
      return;
    case "forwardedProposal":
      return onForwardedProposal(state, message);
    default:
  }
}
