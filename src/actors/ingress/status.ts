/**
 * @module
 * What this node says of itself: `GET /status` and the checks behind `GET /readyz`.
 */

import type { Board } from "../../actor/board.ts";
import type { ReadinessCheck } from "../../http/request.ts";
import type { IngressConfig } from "../protocol/config.ts";
import { listMembers } from "./member-list.ts";
import type { Standing } from "./parts.ts";

/** Entries that a node may have left to apply and still call itself caught up. */
const readyLagEntriesMax = 1000;

export function describeStatus(
  config: IngressConfig,
  board: Board,
  standing: Readonly<Standing>,
  uptimeMs: number,
): object {
  const { role, term, leaderId, configuration } = standing.leadership;
  const leader =
    leaderId === null
      ? null
      : {
          id: leaderId,
          httpAddr: Object.hasOwn(configuration.members, leaderId)
            ? (configuration.members[leaderId]?.httpAddr ?? "")
            : "",
        };
  return {
    id: config.identity.nodeId,
    clusterId: config.identity.clusterId,
    role,
    term,
    leader,
    commitIndex: board.get("commitIndex"),
    appliedIndex: board.get("appliedIndex"),
    lastLogIndex: board.get("lastLogIndex"),
    snapshotIndex: board.get("snapshotIndex"),
    revision: board.get("revisionApplied"),
    compactedRevision: board.get("compactedRevision"),
    members: listMembers(standing.leadership),
    uptimeMs: Math.round(uptimeMs),
    version: config.version,
    storage: {
      logBytes: board.get("logBytes"),
      persistedIndex: board.get("persistedIndex"),
      stateHash: board.get("stateHash"),
      incarnation: config.identity.incarnation,
    },
  };
}

export function checkReadiness(nodeId: string, board: Board, standing: Readonly<Standing>): readonly ReadinessCheck[] {
  const { leaderId, configuration } = standing.leadership;
  const commitIndex = board.get("commitIndex");
  const appliedIndex = board.get("appliedIndex");
  const lag = commitIndex - appliedIndex;
  return [
    {
      name: "leader",
      ok: leaderId !== null,
      detail: leaderId === null ? "no leader is known" : `${leaderId} leads in term ${standing.leadership.term}`,
    },
    checkMember(nodeId, Object.keys(configuration.members)),
    {
      name: "state",
      ok: standing.readable,
      detail: standing.readable ? "open" : "the state is not open yet",
    },
    {
      name: "applied",
      ok: commitIndex > 0 && lag <= readyLagEntriesMax,
      detail: `applied up to ${appliedIndex}, committed up to ${commitIndex}`,
    },
  ];
}

/** A node that was removed, or has lost its place, still hears a leader for a while, and would serve an old state. */
function checkMember(nodeId: string, memberIds: readonly string[]): ReadinessCheck {
  if (memberIds.length === 0) return { name: "member", ok: true, detail: "the members are not known yet" };
  const ok = memberIds.includes(nodeId);
  return { name: "member", ok, detail: ok ? `${nodeId} is a member` : `${nodeId} is not among the members` };
}
