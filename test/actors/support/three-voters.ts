/**
 * @module
 * Three stepped nodes that have become one cluster, and what is asked of them.
 */

import { expect } from "chai";
import type { IngressRequest } from "../../../src/http/request.ts";
import { SteppedCluster } from "./stepped-cluster.ts";
import type { SteppedNode } from "./stepped-node.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export function put(key: string, value: string): IngressRequest {
  const condition = { kind: "none" } as const;
  return {
    kind: "write",
    redirect: false,
    operation: { kind: "put", key: bytes(key), value: bytes(value), leaseId: 0, condition },
  };
}

export const read: IngressRequest = { kind: "read", stale: false, minRevision: 0, redirect: false };

function joining(id: string): IngressRequest {
  const port = Number.parseInt(id.slice(1), 10);
  const [httpAddr, raftAddr] = [`127.0.0.1:${8090 + port}`, `127.0.0.1:${9090 + port}`];
  return {
    kind: "changeMembers",
    change: {
      kind: "join",
      member: { nodeId: id, httpAddr, raftAddr, incarnation: `incarnation-of-${id}`, standing: "voter" },
    },
    reachMsMax: 60_000,
  };
}

/** The outcome, once there is one. */
export async function answered(cluster: SteppedCluster, node: SteppedNode, request: IngressRequest): Promise<unknown> {
  const requestId = node.ask(request);
  await cluster.until(`answer to ${request.kind}`, () => node.answers.has(requestId));
  return node.answers.get(requestId);
}

/** Three voters, in order of their ids; the first leads. */
export async function threeVoters(
  options: { readonly leaseReads?: boolean } = {},
): Promise<{ cluster: SteppedCluster; nodes: SteppedNode[] }> {
  const cluster = new SteppedCluster(options);
  const nodes = [await cluster.start("n1", true), await cluster.start("n2", false), await cluster.start("n3", false)];
  await cluster.until("leader", () => cluster.leader() !== undefined);
  for (const node of nodes.slice(1)) {
    const [first] = nodes;
    if (first !== undefined) expect(await answered(cluster, first, joining(node.id))).to.deep.include({ kind: "done" });
  }
  return { cluster, nodes };
}
