/**
 * @module
 * The members of a cluster, as a client sees and changes them.
 */

import { errorOf, type JsonObject, jsonObjectOf } from "./answer.ts";
import type { Answer } from "./exchange.ts";

export type MemberRole = "voter" | "learner";

export interface Member {
  readonly id: string;
  /** `host:port`, as is `raftAddr`. */
  readonly httpAddr: string;
  readonly raftAddr: string;
  readonly role: MemberRole;
  readonly leader: boolean;
  /** Of a learner that is to vote once it has caught up. */
  readonly joining: boolean;
}

export interface ListedMember extends Member {
  /** How far its log is known to equal the leader's; null when no leader answered. */
  readonly matchIndex: number | null;
  /** Whether the leader has heard it within an election timeout. */
  readonly healthy: boolean;
}

export interface NewMember {
  readonly id: string;
  readonly httpAddr: string;
  readonly raftAddr: string;
  readonly role?: MemberRole;
  /** Of the only data directory that shall be let in under this id; any when it is not given. */
  readonly incarnation?: string;
}

export interface MemberAddresses {
  readonly httpAddr?: string;
  readonly raftAddr?: string;
}

/** One request and its answer, whatever its status. */
export type AskCluster = (
  method: "GET" | "POST" | "PATCH" | "DELETE",
  path: string,
  body?: JsonObject,
) => Promise<Answer>;

/** Every call throws a BalsaError and nothing else; all of them may be sent again. */
export class Members {
  readonly #ask: AskCluster;

  constructor(ask: AskCluster) {
    this.#ask = ask;
  }

  async list(): Promise<readonly ListedMember[]> {
    const { members } = successOf(await this.#ask("GET", "/cluster/members"));
    return Array.isArray(members) ? members.map(listedMemberOf) : [];
  }

  /**
   * Resolves once it is a member in the role that is asked for. `TIMEOUT` when it has not come to vote in time: it is a
   * learner then, and becomes a voter by itself.
   */
  async add(member: NewMember): Promise<Member> {
    return memberOf(successOf(await this.#ask("POST", "/cluster/members", { ...member })));
  }

  /** Resolves once it is no member; a leader hands over first. */
  async remove(id: string): Promise<void> {
    successOf(await this.#ask("DELETE", pathOf(id)));
  }

  /** Resolves once it votes. */
  async promote(id: string): Promise<Member> {
    return memberOf(successOf(await this.#ask("POST", `${pathOf(id)}/promote`)));
  }

  /** Resolves once the cluster knows it there. */
  async update(id: string, addresses: MemberAddresses): Promise<Member> {
    return memberOf(successOf(await this.#ask("PATCH", pathOf(id), { ...addresses })));
  }
}

function pathOf(id: string): string {
  return `/cluster/members/${encodeURIComponent(id)}`;
}

function successOf(answer: Answer): JsonObject {
  if (answer.status === 204) return {};
  if (answer.status === 200 || answer.status === 201) return jsonObjectOf(answer);
  throw errorOf(answer);
}

function memberOf({ id, httpAddr, raftAddr, role, leader, joining }: JsonObject): Member {
  return {
    id: textOf(id),
    httpAddr: textOf(httpAddr),
    raftAddr: textOf(raftAddr),
    role: role === "voter" ? "voter" : "learner",
    leader: leader === true,
    joining: joining === true,
  };
}

function listedMemberOf(value: unknown): ListedMember {
  const fields: JsonObject = typeof value === "object" && value !== null ? { ...value } : {};
  const { matchIndex, healthy } = fields;
  return {
    ...memberOf(fields),
    matchIndex: typeof matchIndex === "number" ? matchIndex : null,
    healthy: healthy === true,
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
