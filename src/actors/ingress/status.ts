/**
 * @module
 * What this node says of itself: `GET /status` and the checks behind `GET /readyz`.
 */

import type { Board } from "../../actor/board.ts";
import type { AdvertisedAddresses } from "../../actor/context.ts";
import type { ReadinessCheck } from "../../http/request.ts";
import type { Configuration } from "../../raft/types.ts";
import type { IngressConfig } from "../protocol/config.ts";
import type { StateMismatch } from "../protocol/ingress-raft.ts";
import { listMembers } from "./member-list.ts";
import type { Standing } from "./parts.ts";

/** How old the state of a node may be that calls itself caught up. A node confirms how old it is every 200 ms. */
const readyAgeMsMax = 3_000;

export function describeStatus(
  config: IngressConfig,
  board: Board,
  standing: Readonly<Standing>,
  { advertised, uptimeMs }: { readonly advertised: AdvertisedAddresses; readonly uptimeMs: number },
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
    httpAddr: advertised.httpAdvertise,
    raftAddr: advertised.raftAdvertise,
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
    alarms: standing.alarms.map(describeAlarm),
    uptimeMs: Math.round(uptimeMs),
    version: config.version,
    storage: {
      logBytes: board.get("logBytes"),
      persistedIndex: board.get("persistedIndex"),
      stateHash: board.get("stateHash"),
      historyBytes: board.get("historyBytes"),
      leases: board.get("leases"),
      idempotencyKeys: board.get("sessions"),
      incarnation: config.identity.incarnation,
    },
  };
}

function describeAlarm({ kind, nodes, index }: StateMismatch): object {
  const [leader, member] = nodes;
  const detail = `after index ${index} the state of ${member} is not that of ${leader}, which leads: one of them is wrong`;
  return { kind, nodes, index, detail };
}

/** `nowMs` is of the clock that raft stamps `freshAtMs` with. */
export function checkReadiness(
  nodeId: string,
  board: Board,
  standing: Readonly<Standing>,
  nowMs: number,
): readonly ReadinessCheck[] {
  const { leaderId, configuration } = standing.leadership;
  const appliedIndex = board.get("appliedIndex");
  const freshAtMs = board.get("freshAtMs");
  const ageMs = Math.max(0, Math.ceil(nowMs - freshAtMs));
  return [
    {
      name: "leader",
      ok: leaderId !== null,
      detail: leaderId === null ? "no leader is known" : `${leaderId} leads in term ${standing.leadership.term}`,
    },
    checkMember(nodeId, configuration),
    {
      name: "state",
      ok: standing.readable,
      detail: standing.readable ? "open" : "the state is not open yet",
    },
    {
      name: "applied",
      // Its own commit index would not do: a follower that lags far behind does not know how far.
      ok: freshAtMs > 0 && ageMs <= readyAgeMsMax,
      detail:
        freshAtMs === 0
          ? `applied up to ${appliedIndex}, and no leader has confirmed yet that this is new`
          : `applied up to ${appliedIndex}, known to be at most ${ageMs} ms old`,
    },
  ];
}

/**
 * A node that was removed still hears a leader for a while, and would serve an old state. One that is to vote and does
 * not yet counts for nothing: whoever waits for three nodes waits for three voters.
 */
function checkMember(nodeId: string, { members, voters }: Configuration): ReadinessCheck {
  const name = "member";
  // A node that joins is confirmed to be fresh before it has applied whose member it is.
  if (Object.keys(members).length === 0) return { name, ok: false, detail: "the members are not known yet" };
  const own = Object.hasOwn(members, nodeId) ? members[nodeId] : undefined;
  if (own === undefined) return { name, ok: false, detail: `${nodeId} is not among the members` };
  if (own.standing === "voter" && !voters.includes(nodeId)) {
    return { name, ok: false, detail: `${nodeId} is a learner still, and is to be promoted` };
  }
  return { name, ok: true, detail: `${nodeId} is a member` };
}
