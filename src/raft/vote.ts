/**
 * @module
 * How a node gives its vote away (§5.2 Leader election, §5.4.1 Election restriction).
 */

import { assert } from "./assert.ts";
import { followCommit } from "./commit.ts";
import { committedEntryId, lastEntryId } from "./log.ts";
import type { CampaignMessage, Message, PreVoteRequest, RequestVoteRequest } from "./message.ts";
import { giveUp } from "./role.ts";
import { sendAfterWrite } from "./send.ts";
import type { RaftState } from "./state.ts";
import { termAt } from "./term-runs.ts";
import type { EntryId, NodeId } from "./types.ts";

/**
 * Answers a vote request of the current term (Figure 2, RequestVote RPC, receiver 2). A learner answers like
 * any other: it may have been made a voter by a change that it has not applied.
 *
 * The answer waits for the write: a node that forgets a vote can vote twice in one term, and two leaders
 * follow. A refusal waits too, since it may rest on a vote still being written.
 */
export function onRequestVoteRequest(state: RaftState, request: RequestVoteRequest): void {
  assert(request.term === state.currentTerm, "every other term has been settled (§5.1)");
  const voteGranted = mayVoteFor(state, request.from) && isCandidateUpToDate(state, request);
  if (voteGranted) {
    assert(state.role !== "candidate" && state.role !== "leader", "a candidate or leader keeps its own vote");
    state.votedFor = request.from;
    state.electionElapsedTicks = 0;
  }
  const { id, currentTerm: term, log } = state;
  const committed = committedEntryId(log);
  sendAfterWrite(state, { kind: "requestVoteResponse", from: id, to: request.from, term, voteGranted, committed });
}

/**
 * Would this node vote for the candidate, were it to begin `request.term`? Neither term nor vote change here. A grant
 * carries the term asked for, so that it counts though this node is still behind it.
 *
 * Of two that ask at the same time each would grant the other's wish, and then vote for itself: nobody might win. So
 * one of them gives way. Which one, all agree: whoever goes before all others that ask gives way to nobody.
 */
export function onPreVoteRequest(state: RaftState, request: PreVoteRequest): void {
  const isOpen = request.term > state.currentTerm || mayVoteFor(state, request.from);
  const voteGranted = isOpen && isCandidateUpToDate(state, request);
  if (voteGranted && state.role === "preCandidate" && goesFirst(request, state)) giveUp(state);
  const term = voteGranted ? request.term : state.currentTerm;
  const committed = committedEntryId(state.log);
  sendAfterWrite(state, { kind: "preVoteResponse", from: state.id, to: request.from, term, voteGranted, committed });
}

/**
 * Takes over what the other side knows to be committed, when this log holds it (§5.3, Log Matching). The commit index
 * is not stored, so that a node may come back with a change of members that it does not know to be committed, and
 * campaign with members who are gone; while those who know, and count right, may have the shorter log. Without this
 * neither could ever be elected. A leader commits by counting alone.
 */
export function learnCommitted(state: RaftState, { committed }: CampaignMessage): void {
  if (state.role === "leader" || state.installing !== null) return;
  if (termAt(state.log, committed.index) === committed.term) followCommit(state, committed.index);
}

export function isOfCampaign(message: Message): message is CampaignMessage {
  switch (message.kind) {
    case "preVoteRequest":
    case "preVoteResponse":
    case "requestVoteRequest":
    case "requestVoteResponse":
      return true;
    default:
      return false;
  }
}

/** Is log `a` at least as up-to-date as `b`? The later last term wins, then the longer log. */
export function isUpToDate(a: EntryId, b: EntryId): boolean {
  return a.term > b.term || (a.term === b.term && a.index >= b.index);
}

/** Among those that ask at the same time, and whose logs let them: the longer log goes first, and then the lower id. */
function goesFirst(request: PreVoteRequest, { id, log }: RaftState): boolean {
  const { lastLogTerm: term, lastLogIndex: index } = request;
  return !isUpToDate(lastEntryId(log), { term, index }) || request.from < id;
}

/** One vote a term, first come first served, and none against a leader that is known (§5.2). */
function mayVoteFor(state: RaftState, candidateId: NodeId): boolean {
  return state.votedFor === candidateId || (state.votedFor === null && state.leaderId === null);
}

function isCandidateUpToDate(
  state: RaftState,
  request: { readonly lastLogTerm: number; readonly lastLogIndex: number },
): boolean {
  return isUpToDate({ term: request.lastLogTerm, index: request.lastLogIndex }, lastEntryId(state.log));
}
