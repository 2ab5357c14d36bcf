/**
 * @module
 * From what the core wants to what goes out on each edge.
 */

import { assert } from "../../errors/assert.ts";
import { hasMoreToApply } from "../../raft/apply.ts";
import { changed } from "../../raft/configuration.ts";
import type { Effects } from "../../raft/effect.ts";
import type { Configuration, Entry, SnapshotMetadata } from "../../raft/types.ts";
import { onAppliedTo, onReadGivenUp, onReadGranted } from "./freshness.ts";
import type { RaftActorEffects } from "./input.ts";
import { ownProposalId, ownReadIdsFrom, type RaftActorState, startedCore } from "./state.ts";

export function applyEffects(state: RaftActorState, core: Effects, effects: RaftActorEffects): void {
  toLog(state, core, effects);
  toPeers(state, core, effects);
  toStore(state, core, effects);
  toIngress(state, core, effects);
}

function toLog(state: RaftActorState, core: Effects, effects: RaftActorEffects): void {
  const { append, readEntries, installSnapshot, compactTo } = core;
  if (append !== null) {
    const { writeId, term, lastIndex, hardState, entries } = append;
    const firstIndex = entries[0]?.index ?? lastIndex + 1;
    const packed = state.packed.pack(entries);
    effects.toLog.push({ kind: "append", writeId, term, lastIndex, hardState, firstIndex, entries: packed });
  }
  for (const ask of readEntries) effects.toLog.push({ kind: "read", ...ask });
  // After the append: that one still ends where the log did before the snapshot.
  if (installSnapshot !== null) effects.toLog.push({ kind: "reset", snapshot: installSnapshot });
  if (compactTo !== null) effects.toLog.push({ kind: "compact", index: compactTo, snapshot: newestSnapshot(state) });
}

function toPeers(state: RaftActorState, core: Effects, effects: RaftActorEffects): void {
  for (const message of core.messages) {
    const entries = message.kind === "appendEntriesRequest" ? state.packed.pack(message.entries) : undefined;
    effects.toPeers.push({ message, entries });
  }
  for (const { to, message } of core.sendSnapshots) {
    assert(message.kind === "installSnapshotRequest", "a snapshot goes with the message that offers it");
    state.lastTransfer += 1;
    state.transfers.set(to, state.lastTransfer);
    effects.sendSnapshots.push({ to, transfer: state.lastTransfer, message, snapshot: message.snapshot });
  }
}

function toStore(state: RaftActorState, core: Effects, effects: RaftActorEffects): void {
  const first = core.apply[0];
  if (first === undefined) return;
  const entries = state.packed.pack(core.apply);
  const configurations = configurationsAfter(state, core.apply);
  const started = startedCore(state);
  const isHalfFull = started.applying.bytes > started.options.applyingBytesMax / 2;
  // Members change when they are applied, and more is handed on when there is room: neither may wait for a tick.
  const awaited = configurations.length > 0 || isHalfFull || hasMoreToApply(started);
  effects.toStore.push({ kind: "apply", firstIndex: first.index, entries, configurations, awaited });
}

/** The configuration after each change among the entries: the state keeps the newest beside its data. */
function configurationsAfter(state: RaftActorState, entries: readonly Entry[]): Configuration[] {
  const configurations: Configuration[] = [];
  for (const entry of entries) {
    if (entry.kind !== "configuration") continue;
    state.handedOnConfiguration = changed(state.handedOnConfiguration, entry.change);
    configurations.push(state.handedOnConfiguration);
  }
  return configurations;
}

function toIngress(state: RaftActorState, core: Effects, effects: RaftActorEffects): void {
  for (const grant of core.readsGranted) {
    onReadGranted(state.freshness, grant);
    if (grant.readId < ownReadIdsFrom) effects.toIngress.push({ kind: "readGranted", ...grant });
  }
  if (core.readsGranted.length > 0) onAppliedTo(state.freshness, state.appliedIndex);
  for (const readId of core.readsRefused) {
    onReadGivenUp(state.freshness, readId);
    if (readId < ownReadIdsFrom) effects.toIngress.push({ kind: "readRefused", readId });
  }
  for (const accepted of core.proposalsAccepted)
    if (accepted.proposalId !== ownProposalId) effects.toIngress.push({ kind: "proposalAccepted", ...accepted });
  for (const refused of core.proposalsRefused)
    if (refused.proposalId !== ownProposalId) effects.toIngress.push({ kind: "proposalRefused", ...refused });
}

function newestSnapshot(state: RaftActorState): SnapshotMetadata {
  assert(state.newestSnapshot !== null, "the log is compacted only under a snapshot");
  return state.newestSnapshot;
}
