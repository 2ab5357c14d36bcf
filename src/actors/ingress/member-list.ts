/**
 * @module
 * The members as `GET /cluster/members` and `GET /status` show them.
 */

import type { LeadershipChanged, MemberProgress } from "../protocol/ingress-raft.ts";

export interface ShownMember {
  readonly id: string;
  readonly httpAddr: string;
  readonly raftAddr: string;
  readonly role: "voter" | "learner";
  readonly leader: boolean;
  /** Of a learner that is to vote once it has caught up. */
  readonly joining?: true;
}

export interface InspectedMember extends ShownMember {
  /** Null when no leader answered. */
  readonly matchIndex: number | null;
  readonly healthy: boolean;
}

export function listMembers(leadership: LeadershipChanged): readonly ShownMember[] {
  return Object.keys(leadership.configuration.members)
    .sort()
    .map((id) => showMember(leadership, id));
}

/** Of one that is among the members. */
export function showMember({ configuration, leaderId }: LeadershipChanged, id: string): ShownMember {
  const member = configuration.members[id];
  const votes = configuration.voters.includes(id);
  return {
    id,
    httpAddr: member?.httpAddr ?? "",
    raftAddr: member?.raftAddr ?? "",
    role: votes ? "voter" : "learner",
    leader: id === leaderId,
    ...(!votes && member?.standing === "voter" ? { joining: true } : {}),
  };
}

export function describeMembers(
  leadership: LeadershipChanged,
  progress: readonly MemberProgress[],
): readonly InspectedMember[] {
  const progressOf = new Map(progress.map((one) => [one.id, one]));
  return listMembers(leadership).map((member) => {
    const known = progressOf.get(member.id);
    return { ...member, matchIndex: known?.matchIndex ?? null, healthy: known?.healthy ?? false };
  });
}
