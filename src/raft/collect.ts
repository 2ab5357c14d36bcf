/**
 * @module
 * The end of a turn: all that the steps since the last one want done.
 */

import { takeApply } from "./apply.ts";
import { continueBootScan } from "./boot-scan.ts";
import { notePace } from "./commit-notice.ts";
import type { Effects } from "./effect.ts";
import { checkInvariants } from "./invariants.ts";
import { trimTail } from "./log.ts";
import { leaveWhenDone } from "./membership.ts";
import { beginReadRound } from "./read-index.ts";
import { sendDueAppends } from "./replication.ts";
import type { RaftState } from "./state.ts";
import { takeAppend, takeMessages } from "./writes.ts";

/** How a turn ends. */
export interface CollectOptions {
  /** Nobody waits for the state: what is committed may go to it a little later, with what follows. */
  readonly patient: boolean;
}

const impatient: CollectOptions = { patient: false };

/**
 * Gives every effect once. Call it after any number of steps, the more the fewer messages and writes: one
 * append, one read round, and as few AppendEntries a follower as its bounds allow.
 */
export function collect(state: RaftState, { patient }: CollectOptions = impatient): Effects {
  if (state.role === "leader") {
    beginReadRound(state);
    sendDueAppends(state);
    leaveWhenDone(state);
  }
  continueBootScan(state);
  const append = takeAppend(state);
  if (append !== null) notePace(state, append.entries.length);
  const messages = takeMessages(state);
  const apply = takeApply(state, patient);
  trimTail(state.log, state.options.tailBytesMax);

  const { outbox, configurationChanged } = state;
  const { installSnapshot, compactTo } = outbox;
  outbox.installSnapshot = null;
  outbox.compactTo = null;
  state.configurationChanged = false;
  checkInvariants(state);
  return {
    messages,
    append,
    apply,
    readEntries: drain(outbox.readEntries),
    sendSnapshots: drain(outbox.sendSnapshots),
    installSnapshot,
    compactTo,
    readsGranted: drain(outbox.readsGranted),
    readsRefused: drain(outbox.readsRefused),
    proposalsAccepted: drain(outbox.proposalsAccepted),
    proposalsRefused: drain(outbox.proposalsRefused),
    configurationChanged,
  };
}

/** Most turns leave most lists empty: those cost nothing. */
function drain<T>(items: T[]): readonly T[] {
  return items.length === 0 ? nothing : items.splice(0);
}

const nothing: readonly never[] = [];
