import { expect } from "chai";
import { describe, it } from "mocha";
import { onConfigurationApplied } from "../../src/raft/membership.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { memberOf } from "../support/core-node.ts";

describe("a node that has led and does not any more", () => {
  it("waits a whole election timeout, though its own campaign was an early one", () => {
    for (let seed = 0; seed < 5; seed += 1) {
      const cluster = new CoreCluster(["a", "b", "c"], { preVote: false, seed });
      cluster.elect("a");
      const b = cluster.node("b");
      b.step({ kind: "peerDisconnected", peer: "a" });
      expect(b.state.randomizedTimeoutTicks).to.be.within(1, 3);
      cluster.isolate("a");
      cluster.node("c").step({ kind: "peerDisconnected", peer: "a" });
      cluster.elect("b");
      cluster.isolate("b");
      for (let tick = 0; tick < 30 && b.state.role === "leader"; tick += 1) cluster.tick(1);
      expect(b.state.role).to.equal("follower");
      expect(b.state.randomizedTimeoutTicks).to.be.within(11, 19);
    }
  });

  it("leads again without what it had begun: no transfer, no overload, no standstill", () => {
    const cluster = new CoreCluster(["a", "b", "c"], { uncommittedBytesMax: 100 });
    const a = cluster.elect("a");
    cluster.isolate("a");
    a.step({ kind: "transferLeadership", transferee: "b" });
    expect(a.state.transferee).to.equal("b");
    a.state.transferee = null;
    cluster.propose("a", "x".repeat(90));
    cluster.settle();
    a.step({ kind: "transferLeadership", transferee: "b" });
    expect(a.state.uncommittedBytes).to.be.above(100);
    for (const id of ["b", "c"]) cluster.node(id).step({ kind: "peerDisconnected", peer: "a" });
    cluster.elect("b");
    cluster.heal();
    cluster.tick(2);
    expect(a.state).to.include({ role: "follower", leaderId: "b", transferee: null, uncommittedBytes: 0 });
    cluster.node("b").step({ kind: "transferLeadership", transferee: "a" });
    cluster.settle();
    expect(a.state.role).to.equal("leader");
    expect(a.state).to.deep.include({ transferee: null, electionElapsedTicks: 0, heartbeatElapsedTicks: 0 });
    expect(a.state.stall.stalledTicks).to.equal(0);
    cluster.propose("a", "y", 7);
    cluster.settle();
    expect(a.proposals.accepted.map(({ proposalId }) => proposalId)).to.include(7);
    expect(a.commands.at(-1)).to.equal("y");
  });
});

describe("a node that campaigns", () => {
  it("gives up when it learns that it is no voter, and not when others change", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    b.step({ kind: "campaign" });
    const { state } = b;
    const update = { kind: "update", nodeId: "c", member: memberOf("c") } as const;
    onConfigurationApplied(state, { steps: [update], transition: "auto" });
    expect(state.role).to.equal("preCandidate");
    onConfigurationApplied(state, { steps: [{ kind: "remove", nodeId: "b" }], transition: "auto" });
    expect(state.role).to.equal("follower");
  });
});

describe("a follower whose leader's connection was reset", () => {
  it("waits from then on, 1 to 3 ticks", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    cluster.elect("a");
    const b = cluster.node("b");
    for (let tick = 0; tick < 8; tick += 1) b.step({ kind: "tick" });
    b.step({ kind: "peerDisconnected", peer: "c" });
    expect(b.state).to.include({ leaderId: "a", electionElapsedTicks: 8 });
    b.step({ kind: "peerDisconnected", peer: "a" });
    expect(b.state).to.include({ leaderId: null, electionElapsedTicks: 0 });
    expect(b.state.randomizedTimeoutTicks).to.be.within(1, 3);
  });
});
