/**
 * @module
 * Requests that change the cluster: which routes there are, what each asks of the node, and how it is answered.
 */

import { isNodeId } from "../address/node-id.ts";
import { BalsaError } from "../errors/balsa-error.ts";
import { parseJoin, parseMemberId, parseNothing, parseUpdate } from "./json-body.ts";
import type { IngressRequest, MemberChange } from "./request.ts";
import type { Route } from "./route.ts";

/** What success is answered with; `created` where something was, and 200 where it was there already. */
export type Success = "ok" | "created" | "noContent";

export interface ClusterRequest {
  readonly request: IngressRequest;
  readonly success: Success;
  /** Where what was created is found. */
  readonly location: string;
}

/** Whether the route's requests change the cluster. */
export function changesCluster({ name }: Route, method: string): boolean {
  switch (name) {
    case "join":
    case "remove":
    case "transfer":
    case "member":
    case "promote":
      return true;
    case "members":
      return method === "POST";
    default:
      return false;
  }
}

/** `reachMsMax` is how long a learner that nobody can reach is waited for. Throws BAD_REQUEST. */
export function parseClusterRequest(
  { name, id }: Route,
  method: string,
  body: Uint8Array,
  reachMsMax: number,
): ClusterRequest {
  const ask = (change: MemberChange, success: Success = "ok", location = ""): ClusterRequest => {
    return { request: { kind: "changeMembers", change, reachMsMax }, success, location };
  };
  switch (name) {
    case "join":
      return ask({ kind: "join", member: parseJoin(body) });
    case "members": {
      const member = parseJoin(body);
      return ask({ kind: "join", member }, "created", `/cluster/members/${member.nodeId}`);
    }
    case "remove":
      return ask({ kind: "remove", nodeId: parseMemberId(body, "id") });
    case "promote":
      parseNothing(body);
      return ask({ kind: "promote", nodeId: decodeMemberId(id) });
    case "member":
      if (method === "PATCH") return ask({ kind: "update", nodeId: decodeMemberId(id), ...parseUpdate(body) });
      parseNothing(body);
      return ask({ kind: "remove", nodeId: decodeMemberId(id) }, "noContent");
    default:
      return { request: { kind: "transfer", nodeId: parseMemberId(body, "to") }, success: "ok", location: "" };
  }
}

/** Percent-decoded once. What no member can be called is not found. */
function decodeMemberId(id: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(id);
  } catch {
    throw new BalsaError("BAD_REQUEST", "the member's id in the path is not percent-encoded UTF-8");
  }
  if (!isNodeId(decoded)) throw new BalsaError("MEMBER_NOT_FOUND", "no member can be called as the path says");
  return decoded;
}
