/**
 * @module
 * Installing a snapshot: the next generation is built and entered by ingress before anyone learns that more is
 * applied (design: "Generations").
 */

import { assert } from "../../errors/assert.ts";
import type { Generation } from "./input.ts";
import type { StoreState } from "./state.ts";

export function beginBuild(state: StoreState): void {
  const { installation } = state;
  const isBusy = state.writing !== null || state.readingHistory || state.readingRows;
  if (installation?.kind !== "asked" || isBusy) return;
  // What waits is in the snapshot too: raft has handed over nothing above it. Its results are lost with it, as
  // `overtakenTerm` tells ingress.
  assert(
    state.receivedIndex <= installation.snapshot.lastIncludedIndex,
    "a snapshot is not older than what is committed",
  );
  state.waiting = [];
  state.awaited = [];
  state.readAhead.clear();
  state.trim = null;
  state.installation = { kind: "building", snapshot: installation.snapshot };
  state.outbox.tasks.push({ kind: "build", snapshot: installation.snapshot });
}

export function onBuilt(state: StoreState, generation: Generation): void {
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
export function onGenerationEntered(state: StoreState, entered: number): void {
  const { installation } = state;
  if (installation?.kind !== "entering" || installation.generation.generation !== entered) return;
  const { generation, snapshot } = installation;
  const { meta } = generation;
  state.generation = generation;
  state.meta = meta;
  state.receivedIndex = meta.appliedIndex;
  state.toldTerm = meta.appliedTerm;
  state.oldest = null;
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
