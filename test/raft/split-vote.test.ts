import { expect } from "chai";
import { describe, it } from "mocha";
import { CoreCluster } from "../support/core-cluster.ts";
import { type CoreNode, noneCommitted } from "../support/core-node.ts";

const seeds = 200;
/** No whole election timeout is longer. */
const timeoutTicksMax = 19;

/** Led by `a` in term 1, with some ticks of heartbeats behind it. */
function ledByA(ids: readonly string[], seed: number): CoreCluster {
  const cluster = new CoreCluster(ids, { seed, checkQuorum: "eachTick" });
  cluster.elect("a");
  cluster.tick(3);
  return cluster;
}

/** Ticks until one of the nodes leads; they tick in this order, in groups, and what a group said arrives before the next does. */
function ticksToLeader(cluster: CoreCluster, groups: readonly (readonly string[])[]): number {
  const ids = groups.flat();
  for (let ticks = 1; ticks < 200; ticks += 1) {
    for (const group of groups) {
      cluster.tick(1, group);
      if (ids.some((id) => cluster.node(id).state.role === "leader")) return ticks;
    }
  }
  throw new Error("nobody was elected");
}

describe("the node with the longest log", () => {
  it("is elected with its first timeout, whichever node's ticks come first", () => {
    for (let seed = 0; seed < seeds; seed += 1) {
      for (const groups of [
        [["c"], ["b"]],
        [["b"], ["c"]],
      ]) {
        const cluster = ledByA(["a", "b", "c"], seed);
        cluster.loses = ({ to, kind }) => to === "b" && kind === "appendEntriesRequest";
        cluster.propose("a", "x");
        cluster.settle();
        cluster.isolate("a");
        const ticks = ticksToLeader(cluster, groups);
        expect(ticks, `seed ${seed}, ${groups.join(" before ")}`).to.be.at.most(timeoutTicksMax);
        expect(cluster.node("c").state.role).to.equal("leader");
      }
    }
  });
});

describe("two followers whose timeouts end with the same tick", () => {
  it("do not split the vote: one gives way, and the other is elected at once", () => {
    let together = 0;
    for (let seed = 0; seed < seeds; seed += 1) {
      const cluster = ledByA(["a", "b", "c"], seed);
      cluster.isolate("a");
      const [b, c] = [cluster.node("b").state, cluster.node("c").state];
      const first = Math.min(b.randomizedTimeoutTicks, c.randomizedTimeoutTicks);
      if (b.randomizedTimeoutTicks === c.randomizedTimeoutTicks) together += 1;
      expect(ticksToLeader(cluster, [["b", "c"]]), `seed ${seed}`).to.equal(first);
      expect(Math.max(b.currentTerm, c.currentTerm)).to.equal(2);
    }
    expect(together, "seeds that would have split it").to.be.above(seeds / 20);
  });
});

describe("a pre-candidate", () => {
  function asked(by: string, lastLogIndex: number): CoreNode {
    const cluster = new CoreCluster(["a", "b", "c"]);
    cluster.elect("a");
    cluster.isolate("a");
    const b = cluster.node("b");
    b.step({ kind: "campaign" });
    b.collect();
    const rival = { kind: "preVoteRequest", from: by, to: "b", term: 2, lastLogTerm: 1, lastLogIndex } as const;
    b.step({ kind: "receive", message: { ...rival, committed: noneCommitted } });
    return b;
  }

  it("gives way to who has the longer log, or one as long and the lower id, and to nobody else", () => {
    for (const [rival, lastLogIndex, role] of [
      ["a", 1, "follower"],
      ["c", 1, "preCandidate"],
      ["c", 2, "follower"],
      ["a", 0, "preCandidate"],
    ] as const) {
      expect(asked(rival, lastLogIndex).state.role, `${rival} with ${lastLogIndex}`).to.equal(role);
    }
  });

  it("that gave way grants what it was asked for, and asks again at the time it would have otherwise", () => {
    const b = asked("a", 1);
    expect(b.collect().messages).to.deep.include({
      kind: "preVoteResponse",
      from: "b",
      to: "a",
      term: 2,
      voteGranted: true,
      committed: { index: b.state.log.commitIndex, term: 1 },
    });
    const grant = { kind: "preVoteResponse", from: "c", to: "b", term: 2, voteGranted: true } as const;
    b.step({ kind: "receive", message: { ...grant, committed: noneCommitted } });
    expect(b.state).to.include({ role: "follower", currentTerm: 1, electionElapsedTicks: 0 });
    for (let tick = b.state.randomizedTimeoutTicks; tick > 0; tick -= 1) b.step({ kind: "tick" });
    expect(b.state.role).to.equal("preCandidate");
  });
});
