/**
 * @module
 * What a tick brings beside the core's own: asks that grew old, and a read index of the actor's own so that
 * this node knows how fresh it is.
 */

import { clusterTime } from "../../raft/append-own.ts";
import type { RaftState } from "../../raft/state.ts";
import { statusOf } from "../../raft/status.ts";
import { step } from "../../raft/step.ts";
import { onReadAsked } from "./freshness.ts";
import type { RaftActorEffects } from "./input.ts";
import { expireInspections } from "./inspection.ts";
import { ownReadTicks, type RaftActorState } from "./state.ts";

export function onTick(state: RaftActorState, effects: RaftActorEffects, nowMs: number): void {
  expireInspections(state, effects);
  if (state.core === null) return;
  step(state.core, { kind: "tick" });
  tellTime(state.core, state.config.options.tickMs, effects);
  state.ticksSinceOwnRead += 1;
  const askedLately = nowMs - state.freshness.newestAskMs < ownReadTicks * state.config.options.tickMs;
  if (state.ticksSinceOwnRead < ownReadTicks || askedLately) return;
  // One ask of ours at a time: without a leader the core would gather them.
  if (state.freshness.asked.has(state.ownReadId)) return;
  state.ticksSinceOwnRead = 0;
  state.ownReadId += 1;
  onReadAsked(state.freshness, state.ownReadId, nowMs);
  step(state.core, { kind: "readIndex", readId: state.ownReadId });
}

/**
 * To the leader's own store, which ends leases and cuts the history when their time has come.
 *
 * An entry is stamped with the tick that it follows, and may be made just before the next one. So the store is told of
 * a tick when the next one comes: a lease has had its whole time then, wherever between two ticks it was renewed.
 */
function tellTime(core: RaftState, tickMs: number, effects: RaftActorEffects): void {
  const { role, term } = statusOf(core);
  if (role === "leader") effects.toStore.push({ kind: "time", term, time: Math.max(0, clusterTime(core) - tickMs) });
}
