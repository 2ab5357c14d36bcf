/**
 * @module
 * What the applied configuration, and what the leader knows of each member, say about a change of members.
 */

import type { ErrorCode } from "../../errors/codes.ts";
import type { JoiningMember, MemberChange } from "../../http/request.ts";
import { isVoter } from "../../raft/configuration.ts";
import type { Configuration, ConfigurationStep, Member } from "../../raft/types.ts";
import type { LeadershipChanged, MemberProgress } from "../protocol/ingress-raft.ts";
import { showMember } from "./member-list.ts";

export type Verdict =
  | { readonly kind: "done"; readonly body: object }
  | { readonly kind: "refused"; readonly code: ErrorCode; readonly detail: string }
  | { readonly kind: "propose"; readonly step: ConfigurationStep }
  /** Leadership has to move to one of these before the change, the best first. */
  | { readonly kind: "transferFirst"; readonly transferees: readonly string[] }
  /** Not now, and when it stays so, refused with these words; `withinMs` null: at the deadline. */
  | { readonly kind: "hold"; readonly code: ErrorCode; readonly detail: string; readonly withinMs: number | null }
  /** Under way: the leader does the rest by itself. */
  | { readonly kind: "wait" };

export interface Circumstances {
  readonly leadership: LeadershipChanged;
  /** By id, as the leader said since the change was asked for; null when it has not yet. */
  readonly progress: ReadonlyMap<string, MemberProgress> | null;
  /** Whether a proposal of this very change was accepted before. */
  readonly accepted: boolean;
  /** How long a learner that the leader does not reach is waited for. */
  readonly reachMsMax: number;
}

/** Far below what a configuration may hold on the wire, since several nodes judge at the same time. */
const membersMax = 100;
/** A new leader has not heard of everybody yet, and a member may just be pausing. */
const riskPatienceMs = 2_000;

const wait: Verdict = { kind: "wait" };

export function judge(change: MemberChange, circumstances: Circumstances): Verdict {
  switch (change.kind) {
    case "join":
      return judgeJoin(change.member, circumstances);
    case "remove":
      return judgeRemove(change.nodeId, circumstances);
    case "promote":
      return judgePromote(change.nodeId, circumstances);
    case "update":
      return judgeUpdate(change, circumstances);
  }
}

function judgeJoin(joining: JoiningMember, circumstances: Circumstances): Verdict {
  const { configuration } = circumstances.leadership;
  const { nodeId } = joining;
  const present = memberOf(configuration, nodeId);
  const taken = takenAddress(configuration, nodeId, joining);
  if (taken !== null) return exists(taken);
  // Promoted, and the configuration that says so is on its way here.
  if (present === null && isVoter(configuration, nodeId)) return wait;
  const wanted = {
    httpAddr: joining.httpAddr,
    raftAddr: joining.raftAddr,
    incarnation: joining.incarnation === "" ? (present?.incarnation ?? "") : joining.incarnation,
    standing: joining.standing,
  };
  if (present === null) {
    return Object.keys(configuration.members).length < membersMax
      ? { kind: "propose", step: { kind: "addLearner", nodeId, member: wanted } }
      : { kind: "refused", code: "BAD_REQUEST", detail: `a cluster has at most ${membersMax} members` };
  }
  if (isOtherDirectory(present, joining.incarnation)) return exists(replaceWords(joining, present));
  if (present.httpAddr !== joining.httpAddr || present.raftAddr !== joining.raftAddr) {
    return exists(
      `${nodeId} is a member already, at ${present.httpAddr} and ${present.raftAddr}: ` +
        `balsa member update ${nodeId} (PATCH /cluster/members/${nodeId}) changes its addresses`,
    );
  }
  const votes = configuration.voters.includes(nodeId);
  if (votes && joining.standing === "learner") return exists(`${nodeId} is a voter already`);
  if (present.standing !== wanted.standing || present.incarnation !== wanted.incarnation) {
    return { kind: "propose", step: { kind: "update", nodeId, member: wanted } };
  }
  return votes || joining.standing === "learner" ? done(circumstances, nodeId) : awaitPromotion(nodeId, circumstances);
}

function judgePromote(nodeId: string, circumstances: Circumstances): Verdict {
  const { configuration } = circumstances.leadership;
  const present = memberOf(configuration, nodeId);
  if (present === null) return unknown(nodeId);
  if (configuration.voters.includes(nodeId)) return done(circumstances, nodeId);
  if (present.standing === "voter") return awaitPromotion(nodeId, circumstances);
  return { kind: "propose", step: { kind: "update", nodeId, member: { ...present, standing: "voter" } } };
}

/** The leader promotes it once it has caught up; one that it cannot reach never comes to vote. */
function awaitPromotion(nodeId: string, { leadership, progress, reachMsMax }: Circumstances): Verdict {
  const known = progress?.get(nodeId);
  if (known === undefined) return wait;
  const raftAddr = memberOf(leadership.configuration, nodeId)?.raftAddr ?? "";
  if (known.healthy || known.matchIndex > 0) {
    const detail = `${nodeId} is a learner that has not caught up yet; it becomes a voter by itself when it has`;
    return { kind: "hold", code: "TIMEOUT", detail, withinMs: null };
  }
  const detail =
    `${nodeId} is a learner, and the leader has not reached it at ${raftAddr}; it becomes a voter by itself once it is ` +
    `reached and has caught up. If the address is wrong: balsa member update ${nodeId}, or balsa member remove ${nodeId}`;
  return { kind: "hold", code: "TIMEOUT", detail, withinMs: reachMsMax };
}

function judgeRemove(nodeId: string, { leadership, progress, accepted }: Circumstances): Verdict {
  const { configuration, leaderId } = leadership;
  if (memberOf(configuration, nodeId) === null) return judgeAbsence(nodeId, accepted);
  const others = configuration.voters.filter((id) => id !== nodeId);
  if (!configuration.voters.includes(nodeId)) return { kind: "propose", step: { kind: "remove", nodeId } };
  if (others.length === 0) return { kind: "refused", code: "LAST_VOTER", detail: `${nodeId} is the last voter` };
  if (progress === null) return wait;
  const alive = others.filter((id) => progress.get(id)?.healthy === true);
  if (!accepted && alive.length * 2 <= others.length) {
    const dead = others.filter((id) => !alive.includes(id)).join(", ");
    const detail = `without ${nodeId}, ${alive.length} of ${others.length} voters would be alive, and no quorum (not: ${dead})`;
    return { kind: "hold", code: "QUORUM_AT_RISK", detail, withinMs: riskPatienceMs };
  }
  if (leaderId !== nodeId) return { kind: "propose", step: { kind: "remove", nodeId } };
  const matchOf = (id: string): number => progress.get(id)?.matchIndex ?? 0;
  return { kind: "transferFirst", transferees: alive.sort((a, b) => matchOf(b) - matchOf(a)) };
}

/** Of a member that is none any more: what was asked for, when it was asked for in time. */
export function judgeAbsence(nodeId: string, accepted: boolean): Verdict {
  return accepted ? { kind: "done", body: { id: nodeId } } : unknown(nodeId);
}

type Update = Extract<MemberChange, { kind: "update" }>;

function judgeUpdate(change: Update, circumstances: Circumstances): Verdict {
  const { configuration } = circumstances.leadership;
  const { nodeId } = change;
  const present = memberOf(configuration, nodeId);
  if (present === null) return unknown(nodeId);
  const member: Member = {
    httpAddr: change.httpAddr ?? present.httpAddr,
    raftAddr: change.raftAddr ?? present.raftAddr,
    incarnation: present.incarnation === "" ? change.incarnation : present.incarnation,
    standing: present.standing,
  };
  if (member.httpAddr === member.raftAddr) {
    const detail = `${member.httpAddr} cannot be both the HTTP and the peer address of ${nodeId}`;
    return { kind: "refused", code: "BAD_REQUEST", detail };
  }
  if (isOtherDirectory(present, change.incarnation)) {
    return exists(replaceWords({ ...member, nodeId, incarnation: change.incarnation }, present));
  }
  const taken = takenAddress(configuration, nodeId, member);
  if (taken !== null) return exists(taken);
  const same = present.httpAddr === member.httpAddr && present.raftAddr === member.raftAddr;
  if (same && present.incarnation === member.incarnation) return done(circumstances, nodeId);
  const isMoved = present.raftAddr !== member.raftAddr;
  return (
    (isMoved ? riskOfMove(change, circumstances) : null) ?? {
      kind: "propose",
      step: { kind: "update", nodeId, member },
    }
  );
}

/**
 * Nobody has tried the address: when it is mistyped, the voter is lost until it is started again. That must not be one
 * too many. A node that says itself where it is, with its incarnation, is there; and one that is not heard now is lost
 * already.
 */
function riskOfMove(
  { nodeId, incarnation }: Update,
  { leadership, progress, accepted }: Circumstances,
): Verdict | null {
  const { voters } = leadership.configuration;
  if (incarnation !== "" || accepted || voters.length === 1 || !voters.includes(nodeId)) return null;
  if (progress === null) return wait;
  const isAlive = (id: string): boolean => progress.get(id)?.healthy === true;
  const alive = voters.filter((id) => id !== nodeId && isAlive(id));
  if (!isAlive(nodeId) || alive.length * 2 > voters.length) return null;
  const detail =
    `if nobody is at that address, ${alive.length} of ${voters.length} voters would be left, and no quorum. Start ${nodeId} ` +
    "there instead: it tells the cluster by itself";
  return { kind: "hold", code: "QUORUM_AT_RISK", detail, withinMs: riskPatienceMs };
}

function memberOf({ members }: Configuration, nodeId: string): Member | null {
  return Object.hasOwn(members, nodeId) ? (members[nodeId] ?? null) : null;
}

/** Whose the address is, in words, when another member has one of the two. */
function takenAddress(
  { members }: Configuration,
  nodeId: string,
  wanted: Pick<Member, "httpAddr" | "raftAddr">,
): string | null {
  for (const [id, member] of Object.entries(members)) {
    if (id === nodeId) continue;
    const taken = [member.httpAddr, member.raftAddr].find(
      (address) => address === wanted.httpAddr || address === wanted.raftAddr,
    );
    if (taken !== undefined) return `${taken} is the address of ${id}`;
  }
  return null;
}

function isOtherDirectory(present: Member, incarnation: string): boolean {
  return incarnation !== "" && present.incarnation !== "" && incarnation !== present.incarnation;
}

/** The command that lets the new directory take the place of the old one. */
function replaceWords(
  claimed: Pick<JoiningMember, "nodeId" | "httpAddr" | "raftAddr" | "incarnation">,
  present: Member,
): string {
  const { nodeId, httpAddr, raftAddr, incarnation } = claimed;
  const moved = present.httpAddr !== httpAddr || present.raftAddr !== raftAddr;
  const addresses = moved ? ` --http ${httpAddr} --raft ${raftAddr}` : "";
  return (
    `${nodeId} is a member, but its data directory is another one (incarnation). Give the node its old directory; or, ` +
    `when that is lost for good, run: balsa member replace ${nodeId}${addresses} --incarnation ${incarnation}`
  );
}

function done({ leadership }: Circumstances, nodeId: string): Verdict {
  return { kind: "done", body: showMember(leadership, nodeId) };
}

function unknown(nodeId: string): Verdict {
  return { kind: "refused", code: "MEMBER_NOT_FOUND", detail: `no member is called ${nodeId}` };
}

function exists(detail: string): Verdict {
  return { kind: "refused", code: "MEMBER_EXISTS", detail };
}
