import { expect } from "chai";
import { describe, it } from "mocha";
import { CoreCluster } from "../support/core-cluster.ts";
import { configurationOf } from "../support/core-node.ts";

function ledByA(): CoreCluster {
  const cluster = new CoreCluster(["a", "b", "c", "d"], {}, configurationOf(["a", "b", "c"], ["d"]));
  cluster.elect("a");
  return cluster;
}

/** The kinds of what a node says at the end of its turn, and to whom. */
function said(cluster: CoreCluster, id: string): string[] {
  return cluster.turn(cluster.node(id)).messages.map(({ kind, to }) => `${kind} ${to}`);
}

describe("a transfer of leadership", () => {
  it("is ignored for the leader itself, a learner, and who is no member", () => {
    for (const transferee of ["a", "d", "z"]) {
      const cluster = ledByA();
      const a = cluster.node("a");
      a.step({ kind: "transferLeadership", transferee });
      expect(a.state.transferee, transferee).to.equal(null);
      expect(said(cluster, "a")).to.deep.equal([]);
    }
  });

  it("tells the target at once when it holds all, and not a second time when it is asked for again", () => {
    const cluster = ledByA();
    const a = cluster.node("a");
    a.step({ kind: "transferLeadership", transferee: "b" });
    expect(said(cluster, "a")).to.deep.equal(["timeoutNowRequest b"]);
    a.step({ kind: "transferLeadership", transferee: "b" });
    expect(said(cluster, "a")).to.deep.equal([]);
    a.step({ kind: "transferLeadership", transferee: "c" });
    expect(said(cluster, "a"), "another takes its place").to.deep.equal(["timeoutNowRequest c"]);
    expect(a.state.transferee).to.equal("c");
  });

  it("waits for a target that lags, which is sent what it lacks", () => {
    const cluster = ledByA();
    const a = cluster.node("a");
    cluster.isolate("b");
    cluster.propose("a", "x");
    cluster.settle();
    a.step({ kind: "transferLeadership", transferee: "b" });
    expect(said(cluster, "a")).to.not.include("timeoutNowRequest b");
    cluster.heal();
    cluster.tick(1);
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["b"]);
  });

  it("has an election timeout from its beginning, and is over then", () => {
    const cluster = ledByA();
    const a = cluster.node("a");
    cluster.tick(6);
    cluster.isolate("b");
    a.step({ kind: "transferLeadership", transferee: "b" });
    cluster.settle();
    cluster.tick(9);
    expect(a.state).to.include({ role: "leader", transferee: "b" });
    cluster.propose("a", "x", 5);
    cluster.settle();
    expect(a.proposals.refused).to.deep.equal([{ proposalId: 5, reason: "transferring" }]);
    cluster.tick(1);
    expect(a.state).to.include({ role: "leader", transferee: null });
    cluster.propose("a", "y", 6);
    cluster.settle();
    expect(a.proposals.accepted.at(-1)?.proposalId).to.equal(6);
  });

  it("is passed on by a follower to the leader it knows, and by nobody else", () => {
    const cluster = ledByA();
    const c = cluster.node("c");
    c.step({ kind: "transferLeadership", transferee: "b" });
    expect(said(cluster, "c")).to.deep.equal(["transferRequest a"]);
    cluster.settle();
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["b"]);
    c.state.leaderId = null;
    c.step({ kind: "transferLeadership", transferee: "a" });
    expect(said(cluster, "c")).to.deep.equal([]);
    const asked = { kind: "transferRequest", from: "b", to: "c", term: c.state.currentTerm, transferee: "c" } as const;
    c.step({ kind: "receive", message: asked });
    expect(c.state).to.include({ role: "follower", transferee: null });
  });
});
