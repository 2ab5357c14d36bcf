/**
 * @module
 * What a turn of the store has decided, carried out in the order that others rely on: the board before the messages that
 * speak of it.
 */

import type { Board } from "../../actor/board.ts";
import type { AppliedBatch } from "../../kv/machine.ts";
import type { StateMeta } from "../../kv/meta.ts";
import type { StoreToRaft } from "../protocol/raft-store.ts";
import type { StoreToIngress } from "../protocol/store-ingress.ts";
import type { StoreEffects, StoreTask } from "./input.ts";

/** What the store's owner lends it. Nothing here waits; writes and tasks are answered by inputs of later turns. */
export interface StoreHands {
  readonly board: Board;
  /** Monotonic, the same for all threads of the process. */
  readonly nowMs: () => number;
  readonly write: (batch: AppliedBatch) => void;
  readonly toRaft: (messages: readonly StoreToRaft[]) => void;
  readonly toIngress: (messages: readonly StoreToIngress[]) => void;
  readonly begin: (task: StoreTask) => void;
}

export function carryOut(effects: StoreEffects, hands: StoreHands): void {
  const { board } = hands;
  if (effects.applied !== null) showApplied(board, effects.applied, hands.nowMs());
  if (effects.applying !== null) showApplying(board, effects.applying);
  if (effects.write !== null) hands.write(effects.write);
  hands.toRaft(effects.toRaft);
  hands.toIngress(effects.toIngress);
  // Read after `appliedIndex` was shown, and ingress looks there after it has shown that it waits: one of the two sees.
  if (effects.progress !== null && board.get("stateAwaited") === 1) hands.toIngress([effects.progress]);
  for (const task of effects.tasks) hands.begin(task);
}

/** Before the batch is written. */
function showApplying(board: Board, meta: StateMeta): void {
  board.set("revisionApplying", meta.revision);
}

/**
 * Once the batch is readable. Readers take `compactedRevision` for a revision that they can see; and rows of deleted
 * keys go only with later batches, up to what it says by then (`RowStateView`).
 */
function showApplied(board: Board, meta: StateMeta, nowMs: number): void {
  board.set("revisionApplied", meta.revision);
  board.set("compactedRevision", meta.compactedRevision);
  board.set("stateHash", meta.stateHash);
  board.set("historyBytes", meta.historyBytes);
  board.set("leases", meta.leases);
  board.set("sessions", meta.sessionsEnd - meta.sessionsFrom);
  board.set("sessionBytes", meta.sessionBytes);
  board.set("appliedAtUs", Math.round(nowMs * 1000));
  board.set("appliedIndex", meta.appliedIndex);
}
