/**
 * @module
 * The store's turn: inputs in, effects out.
 *
 * No threads, disk or clock: rows are read through `RowReader`, all else is an effect that an input answers.
 */

import { assert } from "../../errors/assert.ts";
import type { RaftToStore } from "../protocol/raft-store.ts";
import { beginBatch, onRowsRead, onWritten } from "./batch.ts";
import { beginExpiry, onDueRead, onLeading, onTime } from "./expiry.ts";
import { beginTrim, onHistoryRead } from "./history.ts";
import type { StoreEffects, StoreInput } from "./input.ts";
import { beginBuild, onBuilt, onGenerationEntered } from "./installation.ts";
import { machineEntries } from "./machine-entries.ts";
import { collectEffects, type StoreState } from "./state.ts";

/** Steps through `inputs`, then begins the next batch if none is being written. */
export function turn(state: StoreState, inputs: readonly StoreInput[]): StoreEffects {
  for (const input of inputs) onInput(state, input);
  beginBuild(state);
  beginTrim(state);
  beginExpiry(state);
  beginBatch(state);
  return collectEffects(state);
}

function onInput(state: StoreState, input: StoreInput): void {
  switch (input.kind) {
    case "raft":
      return onRaftMessage(state, input.message);
    case "ingress":
      return onGenerationEntered(state, input.message.generation);
    case "written":
      return onWritten(state);
    case "rowsRead":
      return onRowsRead(state, input.pieces);
    case "historyRead":
      return onHistoryRead(state, input.chunks);
    case "dueRead":
      return onDueRead(state, input.rows);
    case "snapshotMade":
      state.makingSnapshot = false;
      if (input.snapshot !== null)
        state.snapshotIndex = Math.max(state.snapshotIndex, input.snapshot.lastIncludedIndex);
      state.outbox.toRaft.push({ kind: "snapshotTaken", snapshot: input.snapshot, bytes: input.bytes });
      return;
    case "chunkRead":
      state.outbox.toRaft.push(input.chunk);
      return;
    case "chunkStored":
      state.outbox.toRaft.push(input.verdict);
      return;
    case "built":
      return onBuilt(state, input.generation);
  }
}

function onRaftMessage(state: StoreState, message: RaftToStore): void {
  switch (message.kind) {
    case "apply": {
      assert(message.firstIndex === state.receivedIndex + 1, "raft hands over committed entries in order, each once");
      const entries = machineEntries(message);
      state.receivedIndex += entries.length;
      if (message.awaited) state.awaited.push(state.receivedIndex);
      for (const entry of entries) state.waiting.push(entry);
      return;
    }
    case "leading":
      return onLeading(state, message);
    case "time":
      return onTime(state, message);
    case "takeSnapshot":
      return onTakeSnapshot(state);
    case "readSnapshotChunk":
      state.outbox.tasks.push({ kind: "readChunk", message });
      return;
    case "storeSnapshotChunk":
      state.outbox.tasks.push({ kind: "storeChunk", message });
      return;
    case "keepSnapshot":
      state.outbox.tasks.push({ kind: "keepSnapshot", snapshot: message.snapshot });
      return;
    case "installSnapshot":
      assert(state.installation === null, "raft installs one snapshot at a time");
      state.installation = { kind: "asked", snapshot: message.snapshot };
      return;
  }
}

function onTakeSnapshot(state: StoreState): void {
  const hasNothingNew = state.meta.appliedIndex <= state.snapshotIndex;
  if (state.makingSnapshot || state.installation !== null || hasNothingNew) {
    state.outbox.toRaft.push({ kind: "snapshotTaken", snapshot: null, bytes: 0 });
    return;
  }
  state.makingSnapshot = true;
  state.outbox.tasks.push({ kind: "makeSnapshot" });
}
