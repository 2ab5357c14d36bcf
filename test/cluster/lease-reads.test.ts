import { expect } from "chai";
import { afterEach, describe, it } from "mocha";
import { type BalsaNode, type Cluster, startCluster } from "../../src/cluster/index.ts";
import { until } from "./support/until.ts";

const tickMs = 50;

let cluster: Cluster;

async function leaseRead(node: BalsaNode, key: string): Promise<string | undefined> {
  const found = await node.client.get(key, { level: "lease" });
  return found === undefined ? undefined : new TextDecoder().decode(found.value);
}

describe("a cluster with lease reads", function () {
  this.timeout(60_000);

  afterEach(async () => {
    await cluster.close();
  });

  it("answers them on every node, and never by a lease that lapsed while the leader's raft thread stood still", async () => {
    cluster = await startCluster({ nodes: 3, tickMs, leaseReads: true });
    const leader = await cluster.leader();
    await leader.client.put("a", "1");
    for (const node of cluster.nodes) expect(await leaseRead(node, "a")).to.equal("1");

    await leader.stall("raft", 4_000);
    const next = await until("another leader", () =>
      cluster.nodes.find((node) => node !== leader && node.standing.role === "leader"),
    );
    await next.client.put("a", "2");
    expect(await leaseRead(leader, "a"), "asked while it stood still, answered afterwards").to.equal("2");
    for (const node of cluster.nodes) expect(await leaseRead(node, "a")).to.equal("2");
  });

  it("goes on after the leader is killed, and after a node is started again", async () => {
    cluster = await startCluster({ nodes: 3, tickMs, leaseReads: true });
    const leader = await cluster.leader();
    await leader.client.put("a", "1");
    await leader.crash();
    const next = await cluster.leader();
    await next.client.put("a", "2");
    expect(await leaseRead(next, "a")).to.equal("2");
    const again = await cluster.restart(leader.id);
    await again.ready();
    expect(await leaseRead(again, "a")).to.equal("2");
  });
});
