/**
 * @module
 * Log compaction and InstallSnapshot, as far as the core has a part in them (§7, Figure 13). The bytes of a
 * snapshot travel beside; the core decides when log and state stand at one.
 */

import { acknowledge, hearLeader } from "./append-entries.ts";
import { forgetApplying } from "./apply.ts";
import { assert } from "./assert.ts";
import { followCommit, progressOfMember } from "./commit.ts";
import { compactLog, resetLog } from "./log.ts";
import { switchConfiguration } from "./membership.ts";
import type { InstallSnapshotRequest } from "./message.ts";
import { becomeInstalling, becomeProbe } from "./progress.ts";
import type { RaftState } from "./state.ts";
import { termAt } from "./term-runs.ts";
import type { NodeId, SnapshotMetadata } from "./types.ts";
import { uncoverPendingWrites } from "./writes.ts";

/** A leader's snapshot has arrived whole. It is installed unless the log holds all of it already. */
export function onInstallSnapshotRequest(state: RaftState, { from, snapshot }: InstallSnapshotRequest): void {
  hearLeader(state, from);
  if (state.installing !== null) return;
  const { log } = state;
  const { lastIncludedIndex, lastIncludedTerm } = snapshot;
  // Figure 13, receiver 6: a log that reaches further and agrees keeps its entries.
  if (termAt(log, lastIncludedIndex) === lastIncludedTerm) followCommit(state, lastIncludedIndex);
  if (lastIncludedIndex <= log.commitIndex) return acknowledge(state, from, log.commitIndex);
  state.installing = snapshot;
  state.outbox.installSnapshot = snapshot;
}

/** Log and state stand at the snapshot, durably (Figure 13, receiver 7 and 8). */
export function onSnapshotInstalled(state: RaftState, snapshot: SnapshotMetadata): void {
  assert(
    state.installing?.lastIncludedIndex === snapshot.lastIncludedIndex,
    "only the snapshot that the core asked for is installed",
  );
  state.installing = null;
  state.snapshot = snapshot;
  state.bootScan = null;
  uncoverPendingWrites(state, 0);
  forgetApplying(state);
  resetLog(state.log, snapshot);
  switchConfiguration(state, snapshot.configuration);
  if (state.leaderId !== null) acknowledge(state, state.leaderId, snapshot.lastIncludedIndex);
}

/** The node's own state is durable up to there: older entries go, but for what followers that lag may want. */
export function onSnapshotTaken(state: RaftState, snapshot: SnapshotMetadata): void {
  const { log } = state;
  // One that was installed meanwhile stands for more.
  if (snapshot.lastIncludedIndex <= state.snapshot.lastIncludedIndex || state.installing !== null) return;
  assert(snapshot.lastIncludedIndex <= log.appliedIndex, "a snapshot holds what is applied");
  state.snapshot = snapshot;
  const compactTo = snapshot.lastIncludedIndex - state.options.trailingEntries;
  if (compactTo <= log.startIndex) return;
  compactLog(log, compactTo);
  state.outbox.compactTo = compactTo;
}

/** A snapshot that was sent has arrived, or will not. Its answer, or the next heartbeat's, goes on from here. */
export function onSnapshotSent(state: RaftState, to: NodeId, delivered: boolean): void {
  const progress = progressOfMember(state, to);
  if (progress === undefined || progress.kind !== "snapshot") return;
  if (delivered) {
    becomeInstalling(progress);
  } else {
    progress.pendingSnapshot = 0;
    becomeProbe(progress);
  }
  progress.paused = true;
  progress.due = "no";
}
