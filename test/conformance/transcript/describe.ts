/**
 * @module
 * What the transcripts write for entries, messages, snapshots and states.
 */

import { inflightMessages, isFull } from "../../../src/raft/inflights.ts";
import type { Message, Proposal } from "../../../src/raft/message.ts";
import { isPaused, type Progress } from "../../../src/raft/progress.ts";
import type {
  Configuration,
  ConfigurationChange,
  Entry,
  HardState,
  NodeId,
  Role,
  SnapshotMetadata,
} from "../../../src/raft/types.ts";
import { textOf } from "../../support/core-node.ts";
import { numberOf, numbersOf, tokensOf } from "../ids.ts";

/** Changes that were proposed in the older of the two forms; ours has one. */
export const olderForm: WeakSet<ConfigurationChange> = new WeakSet<ConfigurationChange>();

const roleNames: Record<Role, string> = {
  follower: "StateFollower",
  preCandidate: "StatePreCandidate",
  candidate: "StateCandidate",
  leader: "StateLeader",
};

const progressNames: Record<Progress["kind"], string> = {
  probe: "StateProbe",
  replicate: "StateReplicate",
  snapshot: "StateSnapshot",
};

/** As shown with a Ready when one of its parts has changed. */
export interface HardStateView extends HardState {
  readonly commitIndex: number;
}

export function describeRole(role: Role): string {
  return roleNames[role];
}

export function describeHardState({ currentTerm, votedFor, commitIndex }: HardStateView): string {
  const vote = votedFor === null ? "" : ` Vote:${numberOf(votedFor)}`;
  return `Term:${currentTerm}${vote} Commit:${commitIndex}`;
}

export function describeEntry(entry: Entry): string {
  const id = `${entry.term}/${entry.index}`;
  switch (entry.kind) {
    case "noop":
      return `${id} EntryNormal ""`;
    case "command":
      return `${id} EntryNormal ${JSON.stringify(textOf(entry.command))}`;
    case "configuration":
      return `${id} ${describeChange(entry.change)}`;
  }
}

export function describeSnapshot({ lastIncludedIndex, lastIncludedTerm, configuration }: SnapshotMetadata): string {
  return `Index:${lastIncludedIndex} Term:${lastIncludedTerm} ConfState:${describeConfState(configuration)}`;
}

export function describeProgress(progress: Progress, { learners }: Configuration): string {
  const { id, kind, matchIndex, nextIndex, pendingSnapshot, recentActive, inflights } = progress;
  const parts = [`${numberOf(id)}: ${progressNames[kind]} match=${matchIndex} next=${nextIndex}`];
  if (learners.includes(id)) parts.push("learner");
  if (isPaused(progress)) parts.push("paused");
  if (pendingSnapshot > 0) parts.push(`pendingSnap=${pendingSnapshot}`);
  if (!recentActive) parts.push("inactive");
  const messages = inflightMessages(inflights);
  if (messages > 0) parts.push(`inflight=${messages}${isFull(inflights) ? "[full]" : ""}`);
  return parts.join(" ");
}

/** Everything the transcripts know of a message. */
interface Shown {
  readonly name: string;
  readonly term: number;
  /** `term/index`; 0/0 where it has no meaning. */
  readonly log?: string;
  readonly rest?: string;
}

export function describeMessage(message: Message): string {
  const { name, term, log = "0/0", rest = "" } = shown(message);
  return `${numberOf(message.from)}->${numberOf(message.to)} ${name} Term:${term} Log:${log}${rest}`;
}

/** Does its sender have to have it on disk first, whatever it says: is it an answer to what was taken in? */
export function isAnswerToWrite({ kind }: Message): boolean {
  switch (kind) {
    case "appendEntriesMatched":
    case "appendEntriesRejected":
    case "requestVoteResponse":
    case "preVoteResponse":
      return true;
    default:
      return false;
  }
}

export function describeEntries(entries: readonly Entry[]): string {
  const [first] = entries;
  if (first === undefined) return "";
  if (entries.length === 1) return ` Entries:[${describeEntry(first)}]`;
  return ` Entries:[\n${entries.map((entry) => `  ${describeEntry(entry)}\n`).join("")}]`;
}

function shown(message: Message): Shown {
  const { term } = message;
  switch (message.kind) {
    case "appendEntriesRequest": {
      const { prevLogTerm, prevLogIndex, leaderCommit, entries } = message;
      const rest = `${commitOf(leaderCommit)}${describeEntries(entries)}`;
      return { name: "MsgApp", term, log: `${prevLogTerm}/${prevLogIndex}`, rest };
    }
    case "appendEntriesMatched":
      return { name: "MsgAppResp", term, log: `0/${message.matchIndex}` };
    case "appendEntriesRejected": {
      const { hint, prevLogIndex } = message;
      return { name: "MsgAppResp", term, log: `${hint.term}/${prevLogIndex}`, rest: rejected(hint.index) };
    }
    case "heartbeatRequest":
      return { name: "MsgHeartbeat", term, rest: commitOf(message.leaderCommit) };
    case "heartbeatResponse":
      return { name: "MsgHeartbeatResp", term };
    case "preVoteRequest":
      return { name: "MsgPreVote", term, log: `${message.lastLogTerm}/${message.lastLogIndex}` };
    case "preVoteResponse":
      return { name: "MsgPreVoteResp", term, rest: message.voteGranted ? "" : rejected(0) };
    case "requestVoteRequest":
      return { name: "MsgVote", term, log: `${message.lastLogTerm}/${message.lastLogIndex}` };
    case "requestVoteResponse":
      return { name: "MsgVoteResp", term, rest: message.voteGranted ? "" : rejected(0) };
    case "timeoutNowRequest":
      return { name: "MsgTimeoutNow", term };
    case "installSnapshotRequest":
      return { name: "MsgSnap", term, rest: `\n  Snapshot: ${describeSnapshot(message.snapshot)}` };
    case "forwardedProposal":
      return { name: "MsgProp", term: 0, rest: ` Entries:[${proposed(message.proposal)}]` };
    case "transferRequest":
      return { name: "MsgTransferLeader", term: 0 };
    default:
      return { name: message.kind, term };
  }
}

function proposed(proposal: Proposal): string {
  if (proposal.kind === "configuration") return `0/0 ${describeChange(proposal.change)}`;
  return proposal.commands.map((command) => `0/0 EntryNormal ${JSON.stringify(textOf(command))}`).join("\n");
}

function describeChange(change: ConfigurationChange): string {
  const name = olderForm.has(change) ? "EntryConfChange" : "EntryConfChangeV2";
  return `${name} ${tokensOf(change.steps)}`.trimEnd();
}

function describeConfState({ voters, votersOutgoing, learners, learnersNext, autoLeave }: Configuration): string {
  const list = (name: string, ids: readonly NodeId[]): string => `${name}:[${numbersOf(ids)}]`;
  return [
    list("Voters", voters),
    list("VotersOutgoing", votersOutgoing),
    list("Learners", learners),
    list("LearnersNext", learnersNext),
    `AutoLeave:${autoLeave}`,
  ].join(" ");
}

function commitOf(index: number): string {
  return index === 0 ? "" : ` Commit:${index}`;
}

function rejected(hint: number): string {
  return ` Rejected (Hint: ${hint})`;
}
