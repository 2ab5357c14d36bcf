/**
 * @module
 * The store's turn: inputs in, effects out. It executes what is committed, in order, one batch at a time, and
 * says so once the batch is readable (Figure 2, lastApplied).
 *
 * No threads, disk or clock: rows are read through `RowReader`, all else is an effect that an input answers.
 */

import { crc32 } from "node:zlib";
import { assert } from "../../errors/assert.ts";
import { StorageError } from "../../errors/balsa-error.ts";
import { applyBatch, type MachineEntry, type OwnResult } from "../../kv/machine.ts";
import { resultToWire } from "../../kv/result.ts";
import { isHistoryTooLarge, isTooOld, planTrim, type StoredChunk } from "../../kv/trim.ts";
import type { RaftToStore } from "../protocol/raft-store.ts";
import type { WireResult } from "../protocol/store-ingress.ts";
import type { Generation, StoreEffects, StoreInput } from "./input.ts";
import { machineEntries } from "./machine-entries.ts";
import { collectEffects, type StoreState } from "./state.ts";

/** Keys that the commands of one batch name together: entries alone do not bound a turn when each names thousands. */
export const batchKeysMax = 4096;

/** Steps through `inputs`, then begins the next batch if none is being written. */
export function turn(state: StoreState, inputs: readonly StoreInput[]): StoreEffects {
  for (const input of inputs) onInput(state, input);
  beginBuild(state);
  beginTrim(state);
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
    case "historyRead":
      return onHistoryRead(state, input.chunks);
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
      for (const entry of entries) state.waiting.push(entry);
      return;
    }
    case "leading":
      // Nothing that the state holds so far is due at a time.
      return;
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

function onWritten(state: StoreState): void {
  const { writing } = state;
  assert(writing !== null, "a write is under way when one is done");
  state.writing = null;
  const { meta } = writing;
  const isNews = meta.appliedIndex > state.meta.appliedIndex;
  state.meta = meta;
  state.outbox.applied = meta;
  if (!isNews) return;
  state.outbox.toIngress.push({
    kind: "batchApplied",
    appliedIndex: meta.appliedIndex,
    appliedTerm: meta.appliedTerm,
    revision: meta.revision,
    results: writing.results.map(wireResult),
  });
  state.outbox.toRaft.push({ kind: "applied", index: meta.appliedIndex });
}

function wireResult({ sequence, revision, result }: OwnResult): WireResult {
  return [sequence, revision, ...resultToWire(result)];
}

function beginBatch(state: StoreState): void {
  const { options, generation } = state;
  if (state.writing !== null || isInstalling(state)) return;
  if (state.waiting.length === 0 && state.trim === null) return;
  const entries = state.waiting.splice(0, entriesOfBatch(state.waiting, options.batchEntriesMax));
  const batch = applyBatch(state.meta, generation.reader, entries, {
    origin: options.origin,
    crc32,
    trim: state.trim,
  });
  state.trim = null;
  state.writing = batch;
  state.outbox.applying = batch.meta;
  state.outbox.write = batch;
}

/** How many entries the next batch takes: a command is never split, so one of many keys goes alone. */
function entriesOfBatch(waiting: readonly MachineEntry[], entriesMax: number): number {
  let keys = 0;
  let taken = 0;
  for (const entry of waiting) {
    keys += keysOf(entry);
    if (taken === entriesMax || (taken > 0 && keys > batchKeysMax)) break;
    taken++;
  }
  return taken;
}

function keysOf(entry: MachineEntry): number {
  if (entry.kind !== "command") return 0;
  const { operation } = entry.command;
  return operation.kind === "putAll" ? operation.pairs.length : 1;
}

/** The history is cut a few chunks at a time, each time with a batch. */
function beginTrim(state: StoreState): void {
  const { meta, options, oldestTime } = state;
  if (state.readingHistory || state.trim !== null || state.writing !== null || isInstalling(state)) return;
  if (meta.historyBytes === 0) return;
  const mayBeTooOld = oldestTime === null || isTooOld(oldestTime, meta, options.limits);
  const hasRevisionsToSpare = meta.revision - meta.historyFrom > options.limits.revisionsMin;
  if (!isHistoryTooLarge(meta, options.limits) && !(mayBeTooOld && hasRevisionsToSpare)) return;
  state.readingHistory = true;
  state.outbox.tasks.push({ kind: "readHistory", fromRevision: meta.historyFrom });
}

function onHistoryRead(state: StoreState, chunks: readonly StoredChunk[]): void {
  state.readingHistory = false;
  if (isInstalling(state)) return;
  if (chunks.length === 0) throw new StorageError("the history has lost the chunks that its size counts");
  const { trim, keptTime } = planTrim(state.meta, chunks, state.options.limits, crc32);
  state.trim = trim;
  state.oldestTime = keptTime;
}

/** One that only waits for the disk to finish with the old generation has not begun. */
function isInstalling(state: StoreState): boolean {
  return state.installation !== null && state.installation.kind !== "asked";
}

function beginBuild(state: StoreState): void {
  const { installation } = state;
  if (installation?.kind !== "asked" || state.writing !== null || state.readingHistory) return;
  // What waits is in the snapshot too: raft has handed over nothing above it. Its results are lost with it, as
  // `overtakenTerm` tells ingress.
  assert(
    state.receivedIndex <= installation.snapshot.lastIncludedIndex,
    "a snapshot is not older than what is committed",
  );
  state.waiting = [];
  state.trim = null;
  state.installation = { kind: "building", snapshot: installation.snapshot };
  state.outbox.tasks.push({ kind: "build", snapshot: installation.snapshot });
}

function onBuilt(state: StoreState, generation: Generation): void {
  const { installation } = state;
  assert(installation?.kind === "building", "a generation is built when one was asked for");
  const { snapshot } = installation;
  assert(
    generation.meta.appliedIndex === snapshot.lastIncludedIndex,
    "the generation stands where the snapshot that it was made from does",
  );
  state.installation = { kind: "entering", snapshot, generation };
  state.outbox.toIngress.push({
    kind: "generationReady",
    generation: generation.generation,
    path: generation.path,
    overtakenTerm: snapshot.lastIncludedTerm,
  });
}

/** Only now does anyone learn that more is applied: whoever waits for it reads the new generation (design: "Generations"). */
function onGenerationEntered(state: StoreState, entered: number): void {
  const { installation } = state;
  if (installation?.kind !== "entering" || installation.generation.generation !== entered) return;
  const { generation, snapshot } = installation;
  const { meta } = generation;
  state.generation = generation;
  state.meta = meta;
  state.receivedIndex = meta.appliedIndex;
  state.oldestTime = null;
  state.snapshotIndex = Math.max(state.snapshotIndex, snapshot.lastIncludedIndex);
  state.installation = null;
  state.outbox.applying = meta;
  state.outbox.applied = meta;
  state.outbox.toIngress.push({
    kind: "batchApplied",
    appliedIndex: meta.appliedIndex,
    appliedTerm: meta.appliedTerm,
    revision: meta.revision,
    results: [],
  });
  state.outbox.toRaft.push({ kind: "snapshotInstalled", snapshot });
  state.outbox.tasks.push({ kind: "retire", kept: generation.generation });
}
