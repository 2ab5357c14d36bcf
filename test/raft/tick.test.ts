import { expect } from "chai";
import { describe, it } from "mocha";
import { CoreCluster } from "../support/core-cluster.ts";
import { type CoreNode, configurationOf } from "../support/core-node.ts";

function ticks(node: CoreNode, count: number): void {
  for (let tick = 0; tick < count; tick += 1) node.step({ kind: "tick" });
}

describe("a follower's ticks", () => {
  it("make it campaign when its time is over, not before, and then give it another", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    for (let campaign = 0; campaign < 3; campaign += 1) {
      const timeout = b.state.randomizedTimeoutTicks;
      expect(timeout).to.be.within(11, 19);
      expect(b.state.electionElapsedTicks).to.equal(0);
      ticks(b, timeout - 1);
      expect(b.collect().messages).to.deep.equal([]);
      ticks(b, 1);
      expect(b.state).to.include({ role: "preCandidate", electionElapsedTicks: 0 });
      expect(b.collect().messages.map(({ kind, to }) => `${kind} ${to}`)).to.deep.equal([
        "preVoteRequest a",
        "preVoteRequest c",
      ]);
    }
  });

  it("go on being counted where it must not campaign", () => {
    const learner = new CoreCluster(["a", "d"], {}, configurationOf(["a"], ["d"])).node("d");
    ticks(learner, 50);
    expect(learner.state).to.include({ role: "follower", electionElapsedTicks: 50 });
  });
});

describe("a leader's ticks", () => {
  it("are a heartbeat every so many", () => {
    const cluster = new CoreCluster(["a", "b"], { heartbeatTicks: 3 });
    const a = cluster.elect("a");
    const sent: number[] = [];
    for (let tick = 1; tick <= 9; tick += 1) {
      ticks(a, 1);
      if (a.collect().messages.some(({ kind }) => kind === "heartbeatRequest")) sent.push(tick);
    }
    expect(sent).to.deep.equal([3, 6, 9]);
    expect(a.state.ticksSinceElected).to.equal(9);
  });
});

describe("the reset of a connection", () => {
  it("means nothing to a learner, a leader, one whose leader is another, or one that is bound by its word", () => {
    const cluster = new CoreCluster(["a", "b", "c", "d"], {}, configurationOf(["a", "b", "c"], ["d"]));
    cluster.elect("a");
    const leased = new CoreCluster(["a", "b", "c"], { voteHoldMs: 1000 });
    leased.nowMs += 10_000;
    leased.settle();
    leased.elect("a");
    for (const [node, peer, leaderId] of [
      [cluster.node("d"), "a", "a"],
      [cluster.node("a"), "b", "a"],
      [cluster.node("b"), "c", "a"],
      [leased.node("b"), "a", "a"],
      [cluster.node("b"), "a", null],
    ] as const) {
      node.step({ kind: "peerDisconnected", peer });
      expect(node.state.leaderId, `${node.id} of ${peer}`).to.equal(leaderId);
      expect(node.state.earlyTimeoutsLeft > 0).to.equal(leaderId === null);
    }
  });
});
