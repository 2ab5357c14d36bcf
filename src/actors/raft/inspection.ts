/**
 * @module
 * How far each member's log reaches: only the leader knows, so any other node asks it.
 */

import type { RaftState } from "../../raft/state.ts";
import { progressOf, statusOf } from "../../raft/status.ts";
import type { NodeId } from "../../raft/types.ts";
import type { MemberProgress } from "../protocol/ingress-raft.ts";
import type { RaftActorEffects } from "./input.ts";
import type { RaftActorState } from "./state.ts";

/** Ticks after which an ask that the leader has not answered is answered empty. */
const inspectionTicks = 10;

export function inspect(
  state: RaftActorState,
  core: RaftState,
  inspectId: number,
  effects: RaftActorEffects,
  nowMs: number,
): void {
  const { role, leaderId } = statusOf(core);
  if (role === "leader") {
    effects.toIngress.push({ kind: "inspected", inspectId, progress: ownView(state, core, nowMs) });
  } else if (leaderId === null) {
    effects.toIngress.push({ kind: "inspected", inspectId, progress: [] });
  } else {
    state.inspections.set(inspectId, inspectionTicks);
    effects.serviceToPeers.push({ to: leaderId, message: { kind: "inspectRequest", inspectId } });
  }
}

/**
 * The leader's view: who was heard within an election timeout, and answered it within one. A member that reaches
 * the leader and is not reached by it says much and is in no quorum. What it says of itself is what is durable here.
 */
export function ownView(state: RaftActorState, core: RaftState, nowMs: number): MemberProgress[] {
  if (statusOf(core).role !== "leader") return [];
  const { identity, options } = state.config;
  const heardSinceMs = nowMs - options.electionTimeoutTicks * options.tickMs;
  const isHeard = (id: NodeId): boolean => (state.heardAtMs.get(id) ?? Number.NEGATIVE_INFINITY) >= heardSinceMs;
  return progressOf(core).map(({ id, matchIndex, recentActive }) => ({
    id,
    matchIndex,
    healthy: id === identity.nodeId || (recentActive && isHeard(id)),
  }));
}

export function onInspected(
  state: RaftActorState,
  answer: { readonly inspectId: number; readonly progress: readonly MemberProgress[] },
  effects: RaftActorEffects,
): void {
  if (!state.inspections.delete(answer.inspectId)) return;
  effects.toIngress.push({ kind: "inspected", inspectId: answer.inspectId, progress: answer.progress });
}

export function expireInspections(state: RaftActorState, effects: RaftActorEffects): void {
  for (const [inspectId, ticksLeft] of state.inspections) {
    if (ticksLeft > 1) state.inspections.set(inspectId, ticksLeft - 1);
    else onInspected(state, { inspectId, progress: [] }, effects);
  }
}
