/**
 * @module
 * What this node's clients want: commands, reads, changes of members, a look at the followers.
 */

import { unreachable } from "../../errors/assert.ts";
import type { ProposalRefusal } from "../../raft/message.ts";
import { step } from "../../raft/step.ts";
import type { IngressToRaft, Propose } from "../protocol/ingress-raft.ts";
import { onReadAsked } from "./freshness.ts";
import type { RaftActorEffects } from "./input.ts";
import { inspect } from "./inspection.ts";
import type { RaftActorState } from "./state.ts";

export function onIngress(
  state: RaftActorState,
  message: IngressToRaft,
  effects: RaftActorEffects,
  nowMs: number,
): void {
  if (state.core === null) return refuse(message, effects);
  switch (message.kind) {
    case "propose": {
      const proposal = { kind: "commands", commands: commandsOf(message) } as const;
      return step(state.core, { kind: "propose", proposalId: message.proposalId, proposal });
    }
    case "proposeConfiguration": {
      const proposal = { kind: "configuration", change: message.change } as const;
      return step(state.core, { kind: "propose", proposalId: message.proposalId, proposal });
    }
    case "readIndex":
    case "leaseRead":
      onReadAsked(state.freshness, message.readId, nowMs);
      return step(state.core, message);
    case "transferLeadership":
      return step(state.core, message);
    case "inspect":
      return inspect(state, state.core, message.inspectId, effects, nowMs);
    default:
      unreachable(message);
  }
}

/** Before log and store have opened there is no leader to ask. */
function refuse(message: IngressToRaft, effects: RaftActorEffects): void {
  const reason: ProposalRefusal = "noLeader";
  switch (message.kind) {
    case "propose":
    case "proposeConfiguration":
      effects.toIngress.push({ kind: "proposalRefused", proposalId: message.proposalId, reason });
      return;
    case "readIndex":
    case "leaseRead":
      effects.toIngress.push({ kind: "readRefused", readId: message.readId });
      return;
    case "inspect":
      effects.toIngress.push({ kind: "inspected", inspectId: message.inspectId, progress: [] });
      return;
    case "transferLeadership":
      return;
    default:
      unreachable(message);
  }
}

/** The commands as views of the slab that they came in. */
function commandsOf({ slab, ends }: Propose): Uint8Array[] {
  const commands: Uint8Array[] = [];
  let start = 0;
  for (const end of ends) {
    commands.push(slab.subarray(start, end));
    start = end;
  }
  return commands;
}
