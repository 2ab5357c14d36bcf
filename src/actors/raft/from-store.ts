/**
 * @module
 * What the store says: what is applied, and how snapshots fare. Chunks on their way to or from a peer are
 * the thread's own business and do not come here.
 */

import { unreachable } from "../../errors/assert.ts";
import { statusOf } from "../../raft/status.ts";
import { step } from "../../raft/step.ts";
import type { LogIndex } from "../../raft/types.ts";
import type { StoreToRaft } from "../protocol/raft-store.ts";
import { onOwnMark } from "./comparison.ts";
import { onAppliedTo } from "./freshness.ts";
import type { RaftActorEffects } from "./input.ts";
import { bootWhenOpened } from "./start-core.ts";
import { ownProposalId, type RaftActorState, startedCore } from "./state.ts";

export function onStore(state: RaftActorState, message: StoreToRaft, effects: RaftActorEffects): void {
  switch (message.kind) {
    case "opened":
      state.storeOpened = message;
      return bootWhenOpened(state, effects);
    case "applied":
      // The board has shown it already; this message is what woke the actor.
      return onAppliedSeen(state, message.index);
    case "snapshotTaken":
      return onSnapshotTaken(state, message, effects);
    case "snapshotInstalled":
      return onSnapshotInstalled(state, message, effects);
    case "storeProposal": {
      const core = startedCore(state);
      // It belongs to a leader. Who is none any more does not hand it on: the next leader's store knows as well.
      if (statusOf(core).role !== "leader") return;
      const proposal = { kind: "commands", commands: [message.command] } as const;
      return step(core, { kind: "propose", proposalId: ownProposalId, proposal });
    }
    case "stateMarked":
      return onOwnMark(state, startedCore(state), message.mark, effects);
    case "snapshotChunk":
    case "snapshotChunkStored":
      return;
    default:
      unreachable(message);
  }
}

/**
 * Takes note of how far the state has come.
 *
 * Late is safe: the index only bounds what is under way and what may be compacted, and the configuration counts from
 * when it is noted. What must not wait for the next turn is awaited (`Apply`). While a snapshot is installed the
 * state may show an index of which the core has not heard yet; then only `snapshotInstalled` counts.
 */
export function onAppliedSeen(state: RaftActorState, index: LogIndex): void {
  const { core } = state;
  if (core === null || core.installing !== null || index <= state.appliedIndex) return;
  state.appliedIndex = index;
  onAppliedTo(state.freshness, index);
  step(core, { kind: "applied", index });
}

function onSnapshotTaken(
  state: RaftActorState,
  message: Extract<StoreToRaft, { kind: "snapshotTaken" }>,
  effects: RaftActorEffects,
): void {
  state.snapshotUnderWay = false;
  if (message.snapshot === null) return;
  // One that was installed meanwhile stands for more; the file of this one may be gone already.
  if (message.snapshot.lastIncludedIndex <= (state.newestSnapshot?.lastIncludedIndex ?? 0)) return;
  state.snapshotBytes = message.bytes;
  state.logBytesLeast = state.logBytes;
  state.newestSnapshot = message.snapshot;
  effects.toLog.push({ kind: "recordSnapshot", snapshot: message.snapshot });
  step(startedCore(state), { kind: "snapshotTaken", snapshot: message.snapshot });
}

function onSnapshotInstalled(
  state: RaftActorState,
  message: Extract<StoreToRaft, { kind: "snapshotInstalled" }>,
  effects: RaftActorEffects,
): void {
  const { snapshot } = message;
  state.appliedIndex = snapshot.lastIncludedIndex;
  state.newestSnapshot = snapshot;
  state.logBytesLeast = 0;
  state.handedOnConfiguration = snapshot.configuration;
  if (state.core !== null) {
    step(state.core, { kind: "snapshotInstalled", snapshot });
    onAppliedTo(state.freshness, snapshot.lastIncludedIndex);
    return;
  }
  // At the start: the state had to be brought up to where the log begins.
  const { lastIncludedIndex: appliedIndex, lastIncludedTerm: appliedTerm, configuration } = snapshot;
  state.storeOpened = { kind: "opened", appliedIndex, appliedTerm, configuration };
  bootWhenOpened(state, effects);
}
