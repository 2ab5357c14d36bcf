/**
 * @module
 * A follower that needs entries which are compacted gets the leader's newest snapshot instead (§7).
 */

import { assert } from "./assert.ts";
import type { Message } from "./message.ts";
import { becomeSnapshot, type Progress } from "./progress.ts";
import type { RaftState } from "./state.ts";

/** Nothing goes to a member that has not been heard lately: snapshots are large. */
export function sendSnapshot(state: RaftState, progress: Progress): void {
  if (!progress.recentActive) return;
  const { snapshot, log } = state;
  assert(snapshot.lastIncludedIndex >= log.startIndex, "a durable snapshot stands for all that is compacted");
  becomeSnapshot(progress, snapshot.lastIncludedIndex);
  const message: Message = {
    kind: "installSnapshotRequest",
    from: state.id,
    to: progress.id,
    term: state.currentTerm,
    snapshot,
  };
  state.outbox.sendSnapshots.push({ to: progress.id, message });
}
