/**
 * @module
 * One turn of the raft actor: all inputs that came in one round of the event loop, peers before proposals and
 * a tick last, then one append, one message batch a peer, one frame an edge.
 */

import { unreachable } from "../../errors/assert.ts";
import { collect } from "../../raft/collect.ts";
import type { RaftState } from "../../raft/state.ts";
import { step } from "../../raft/step.ts";
import type { NodeId } from "../../raft/types.ts";
import { applyEffects } from "./apply-effects.ts";
import { onIngress } from "./from-ingress.ts";
import { onLog } from "./from-log.ts";
import { onService } from "./from-peer.ts";
import { onAppliedSeen, onStore } from "./from-store.ts";
import { handOver } from "./hand-over.ts";
import { noEffects, type RaftActorEffects, type RaftActorInput, type Seen } from "./input.ts";
import { onTick } from "./on-tick.ts";
import { showStatus } from "./show-status.ts";
import { bootWhenOpened } from "./start-core.ts";
import type { RaftActorState } from "./state.ts";

/**
 * Steps through the inputs and gives all that is to be done.
 *
 * At most one tick counts however many are among the inputs: after a pause, what waits in the sockets comes
 * before time does. `nowMs` is read when all inputs have come: a lease is judged by a moment that no read precedes.
 */
export function turn(
  state: RaftActorState,
  inputs: readonly RaftActorInput[],
  { nowMs, appliedIndex, stateAwaited }: Seen,
): RaftActorEffects {
  const effects = noEffects();
  onAppliedSeen(state, appliedIndex);
  let ticked = false;
  if (state.core !== null && state.config.options.voteHoldMs > 0) step(state.core, { kind: "clock", nowMs });
  for (const input of inputs) {
    if (input.kind === "tick") ticked = true;
    else if (input.kind !== "fromIngress") onInput(state, input, effects, nowMs);
  }
  for (const input of inputs) if (input.kind === "fromIngress") onIngress(state, input.message, effects, nowMs);
  if (ticked) onTick(state, effects, nowMs);
  if (state.core !== null) {
    // A tick hands everything on: whatever a commit that does not come has left behind waits no longer than that.
    applyEffects(state, collect(state.core, { patient: !stateAwaited && !ticked }), effects);
    showStatus(state, state.core, effects);
  }
  return effects;
}

function onInput(
  state: RaftActorState,
  input: Exclude<RaftActorInput, { kind: "tick" | "fromIngress" }>,
  effects: RaftActorEffects,
  nowMs: number,
): void {
  switch (input.kind) {
    case "fromLog":
      return onLog(state, input.message, effects);
    case "fromStore":
      return onStore(state, input.message, effects);
    case "serviceFromPeer":
      return onService(state, input.from, input.message, effects, nowMs);
    case "fromPeer":
      if (state.core === null) return;
      noteHeard(state, state.core, input.message.from, nowMs);
      if (input.message.kind === "appendEntriesRequest" && input.entries !== undefined) {
        state.packed.adopt(input.message.entries, input.entries);
      }
      return step(state.core, { kind: "receive", message: input.message });
    case "peerUnreachable":
    case "peerDisconnected":
      if (state.core !== null) step(state.core, input);
      return;
    case "snapshotSent":
      return onSnapshotSent(state, input);
    case "addressed":
      state.advertised = input.advertised;
      return bootWhenOpened(state, effects);
    case "handOver":
      if (state.core !== null) handOver(state.core);
      return;
    default:
      unreachable(input);
  }
}

/** Of members only, so that it stays small. */
function noteHeard(state: RaftActorState, core: RaftState, from: NodeId, nowMs: number): void {
  if (Object.hasOwn(core.configuration.members, from)) state.heardAtMs.set(from, nowMs);
}

/** Only the newest transfer to a peer says how it fares: one that was replaced ends as well, and later. */
function onSnapshotSent(
  state: RaftActorState,
  { to, transfer, delivered }: Extract<RaftActorInput, { kind: "snapshotSent" }>,
): void {
  if (state.core === null || state.transfers.get(to) !== transfer) return;
  state.transfers.delete(to);
  step(state.core, { kind: "snapshotSent", to, delivered });
}
