/**
 * @module
 * Who leads and who belongs, told to those who want to know when it changes.
 */

import type { RaftState } from "../../raft/state.ts";
import { statusOf } from "../../raft/status.ts";
import { onStandingChanged } from "./comparison.ts";
import type { RaftActorEffects } from "./input.ts";
import type { RaftActorState } from "./state.ts";

export function showStatus(state: RaftActorState, core: RaftState, effects: RaftActorEffects): void {
  const { role, term, leaderId, configuration, removed } = statusOf(core);
  const shown = state.shown;
  if (shown === null || shown.configuration !== configuration) effects.peers = configuration;
  if (
    shown !== null &&
    shown.role === role &&
    shown.term === term &&
    shown.leaderId === leaderId &&
    shown.configuration === configuration &&
    shown.removed === removed
  ) {
    return;
  }
  state.shown = { kind: "leadershipChanged", role, term, leaderId, configuration, removed };
  effects.toIngress.push(state.shown);
  onStandingChanged(state, core, effects);
  const leadingTerm = role === "leader" ? term : null;
  if (leadingTerm === state.leadingTermShown) return;
  state.leadingTermShown = leadingTerm;
  effects.toStore.push({ kind: "leading", leading: leadingTerm !== null, term });
}
