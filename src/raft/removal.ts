/**
 * @module
 * How a node learns that it was removed (§6, dissertation §4.2.3). Nobody sends to it any more, and it may never have
 * heard that its removal was committed: those who know answer it when it asks for something.
 */

import { isVoter } from "./configuration.ts";
import type { Message, RemovalNotice } from "./message.ts";
import { becomeFollower } from "./role.ts";
import { send } from "./send.ts";
import type { RaftState } from "./state.ts";

/** Is this node no member any more, as far as it knows? One that has yet to join was not removed. */
export function isRemoved(state: RaftState): boolean {
  const isMember = state.configuration.members[state.id] !== undefined;
  return isToldRemoved(state) || (state.wasMember && !isMember);
}

/**
 * Has another node said that this one was removed, and had it applied no less than this one has by now? Who has applied
 * more knows by itself. The notice may be a late one, of before this node was added again, and no leader may be left to
 * take it back: held on to, it would keep a voter from campaigning whose log the others need.
 */
export function isToldRemoved({ removalNoticeIndex, log }: RaftState): boolean {
  return removalNoticeIndex > 0 && removalNoticeIndex >= log.appliedIndex;
}

/** Tells who asks for a vote or a read, and is no member here, that it is none. */
export function answerRemoved(state: RaftState, message: Message): void {
  const { id, currentTerm: term, configuration, log } = state;
  if (!asksAsMember(message) || configuration.members[message.from] !== undefined) return;
  // A node without members has applied nothing that could hold anybody.
  if (configuration.voters.length === 0) return;
  send(state, { kind: "removalNotice", from: id, to: message.from, term, appliedIndex: log.appliedIndex });
}

/**
 * It counts when it is of a later configuration than the own one; an earlier one may be of before this node joined.
 * What a later leader sends to this node as a member takes it back.
 */
export function onRemovalNotice(state: RaftState, notice: RemovalNotice): void {
  const knowsItselfIn = state.configuration.members[state.id] !== undefined || mayBeNeeded(state);
  if (state.role === "leader" || !knowsItselfIn || notice.appliedIndex < state.log.appliedIndex) return;
  state.removalNoticeIndex = Math.max(state.removalNoticeIndex, notice.appliedIndex);
  if (state.role !== "follower") becomeFollower(state, state.currentTerm, null);
}

/**
 * Must this node campaign though it is no voter? A leader that was removed, and fell before those that remain knew of
 * it, may hold a log that is longer than theirs, so that they would still need its vote and not get it. It campaigns
 * without a vote of its own until what it holds is committed (dissertation §4.2.2). A learner has such entries at any
 * time and leaves them alone, unless a farewell is among them: that of a leader which was made one.
 */
export function mayBeNeeded({ id, configuration, farewellIndex, log }: RaftState): boolean {
  if (isVoter(configuration, id) || configuration.voters.length === 0) return false;
  const isMember = configuration.members[id] !== undefined;
  return (isMember ? farewellIndex : log.lastIndex) > log.commitIndex;
}

function asksAsMember({ kind }: Message): boolean {
  switch (kind) {
    case "preVoteRequest":
    case "requestVoteRequest":
    case "readIndexRequest":
      return true;
    default:
      return false;
  }
}
