import { expect } from "chai";
import { describe, it } from "mocha";
import type { IngressRequest } from "../../src/http/request.ts";
import { SteppedCluster } from "./support/stepped-cluster.ts";
import type { SteppedNode } from "./support/stepped-node.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function put(key: string, value: string): IngressRequest {
  const condition = { kind: "none" } as const;
  return {
    kind: "write",
    redirect: false,
    operation: { kind: "put", key: bytes(key), value: bytes(value), leaseId: 0, condition },
  };
}

const read: IngressRequest = { kind: "read", stale: false, minRevision: 0, redirect: false };

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

async function answered(cluster: SteppedCluster, node: SteppedNode, request: IngressRequest): Promise<unknown> {
  const requestId = node.ask(request);
  await cluster.until(`answer to ${request.kind}`, () => node.answers.has(requestId));
  return node.answers.get(requestId);
}

/** Three voters, in order of their ids; the first leads. */
async function threeVoters(): Promise<{ cluster: SteppedCluster; nodes: SteppedNode[] }> {
  const cluster = new SteppedCluster();
  const nodes = [await cluster.start("n1", true), await cluster.start("n2", false), await cluster.start("n3", false)];
  await cluster.until("leader", () => cluster.leader() !== undefined);
  for (const node of nodes.slice(1)) {
    const [first] = nodes;
    if (first !== undefined) expect(await answered(cluster, first, joining(node.id))).to.deep.include({ kind: "done" });
  }
  return { cluster, nodes };
}

describe("nodes stepped without threads, sockets or time", () => {
  it("make a cluster of one node, which others join", async () => {
    const { cluster, nodes } = await threeVoters();
    for (const node of nodes) {
      expect(await answered(cluster, node, put(`by-${node.id}`, "hello"))).to.deep.include({ kind: "applied" });
    }
    await cluster.until("agreement", () => nodes.every((node) => node.read("by-n3") === "hello"));
  });

  it("answer a linearizable read on a follower only with the state that it must see", async () => {
    const { cluster, nodes } = await threeVoters();
    const [leader, follower] = nodes;
    if (leader === undefined || follower === undefined) throw new RangeError("three nodes");
    await answered(cluster, leader, put("a", "1"));
    expect(await answered(cluster, follower, read)).to.deep.equal({ kind: "readable" });
    expect(follower.read("a")).to.equal("1");
  });

  it("propose again, and apply once, what a lost leader had accepted and nobody has", async () => {
    const { cluster, nodes } = await threeVoters();
    const [leader, other] = nodes;
    if (leader === undefined || other === undefined) throw new RangeError("three nodes");
    cluster.setDown(leader.id, true);
    const lost = leader.ask(put("lost", "by the first"));
    await cluster.until("new leader", () => cluster.leader() !== undefined && cluster.leader() !== leader);
    expect(await answered(cluster, other, put("kept", "by the second"))).to.deep.include({ kind: "applied" });
    expect(leader.answers.has(lost)).to.equal(false);

    cluster.setDown(leader.id, false);
    await cluster.until("answer to the first", () => leader.answers.has(lost));
    expect(leader.answers.get(lost)).to.deep.include({ kind: "applied", revision: 2 });
    await cluster.until("agreement", () => nodes.every((node) => node.read("lost") === "by the first"));
  });

  it("come back from a crash with all that was acknowledged", async () => {
    const { cluster, nodes } = await threeVoters();
    const [first] = nodes;
    if (first === undefined) throw new RangeError("three nodes");
    for (let count = 0; count < 20; count++) await answered(cluster, first, put(`key-${count}`, `${count}`));
    for (const { id } of nodes) cluster.crash(id);
    const again = [await cluster.start("n1", true), await cluster.start("n2", false), await cluster.start("n3", false)];
    for (const node of again) {
      await answered(cluster, node, read);
      for (let count = 0; count < 20; count++) expect(node.read(`key-${count}`)).to.equal(`${count}`);
    }
  });
});
