/**
 * @module
 * Where this node's raft stands, for everybody to see.
 */

import type { Board } from "../../actor/board.ts";
import { roleNumbers } from "../protocol/role-number.ts";
import type { RaftActorState } from "./state.ts";

export function showOnBoard(
  { core, freshness, comparison }: RaftActorState,
  board: Board,
  peerQueueBytes: number,
): void {
  if (core === null) return;
  const { log } = core;
  if (board.get("term") !== core.currentTerm) board.add("termsSeen", 1);
  if (core.role !== "leader" || board.get("role") === roleNumbers.leader) board.set("role", roleNumbers[core.role]);
  else {
    board.add("elections", 1);
    board.set("role", roleNumbers.leader);
  }
  board.set("term", core.currentTerm);
  board.set("leaderKnown", core.leaderId === null ? 0 : 1);
  board.set("commitIndex", log.commitIndex);
  board.set("lastLogIndex", log.lastIndex);
  board.set("persistedIndex", log.persistedIndex);
  board.set("snapshotIndex", core.snapshot.lastIncludedIndex);
  board.set("freshAtMs", Math.floor(freshness.freshAtMs));
  board.set("peerQueueBytes", peerQueueBytes);
  board.set("stateMismatches", comparison.alarms.length);
  // Last: by it others know that the cells above say something.
  board.set("raftStarted", 1);
}
