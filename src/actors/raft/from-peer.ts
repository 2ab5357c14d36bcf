/**
 * @module
 * What other nodes' raft actors ask beside the core's own messages.
 */

import { unreachable } from "../../errors/assert.ts";
import type { NodeId } from "../../raft/types.ts";
import type { ServiceMessage } from "../../transport/service-message.ts";
import { onPeerMark } from "./comparison.ts";
import type { RaftActorEffects } from "./input.ts";
import { onInspected, ownView } from "./inspection.ts";
import type { RaftActorState } from "./state.ts";

export function onService(
  state: RaftActorState,
  from: NodeId,
  message: ServiceMessage,
  effects: RaftActorEffects,
  nowMs: number,
): void {
  if (state.core === null) return;
  switch (message.kind) {
    case "inspectRequest": {
      const progress = ownView(state, state.core, nowMs);
      const { inspectId } = message;
      effects.serviceToPeers.push({ to: from, message: { kind: "inspectResponse", inspectId, progress } });
      return;
    }
    case "inspectResponse":
      return onInspected(state, message, effects);
    case "stateMark":
      return onPeerMark(state, state.core, from, message, effects);
    default:
      unreachable(message);
  }
}
