/**
 * @module
 * What the applied configuration says about a node that wants to join, or that is to be removed.
 */

import type { ErrorCode } from "../../errors/codes.ts";
import type { JoiningMember } from "../../http/request.ts";
import { isVoter } from "../../raft/configuration.ts";
import type { ConfigurationStep, Member } from "../../raft/types.ts";
import type { LeadershipChanged } from "../protocol/ingress-raft.ts";

export type Verdict =
  | { readonly kind: "done"; readonly body: object }
  | { readonly kind: "refused"; readonly code: ErrorCode; readonly detail: string }
  | { readonly kind: "propose"; readonly step: ConfigurationStep }
  /** Leadership has to move to one of these before the change. */
  | { readonly kind: "transferFirst"; readonly transferees: readonly string[] }
  /** Under way: the leader does the rest by itself. */
  | { readonly kind: "wait" };

export function judgeJoin(leadership: LeadershipChanged, joining: JoiningMember): Verdict {
  const { configuration } = leadership;
  const { nodeId } = joining;
  const present = Object.hasOwn(configuration.members, nodeId) ? configuration.members[nodeId] : undefined;
  for (const [id, member] of Object.entries(configuration.members)) {
    if (id === nodeId) continue;
    const taken = [member.httpAddr, member.raftAddr].find(
      (address) => address === joining.httpAddr || address === joining.raftAddr,
    );
    if (taken !== undefined) return exists(`${taken} is the address of ${id}`);
  }
  const wanted = memberOf(joining, present);
  if (present === undefined && isVoter(configuration, nodeId)) return { kind: "wait" };
  if (present === undefined) return { kind: "propose", step: { kind: "addLearner", nodeId, member: wanted } };
  if (joining.incarnation !== "" && present.incarnation !== "" && joining.incarnation !== present.incarnation) {
    return exists(
      `${nodeId} is a member, but its data directory is another one (incarnation); ` +
        "remove it first (POST /remove) and let it join again, or give the node its old directory",
    );
  }
  if (present.httpAddr !== joining.httpAddr || present.raftAddr !== joining.raftAddr) {
    return exists(`${nodeId} is a member already, at ${present.httpAddr} and ${present.raftAddr}`);
  }
  const votes = configuration.voters.includes(nodeId);
  if (votes && joining.standing === "learner") return exists(`${nodeId} is a voter already`);
  if (present.standing !== wanted.standing || present.incarnation !== wanted.incarnation) {
    return { kind: "propose", step: { kind: "update", nodeId, member: wanted } };
  }
  if (!votes && joining.standing === "voter") return { kind: "wait" };
  return { kind: "done", body: { id: nodeId, role: joining.standing } };
}

function memberOf(joining: JoiningMember, present: Member | undefined): Member {
  return {
    httpAddr: joining.httpAddr,
    raftAddr: joining.raftAddr,
    incarnation: joining.incarnation === "" ? (present?.incarnation ?? "") : joining.incarnation,
    standing: joining.standing,
  };
}

/** `accepted`: whether a proposal of this very removal was accepted before. */
export function judgeRemove(leadership: LeadershipChanged, nodeId: string, accepted: boolean): Verdict {
  const { configuration, leaderId } = leadership;
  if (!Object.hasOwn(configuration.members, nodeId)) {
    return accepted
      ? { kind: "done", body: { id: nodeId } }
      : { kind: "refused", code: "MEMBER_NOT_FOUND", detail: `no member is called ${nodeId}` };
  }
  const otherVoters = configuration.voters.filter((id) => id !== nodeId);
  if (otherVoters.length === 0 && configuration.voters.length > 0) {
    return { kind: "refused", code: "LAST_VOTER", detail: `${nodeId} is the last voter` };
  }
  if (leaderId === nodeId) return { kind: "transferFirst", transferees: otherVoters };
  return { kind: "propose", step: { kind: "remove", nodeId } };
}

function exists(detail: string): Verdict {
  return { kind: "refused", code: "MEMBER_EXISTS", detail };
}
