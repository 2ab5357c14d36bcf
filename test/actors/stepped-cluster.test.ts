import { expect } from "chai";
import { describe, it } from "mocha";
import { SteppedCluster, tickMs } from "./support/stepped-cluster.ts";
import { answered, put, read, threeVoters } from "./support/three-voters.ts";

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

  it("tell the leader's store of a tick only when the next has come: what is stamped with it may be as young", async () => {
    const cluster = new SteppedCluster();
    const node = await cluster.start("n1", true);
    await cluster.until("leader", () => cluster.leader() !== undefined);
    await cluster.pass(3);
    await cluster.settle();
    await answered(cluster, node, put("a", "1"));
    const stamp = node.meta.time;
    expect(node.timeTold).to.equal(stamp - tickMs);
    await cluster.pass(1);
    await cluster.settle();
    expect(node.timeTold).to.equal(stamp);
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
