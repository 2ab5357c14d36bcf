/**
 * @module
 * What the transcripts write for a Ready, and for the work that it gives to a node's threads.
 */

import type { Message } from "../../../src/raft/message.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { numberOf } from "../ids.ts";
import { describeEntries, describeEntry, describeHardState, describeMessage, describeSnapshot } from "./describe.ts";
import type { OwnAnswer, Ready, TranscriptNode } from "./transcript-node.ts";

/** `messages` as they are shown, the threads' among them. */
export function describeReady(ready: Ready, messages: readonly string[]): string[] {
  const lines: string[] = [];
  if (ready.softState !== null) lines.push(ready.softState);
  if (ready.hardState !== null) lines.push(`HardState ${describeHardState(ready.hardState)}`);
  if (ready.entries.length > 0) lines.push("Entries:", ...ready.entries.map(describeEntry));
  if (ready.snapshot !== null) lines.push(`Snapshot ${describeSnapshot(ready.snapshot)}`);
  if (ready.committed.length > 0) lines.push("CommittedEntries:", ...ready.committed.map(describeEntry));
  if (messages.length > 0) lines.push("Messages:", ...messages);
  return lines.length === 0 ? ["<empty Ready>"] : [`Ready MustSync=${ready.mustSync}:`, ...lines];
}

export function describeAnswer(answer: Message | OwnAnswer): string {
  return answer.kind === "own" ? answer.text : describeMessage(answer);
}

/** What is to be written, without the answers that wait for it; null when there is nothing to do. */
export function describeStorageAppend(node: TranscriptNode, ready: Ready): string | null {
  const { entries, hardState, snapshot, answers } = ready;
  if (entries.length === 0 && hardState === null && snapshot === null && answers.length === 0) return null;
  const parts = [`${numberOf(node.id)}->AppendThread MsgStorageAppend Term:${hardState?.currentTerm ?? 0} Log:0/0`];
  if (hardState !== null && hardState.commitIndex > 0) parts.push(`Commit:${hardState.commitIndex}`);
  if (hardState !== null && hardState.votedFor !== null) parts.push(`Vote:${numberOf(hardState.votedFor)}`);
  const shownSnapshot = snapshot === null ? "" : `\n  Snapshot: ${describeSnapshot(snapshot)}`;
  return `${parts.join(" ")}${describeEntries(entries)}${shownSnapshot}`;
}

export function describeStorageApply(node: TranscriptNode, entries: readonly Entry[]): string {
  return `${numberOf(node.id)}->ApplyThread MsgStorageApply Term:0 Log:0/0${describeEntries(entries)}`;
}

export function describeApplied(node: TranscriptNode, entries: readonly Entry[]): string {
  return `ApplyThread->${numberOf(node.id)} MsgStorageApplyResp Term:0 Log:0/0${describeEntries(entries)}`;
}

export function withResponses(text: string, responses: readonly string[]): string {
  if (responses.length === 0) return text;
  return `${text} Responses:[\n${responses.map((response) => indented(response)).join("\n")}\n]`;
}

export function indented(text: string): string {
  return text
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}
