import { expect } from "chai";
import { describe, it } from "mocha";
import type { RaftOptions } from "../../src/raft/options.ts";
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

describe("two candidates that split the vote", () => {
  it("ask again within some ticks, not with another whole timeout, and one is elected with the next term", () => {
    for (let seed = 0; seed < seeds; seed += 1) {
      const cluster = ledByA(["a", "b", "c", "d", "e"], seed);
      cluster.isolate("a");
      const isCut = cluster.loses;
      // Neither knows of the other before the term has begun, and each reaches one of the rest first.
      cluster.loses = (message) => {
        const { kind, from, to } = message;
        if (kind === "preVoteRequest") return isCut(message) || to === "b" || to === "c";
        return isCut(message) || (kind === "requestVoteRequest" && `${from}${to}` in { be: 0, cd: 0 });
      };
      cluster.tick(10, ["b", "c", "d", "e"]);
      for (const id of ["b", "c"]) cluster.node(id).step({ kind: "campaign" });
      cluster.settle();
      for (const id of ["b", "c"]) expect(cluster.node(id).state).to.include({ role: "candidate", currentTerm: 2 });
      cluster.isolate("a");
      expect(ticksToLeader(cluster, [["b", "c", "d", "e"]]), `seed ${seed}`).to.be.within(3, 5);
      expect(cluster.leaders.map(({ state }) => state.currentTerm)).to.include(3);
    }
  });
});

describe("a candidate that is refused", () => {
  const answer = { to: "b", committed: noneCommitted } as const;

  function elects(node: CoreNode): void {
    const term = node.state.currentTerm + 1;
    for (const from of ["c", "d"]) {
      node.step({ kind: "receive", message: { ...answer, kind: "preVoteResponse", from, term, voteGranted: true } });
    }
    node.collect();
    node.persist();
    node.collect();
    expect(node.state).to.include({ role: "candidate", currentTerm: term });
  }

  function refuse(node: CoreNode, from: string): void {
    const term = node.state.currentTerm;
    node.step({ kind: "receive", message: { ...answer, kind: "requestVoteResponse", from, term, voteGranted: false } });
  }

  function ticks(node: CoreNode, count: number): void {
    for (let tick = 0; tick < count; tick += 1) node.step({ kind: "tick" });
  }

  function candidate(changes: Partial<RaftOptions> = {}): CoreNode {
    const b = new CoreCluster(["a", "b", "c", "d", "e"], changes).node("b");
    b.step({ kind: "campaign" });
    if (b.options.preVote) elects(b);
    return b;
  }

  it("waits for less, and for more with each term that brings no leader, until it is a whole timeout again", () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const b = candidate({ seed });
      for (const [least, most] of [
        [3, 5],
        [6, 11],
        [9, 17],
        [11, 19],
      ] as const) {
        refuse(b, "e");
        expect(b.state.randomizedTimeoutTicks).to.be.within(least, most);
        ticks(b, b.state.randomizedTimeoutTicks - 1);
        expect(b.state.role).to.equal("candidate");
        ticks(b, 1);
        expect(b.state.role).to.equal("preCandidate");
        elects(b);
      }
    }
  });

  it("leaves votes that are on their way as long again as the refusal took, and never more than its timeout", () => {
    for (const [elapsed, least, most] of [
      [0, 3, 5],
      [2, 7, 9],
      [9, 11, 19],
    ] as const) {
      const b = candidate();
      ticks(b, elapsed);
      const whole = b.state.randomizedTimeoutTicks;
      refuse(b, "e");
      expect(b.state.randomizedTimeoutTicks).to.be.within(least, most);
      expect(b.state.randomizedTimeoutTicks).to.be.at.most(whole);
      expect(b.state.electionElapsedTicks).to.equal(elapsed);
    }
  });

  it("draws once, whatever more refuse it, and asks again at that time when it has lost", () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const b = candidate({ seed });
      refuse(b, "e");
      const drawn = b.state.randomizedTimeoutTicks;
      refuse(b, "e");
      refuse(b, "c");
      expect(b.state).to.include({ role: "candidate", randomizedTimeoutTicks: drawn });
      refuse(b, "d");
      expect(b.state).to.include({ role: "follower", votedFor: "b", randomizedTimeoutTicks: drawn });
      ticks(b, drawn);
      expect(b.state.role).to.equal("preCandidate");
    }
  });

  it("waits a whole timeout where it may just be behind: before it has the pre-votes of a majority, or without such", () => {
    const asking = new CoreCluster(["a", "b", "c", "d", "e"]).node("b");
    asking.step({ kind: "campaign" });
    for (const from of ["c", "d", "e"]) {
      const message = { ...answer, kind: "preVoteResponse", from, term: 0, voteGranted: false } as const;
      asking.step({ kind: "receive", message });
    }
    expect(asking.state.role).to.equal("follower");
    const unasked = candidate({ preVote: false });
    refuse(unasked, "e");
    for (const { state } of [asking, unasked]) {
      expect(state.randomizedTimeoutTicks - state.electionElapsedTicks).to.be.within(11, 19);
    }
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
