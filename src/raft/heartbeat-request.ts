/**
 * @module
 * A leader's heartbeats: they keep followers loyal, tell them the commit index, and confirm reads (§5.2).
 */

import { send } from "./send.ts";
import type { RaftState } from "./state.ts";

/** Sends one to every member, with the newest round that confirms reads or carries a lease. */
export function broadcastHeartbeat(state: RaftState): void {
  const { reads, log } = state;
  const isAnswerOfUse = reads.confirming.length > 0 || state.lease !== null;
  const readRound = isAnswerOfUse ? reads.round : 0;
  for (const progress of state.progress) {
    if (progress.id === state.id) continue;
    const leaderCommit = Math.min(progress.matchIndex, log.commitIndex);
    progress.sentCommit = Math.max(progress.sentCommit, leaderCommit);
    send(state, {
      kind: "heartbeatRequest",
      from: state.id,
      to: progress.id,
      term: state.currentTerm,
      leaderCommit,
      readRound,
    });
  }
}
