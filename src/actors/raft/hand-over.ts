/**
 * @module
 * A leader that is about to stop hands leadership to the voter whose log reaches furthest (dissertation §3.10).
 */

import type { RaftState } from "../../raft/state.ts";
import { progressOf, statusOf } from "../../raft/status.ts";
import { step } from "../../raft/step.ts";

export function handOver(core: RaftState): void {
  const { role, configuration } = statusOf(core);
  if (role !== "leader") return;
  let best: { readonly id: string; readonly matchIndex: number } | null = null;
  for (const { id, matchIndex, recentActive } of progressOf(core)) {
    const isOtherVoter = id !== core.id && configuration.voters.includes(id);
    if (isOtherVoter && recentActive && (best === null || matchIndex > best.matchIndex)) best = { id, matchIndex };
  }
  if (best !== null) step(core, { kind: "transferLeadership", transferee: best.id });
}
