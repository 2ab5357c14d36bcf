/**
 * @module
 * What goes to the disk, what waits for it, and what an acknowledgement proves (Figure 2, persistent state).
 *
 * Hard state is compared with what was written last, here and nowhere else, so that no handler can forget it.
 */

import { assert, itemAt } from "./assert.ts";
import type { Append } from "./effect.ts";
import { lastEntryId, sliceLog } from "./log.ts";
import type { Message } from "./message.ts";
import type { RaftState } from "./state.ts";
import type { EntryId, HardState, LogIndex, Term, WriteId } from "./types.ts";

/** Everything that is not handed to the disk yet, as one write; null when there is nothing. */
export function takeAppend(state: RaftState): Append | null {
  const { log, writes } = state;
  const hardState = changedHardState(state);
  const from = log.writtenIndex + 1;
  const entries = from > log.lastIndex ? [] : sliceLog(log, from, log.lastIndex + 1, Number.POSITIVE_INFINITY);
  if (hardState === null && entries.length === 0) return null;

  writes.lastWriteId += 1;
  if (hardState !== null) {
    if (hardState.currentTerm !== writes.emittedHardState.currentTerm) writes.termWriteId = writes.lastWriteId;
    writes.emittedHardState = hardState;
  }
  log.writtenIndex = log.lastIndex;
  const { lastWriteId: writeId } = writes;
  const { currentTerm } = state;
  const snapshot = snapshotOnDisk(state);
  assert(snapshot === null || entries.length === 0, "nothing is appended while a snapshot is installed");
  const { term, index: lastIndex } = snapshot ?? lastEntryId(log);
  // Behind a reset a write proves nothing of the log that is still in memory, and needs not of the one to come.
  const coveredIndex = snapshot === null ? lastIndex : 0;
  writes.pending.push({ writeId, term, lastIndex, currentTerm, coveredIndex });
  return { writeId, term, lastIndex, hardState, entries };
}

/**
 * The messages that may leave now, in order. Called after `takeAppend`: what must wait for that write is kept.
 */
export function takeMessages(state: RaftState): Message[] {
  const { outbox, writes } = state;
  const ready = writes.held.length === 0 ? [] : releaseHeld(state);
  hold(state, outbox.messages, writes.termWriteId, ready);
  hold(state, outbox.afterWrite, writes.lastWriteId, ready);
  return ready;
}

/**
 * Takes note that a write, and all before it, is durable. An acknowledgement proves only the entries that
 * were not overwritten after the write was handed out: the same index may hold another term by now, or even
 * the same entry again, whose own write is still to come.
 */
export function notePersisted(
  state: RaftState,
  acknowledged: { readonly writeId: WriteId; readonly term: Term; readonly lastIndex: LogIndex },
): void {
  const { log, writes } = state;
  assert(acknowledged.writeId <= writes.lastWriteId, "only writes that were handed out are acknowledged");
  while (writes.pending.length > 0 && itemAt(writes.pending, 0).writeId <= acknowledged.writeId) {
    const write = itemAt(writes.pending, 0);
    if (write.writeId === acknowledged.writeId) {
      const isSame = write.term === acknowledged.term && write.lastIndex === acknowledged.lastIndex;
      assert(isSame, "an acknowledgement repeats the end of its write");
    }
    writes.pending.shift();
    writes.persistedWriteId = write.writeId;
    writes.durableTerm = write.currentTerm;
    log.persistedIndex = Math.max(log.persistedIndex, write.coveredIndex);
  }
}

/** Entries from `index` on are overwritten: no write under way can prove them any more. */
export function uncoverPendingWrites(state: RaftState, index: LogIndex): void {
  for (const write of state.writes.pending) write.coveredIndex = Math.min(write.coveredIndex, index - 1);
}

/**
 * Where the log on disk ends for a write of now, when that is not where the one in memory does: at the snapshot that
 * is being installed. The reset goes to the disk after the write of its own turn, and before all later ones.
 */
function snapshotOnDisk({ installing, outbox }: RaftState): EntryId | null {
  if (installing === null || outbox.installSnapshot !== null) return null;
  return { term: installing.lastIncludedTerm, index: installing.lastIncludedIndex };
}

function changedHardState(state: RaftState): HardState | null {
  const { currentTerm, votedFor } = state;
  const { emittedHardState } = state.writes;
  const isSame = currentTerm === emittedHardState.currentTerm && votedFor === emittedHardState.votedFor;
  return isSame ? null : { currentTerm, votedFor };
}

function releaseHeld(state: RaftState): Message[] {
  const { writes } = state;
  const ready: Message[] = [];
  const kept = writes.held.filter((held) => {
    if (held.writeId > writes.persistedWriteId) return true;
    ready.push(held.message);
    return false;
  });
  writes.held = kept;
  return ready;
}

/** Moves messages to those that are ready, or to those held until `writeId` is durable. */
function hold(state: RaftState, messages: Message[], writeId: WriteId, ready: Message[]): void {
  const { writes } = state;
  const isDurable = writeId <= writes.persistedWriteId;
  for (const message of messages) {
    if (isDurable) ready.push(message);
    else writes.held.push({ writeId, message });
  }
  messages.length = 0;
}
