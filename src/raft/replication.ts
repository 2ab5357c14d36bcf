/**
 * @module
 * How a leader brings the followers' logs up to its own (§5.3): appends, pipelined within a window.
 *
 * Handlers only say that something is due; it is sent once a turn, so that all that came in together leaves
 * in one append a follower, at the same time as it goes to the leader's own disk (dissertation §10.2.1).
 */

import { askEntries } from "./ask-entries.ts";
import { isFull } from "./inflights.ts";
import { bytesOf, sliceLog } from "./log.ts";
import { isPaused, noteSent, type Progress } from "./progress.ts";
import { send } from "./send.ts";
import { sendSnapshot } from "./send-snapshot.ts";
import type { RaftState } from "./state.ts";
import { termAt } from "./term-runs.ts";
import type { Entry } from "./types.ts";

/** Sends every follower what is due to it, as far as its window allows. */
export function sendDueAppends(state: RaftState): void {
  for (const progress of state.progress) {
    const { due } = progress;
    if (due === "no") continue;
    progress.due = "no";
    if (progress.id === state.id) continue;
    let sent = sendAppend(state, progress, due === "always");
    while (sent) sent = sendAppend(state, progress, false);
  }
}

/** Sends entries that were read back from disk and still follow what the member has. */
export function sendReadEntries(state: RaftState, progress: Progress, entries: readonly Entry[]): void {
  const previousTerm = termAt(state.log, progress.nextIndex - 1);
  if (isPaused(progress) || progress.installing || previousTerm === null) return;
  sendEntries(state, progress, { previousTerm, entries });
}

/** False when nothing was sent: all is there, the member has to answer first, or the entries are on disk. */
function sendAppend(state: RaftState, progress: Progress, sendIfEmpty: boolean): boolean {
  const { log, options } = state;
  if (isPaused(progress)) return false;
  const { nextIndex } = progress;
  const previousTerm = termAt(log, nextIndex - 1);
  if (previousTerm === null) {
    sendSnapshot(state, progress);
    return false;
  }
  let entries: readonly Entry[] = [];
  if (nextIndex <= log.lastIndex && !progress.installing && !isWindowFull(progress)) {
    if (nextIndex < log.tailFirst) {
      if (progress.awaitedFrom !== nextIndex) {
        progress.awaitedFrom = nextIndex;
        askEntries(state, nextIndex, log.tailFirst);
      }
      return false;
    }
    entries = sliceLog(log, nextIndex, log.lastIndex + 1, options.appendBytesMax);
  }
  if (entries.length === 0 && !sendIfEmpty) return false;
  sendEntries(state, progress, { previousTerm, entries });
  return true;
}

function sendEntries(
  state: RaftState,
  progress: Progress,
  { previousTerm, entries }: { readonly previousTerm: number; readonly entries: readonly Entry[] },
): void {
  send(state, {
    kind: "appendEntriesRequest",
    from: state.id,
    to: progress.id,
    term: state.currentTerm,
    prevLogIndex: progress.nextIndex - 1,
    prevLogTerm: previousTerm,
    entries,
    leaderCommit: state.log.commitIndex,
  });
  progress.sentCommit = state.log.commitIndex;
  noteSent(progress, entries.length, bytesOf(entries));
}

/** A full window that is not paused may still be asked, by an append without entries, where it stands. */
function isWindowFull(progress: Progress): boolean {
  return progress.kind === "replicate" && isFull(progress.inflights);
}
