/**
 * @module
 * Members come and go (§6, dissertation §4): what an applied change does, and what a leader changes by itself.
 */

import { appendConfiguration, appendNoop } from "./append-own.ts";
import { advanceCommit, furthestFollower, hasCommittedInTerm, progressOfMember } from "./commit.ts";
import { changed, isJoint, isVoter, memberIds, refusalOf } from "./configuration.ts";
import type { ProposalRefusal } from "./message.ts";
import { createProgress, makeDue, type Progress } from "./progress.ts";
import { sendDueAppends } from "./replication.ts";
import { becomeFollower } from "./role.ts";
import { send } from "./send.ts";
import type { RaftState } from "./state.ts";
import type { Configuration, ConfigurationChange, ConfigurationStep, LogIndex } from "./types.ts";

/** A learner that is at most this many entries behind the commit index has caught up. */
const catchUpEntriesMax = 1000;

/** An entry that changes members is applied: from now on its configuration counts. */
export function onConfigurationApplied(state: RaftState, change: ConfigurationChange): void {
  const configuration = changed(state.configuration, change);
  if (configuration !== state.configuration) switchConfiguration(state, configuration);
}

/** Goes over to a configuration, with all that it means for who leads and who is sent to. */
export function switchConfiguration(state: RaftState, configuration: Configuration): void {
  state.configuration = configuration;
  state.configurationChanged = true;
  if (configuration.members[state.id] !== undefined) state.wasMember = true;
  const votes = isVoter(configuration, state.id);
  if (state.role === "leader") {
    const { log, options } = state;
    const window = { messagesMax: options.inflightMessagesMax, bytesMax: options.inflightBytesMax };
    state.progress = recounted(configuration, state.progress, { lastIndex: log.lastIndex, window });
    if (!votes) beginLeaving(state);
    advanceCommit(state);
    if (state.transferee !== null && !isVoter(configuration, state.transferee)) state.transferee = null;
  } else if (state.role !== "follower" && !votes) {
    becomeFollower(state, state.currentTerm, null);
  }
}

/** Why a change must not be appended now; null when it may. */
export function changeRefusal(state: RaftState, change: ConfigurationChange): ProposalRefusal | null {
  if (isChangePending(state)) return "configurationPending";
  // What is joint has to be left first, by a change without steps.
  if (isJoint(state.configuration) && change.steps.length > 0) return "configurationPending";
  return refusalOf(state.configuration, change);
}

/** Leaves a joint configuration, or promotes a learner that has caught up: at most one change, if any. */
export function changeByItself(state: RaftState): void {
  if (state.role !== "leader" || state.transferee !== null || state.leavingIndex > 0) return;
  const { configuration } = state;
  if (isJoint(configuration)) {
    if (configuration.autoLeave && !isChangePending(state)) {
      appendConfiguration(state, { steps: [], transition: "auto" });
    }
    return;
  }
  if (configuration.learners.length === 0 || isChangePending(state)) return;
  const promotion = nextPromotion(state);
  if (promotion !== null) appendConfiguration(state, { steps: [promotion], transition: "auto" });
}

/**
 * One change at a time, and none before this term has committed an entry: else two leaders could each
 * commit a change of the same configuration, with quorums that do not overlap.
 */
function isChangePending(state: RaftState): boolean {
  return state.pendingConfigurationIndex > state.log.appliedIndex || !hasCommittedInTerm(state);
}

/** The first learner that is meant to vote and can keep up with the log (dissertation §4.2.1). */
function nextPromotion(state: RaftState): ConfigurationStep | null {
  for (const nodeId of state.configuration.learners) {
    const member = state.configuration.members[nodeId];
    if (member === undefined || member.standing !== "voter") continue;
    const progress = progressOfMember(state, nodeId);
    if (progress !== undefined && hasCaughtUp(state, progress)) return { kind: "addVoter", nodeId, member };
  }
  return null;
}

function hasCaughtUp(state: RaftState, progress: Progress): boolean {
  return (
    progress.kind === "replicate" &&
    progress.recentActive &&
    progress.matchIndex + catchUpEntriesMax >= state.log.commitIndex
  );
}

/** What a leader knows of the members of a configuration: that of those who stay, new ones are probed at the end of the log. */
export function recounted(
  configuration: Configuration,
  known: readonly Progress[],
  from: { readonly lastIndex: LogIndex; readonly window: { readonly messagesMax: number; readonly bytesMax: number } },
): Progress[] {
  return memberIds(configuration).map((nodeId) => {
    const kept = known.find(({ id }) => id === nodeId);
    if (kept !== undefined) return kept;
    const progress = createProgress(nodeId, Math.max(from.lastIndex, 1), from.window);
    // It counts as heard until the next check, lest a new member cost the leader its quorum.
    progress.recentActive = true;
    makeDue(progress, "entries");
    return progress;
  });
}

/**
 * This leader is no voter any more. It leads on, without taking proposals, until an entry from after that is
 * committed by the voters that remain (dissertation §4.2.2): those then know that the change is committed.
 * Left before that, they would still need the vote of the one that left, whose log may be longer than theirs.
 */
function beginLeaving(state: RaftState): void {
  if (state.leavingIndex > 0) return;
  appendNoop(state);
  state.leavingIndex = state.log.lastIndex;
  state.farewellIndex = state.log.lastIndex;
}

/** Steps down when those that remain can do without this leader, and lets the one furthest on begin at once. */
export function leaveWhenDone(state: RaftState): void {
  if (state.leavingIndex === 0 || state.log.commitIndex < state.leavingIndex) return;
  sendDueAppends(state);
  const { id, currentTerm: term } = state;
  const successor = furthestFollower(state);
  if (successor !== null) send(state, { kind: "timeoutNowRequest", from: id, to: successor.id, term });
  becomeFollower(state, term, null);
}
