/**
 * @module
 * The log actor as a step function: what raft asked for and what the disk has done, into what to do next.
 *
 * Order: everything takes effect in the order in which raft sent it. At most one write is under way; what
 * arrives meanwhile gathers and becomes one write, up to the next read, which has to see what was asked
 * before it and nothing after.
 */

import { decodePacked, encodePacked, type PackedEntry } from "../../codec/entries.ts";
import { assert } from "../../errors/assert.ts";
import type { LogContents, LogOperation, LogRange } from "../../storage/log/log-storage.ts";
import type { LogRead, LogToRaft, RaftToLog, ReadLog } from "../protocol/raft-log.ts";

/** What has happened to the actor. */
export type LogInput =
  | { readonly kind: "received"; readonly message: RaftToLog }
  /** The write under way is durable; the log takes `bytes` now. */
  | { readonly kind: "written"; readonly bytes: number }
  | { readonly kind: "entriesRead"; readonly from: number; readonly entries: readonly PackedEntry[] }
  /** A sweep is done; `more` when there may be rows left that no longer count. */
  | { readonly kind: "swept"; readonly more: boolean }
  /** The disk has failed: the node ends, and nothing that was asked is answered any more. */
  | { readonly kind: "failed"; readonly cause: unknown };

/** What to do, in this order: answer; begin the reads, then the write; sweep when there is time. */
export interface LogEffects {
  readonly reads: readonly LogRange[];
  /** One synced write; answered by `written`. */
  readonly write: readonly LogOperation[] | null;
  readonly replies: readonly LogToRaft[];
  /** Answered by `swept`. */
  readonly sweep: boolean;
  readonly failure: { readonly cause: unknown } | null;
}

export interface LogActorOptions {
  /** Bytes of packed entries that one write takes together; at least one append goes. */
  readonly writeBytesMax: number;
  /** Raft is told the size when it has moved by this much. */
  readonly sizeStepBytes: number;
}

export const logActorOptions: LogActorOptions = { writeBytesMax: 8 * 1024 * 1024, sizeStepBytes: 1024 * 1024 };

type Change = Exclude<RaftToLog, ReadLog>;

/** Owned by whoever steps it, changed by `turn` only. */
export interface LogActor {
  readonly options: LogActorOptions;
  /** Not begun yet, in order of arrival. Bounded by what the core has unpersisted. */
  waiting: RaftToLog[];
  /** What the write under way will have done; null when none is. */
  writing: readonly Change[] | null;
  sweeping: boolean;
  /** Whether rows may be left to sweep. */
  isDirty: boolean;
  reportedBytes: number;
  hasFailed: boolean;
}

const nothing: LogEffects = { reads: [], write: null, replies: [], sweep: false, failure: null };

/** An actor whose log has just been opened, and what it says first. */
export function createLogActor(
  contents: LogContents,
  options: LogActorOptions,
): { readonly actor: LogActor; readonly effects: LogEffects } {
  const { hardState, snapshot, logStart, termRuns, last, lastTime, bytes } = contents;
  const opened: LogToRaft = {
    kind: "opened",
    hardState,
    snapshot,
    logStart,
    termRuns,
    lastIndex: last.index,
    lastTime,
  };
  const actor: LogActor = {
    options,
    waiting: [],
    writing: null,
    // A process that ended may have left a sweep unfinished.
    sweeping: true,
    isDirty: true,
    reportedBytes: bytes,
    hasFailed: false,
  };
  return { actor, effects: { ...nothing, replies: [opened, { kind: "size", bytes }], sweep: true } };
}

/** Takes in what has happened and says what to do next. Moves `actor` on. */
export function turn(actor: LogActor, inputs: readonly LogInput[]): LogEffects {
  const replies: LogToRaft[] = [];
  for (const input of inputs) {
    if (actor.hasFailed) return nothing;
    if (input.kind === "failed") {
      actor.hasFailed = true;
      return { ...nothing, failure: { cause: input.cause } };
    }
    replies.push(...onInput(actor, input));
  }
  if (actor.hasFailed) return nothing;
  const { reads, write } = begin(actor);
  const sweep = actor.isDirty && !actor.sweeping;
  if (sweep) actor.sweeping = true;
  return { reads, write, replies, sweep, failure: null };
}

function onInput(actor: LogActor, input: Exclude<LogInput, { kind: "failed" }>): readonly LogToRaft[] {
  switch (input.kind) {
    case "received":
      actor.waiting.push(input.message);
      return [];
    case "entriesRead":
      return [answerRead(input.from, input.entries)];
    case "swept":
      assert(actor.sweeping, "a sweep is answered once");
      actor.sweeping = false;
      actor.isDirty = input.more;
      return [];
    case "written":
      return onWritten(actor, input.bytes);
  }
}

/** Answers every change of the write, in the order in which they were asked. */
function onWritten(actor: LogActor, bytes: number): readonly LogToRaft[] {
  assert(actor.writing !== null, "a write is answered once");
  const replies: LogToRaft[] = [];
  for (const change of actor.writing) {
    const reply = answerTo(change);
    if (reply !== null) replies.push(reply);
  }
  if (actor.writing.some(({ kind }) => kind === "compact" || kind === "reset")) actor.isDirty = true;
  actor.writing = null;
  if (Math.abs(bytes - actor.reportedBytes) <= actor.options.sizeStepBytes) return replies;
  actor.reportedBytes = bytes;
  replies.push({ kind: "size", bytes });
  return replies;
}

function answerTo(change: Change): LogToRaft | null {
  switch (change.kind) {
    case "append":
      return { kind: "persisted", writeId: change.writeId, term: change.term, lastIndex: change.lastIndex };
    case "reset":
      return { kind: "resetDone", snapshot: change.snapshot };
    case "compact":
    case "recordSnapshot":
      return null;
  }
}

function answerRead(from: number, entries: readonly PackedEntry[]): LogRead {
  return { kind: "entriesRead", from, entries: encodePacked(entries) };
}

/** Takes from what waits as much as may begin now: nothing while a write is under way, else reads up to one write. */
function begin(actor: LogActor): Pick<LogEffects, "reads" | "write"> {
  if (actor.writing !== null) return nothing;
  const reads: LogRange[] = [];
  const changes: Change[] = [];
  let bytes = 0;
  let taken = 0;
  for (const message of actor.waiting) {
    if (message.kind === "read") {
      if (changes.length > 0) break;
      reads.push({ from: message.from, to: message.to, bytesMax: message.bytesMax });
    } else {
      bytes += message.kind === "append" ? message.entries.byteLength : 0;
      if (changes.length > 0 && bytes > actor.options.writeBytesMax) break;
      changes.push(message);
    }
    taken += 1;
  }
  actor.waiting.splice(0, taken);
  if (changes.length === 0) return { reads, write: null };
  actor.writing = changes;
  return { reads, write: changes.map(toOperation) };
}

function toOperation(change: Change): LogOperation {
  if (change.kind !== "append") return change;
  const { kind, firstIndex, entries, hardState, term, lastIndex } = change;
  return { kind, firstIndex, entries: decodePacked(entries), hardState, term, lastIndex };
}
