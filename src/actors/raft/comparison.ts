/**
 * @module
 * The same log must make the same state everywhere: each member tells the leader of its marks, and the leader holds
 * them against its own.
 *
 * A mark that is lost is not sent again: states that differ go on to differ, so the next one shows it too. Nobody is
 * stopped when they do. Two marks do not say which of them is wrong, a voter that is stopped on suspicion is one less
 * to survive the loss of, and a command that every node executes in its own way would stop them all.
 */

import type { StateMark } from "../../kv/mark.ts";
import type { RaftState } from "../../raft/state.ts";
import { statusOf } from "../../raft/status.ts";
import type { NodeId } from "../../raft/types.ts";
import type { StateMismatch } from "../protocol/ingress-raft.ts";
import type { RaftActorEffects } from "./input.ts";
import type { RaftActorState } from "./state.ts";

/** A member may lag behind its leader by so many marks and still be compared. */
export const ownMarksMax = 16;

export function onOwnMark(state: RaftActorState, core: RaftState, mark: StateMark, effects: RaftActorEffects): void {
  const { comparison } = state;
  comparison.own = [...comparison.own, mark].slice(-ownMarksMax);
  const { role, leaderId } = statusOf(core);
  if (role === "leader") for (const nodeId of comparison.heard.keys()) compare(state, nodeId, effects);
  else if (leaderId !== null) effects.serviceToPeers.push({ to: leaderId, message: { kind: "stateMark", ...mark } });
}

export function onPeerMark(
  state: RaftActorState,
  core: RaftState,
  from: NodeId,
  { index, revision, stateHash }: StateMark,
  effects: RaftActorEffects,
): void {
  const { role, configuration } = statusOf(core);
  if (role !== "leader" || !Object.hasOwn(configuration.members, from)) return;
  state.comparison.heard.set(from, { index, revision, stateHash });
  compare(state, from, effects);
}

/** Only a leader hears of marks, and only of those who are members. */
export function onStandingChanged(state: RaftActorState, core: RaftState, effects: RaftActorEffects): void {
  const { heard, alarms } = state.comparison;
  const { role, configuration } = statusOf(core);
  const stays = (id: NodeId): boolean => role === "leader" && Object.hasOwn(configuration.members, id);
  for (const id of heard.keys()) if (!stays(id)) heard.delete(id);
  const left = alarms.filter(({ nodes: [, member] }) => stays(member));
  if (left.length < alarms.length) setAlarms(state, left, effects);
}

/** Raises an alarm, or ends it, once both have a mark of the same index. */
function compare(state: RaftActorState, nodeId: NodeId, effects: RaftActorEffects): void {
  const { own, heard, alarms } = state.comparison;
  const other = heard.get(nodeId);
  const mark = own.find(({ index }) => index === other?.index);
  if (mark === undefined || other === undefined) return;
  const isSame = mark.revision === other.revision && mark.stateHash === other.stateHash;
  const isRaised = alarms.some(({ nodes: [, member] }) => member === nodeId);
  if (isSame !== isRaised) return;
  const raised: StateMismatch = {
    kind: "state-mismatch",
    nodes: [state.config.identity.nodeId, nodeId],
    index: mark.index,
  };
  const others = alarms.filter(({ nodes: [, member] }) => member !== nodeId);
  setAlarms(state, isSame ? others : [...others, raised], effects);
}

function setAlarms(state: RaftActorState, alarms: readonly StateMismatch[], effects: RaftActorEffects): void {
  state.comparison.alarms = alarms;
  effects.toIngress.push({ kind: "alarmsChanged", alarms });
}
