/**
 * @module
 * §5.4 of the extended Raft paper and Figure 8: a test per sentence.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import { isUpToDate } from "../../src/raft/vote.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { bootWith, ledByA, termsOf } from "./support.ts";

describe("§5.4.1 Election restriction", () => {
  it("the log with the later last term is more up-to-date; with equal terms, the longer one is", () => {
    expect(isUpToDate({ term: 3, index: 1 }, { term: 2, index: 9 })).to.equal(true);
    expect(isUpToDate({ term: 2, index: 9 }, { term: 3, index: 1 })).to.equal(false);
    expect(isUpToDate({ term: 2, index: 9 }, { term: 2, index: 8 })).to.equal(true);
    expect(isUpToDate({ term: 2, index: 8 }, { term: 2, index: 9 })).to.equal(false);
    expect(isUpToDate({ term: 2, index: 8 }, { term: 2, index: 8 })).to.equal(true);
  });

  it("the voter denies its vote if its own log is more up-to-date than that of the candidate", () => {
    for (const preVote of [false, true]) {
      const cluster = new CoreCluster(["a", "b", "c"], { preVote });
      bootWith(cluster.node("a"), [1, 1]);
      bootWith(cluster.node("b"), [1, 2], 2);
      bootWith(cluster.node("c"), [1, 1, 1]);
      cluster.settle();
      cluster.node("a").step({ kind: "campaign" });
      cluster.settle();
      expect(cluster.leaders).to.deep.equal([]);
    }
  });

  it("a candidate with all committed entries is elected by those whose logs are older", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    bootWith(cluster.node("a"), [1, 2], 2);
    bootWith(cluster.node("b"), [1, 1, 1]);
    bootWith(cluster.node("c"), [1]);
    cluster.settle();
    expect(cluster.elect("a").state.currentTerm).to.equal(3);
  });
});

describe("§5.4.2 Committing entries from previous terms", () => {
  it("only log entries from the leader's current term are committed by counting replicas (Figure 8)", () => {
    // (c): S1 leads term 4 again and has replicated the entry of term 2 to a majority.
    const cluster = new CoreCluster(["s1", "s2", "s3", "s4", "s5"], { preVote: false });
    bootWith(cluster.node("s1"), [1, 2], 3);
    bootWith(cluster.node("s2"), [1, 2], 3);
    bootWith(cluster.node("s3"), [1], 3);
    bootWith(cluster.node("s4"), [1], 3);
    bootWith(cluster.node("s5"), [1, 3], 3);
    cluster.settle();
    const s1 = cluster.node("s1");
    // The entry of term 4 reaches nobody; that of term 2 is acknowledged by s2 and s3.
    cluster.loses = ({ kind, to }) => kind === "appendEntriesRequest" || to === "s5";
    s1.step({ kind: "campaign" });
    cluster.settle();
    expect(s1.state).to.include({ role: "leader", currentTerm: 4 });
    for (const from of ["s2", "s3"]) {
      s1.step({ kind: "receive", message: { kind: "appendEntriesMatched", from, to: "s1", term: 4, matchIndex: 2 } });
    }
    expect(s1.state.log.commitIndex).to.equal(0);

    // (d): so S5 may still be elected and overwrite it. It waits until nobody is loyal to s1 any more.
    s1.crash();
    cluster.heal();
    const s5 = cluster.node("s5");
    for (const id of ["s2", "s3", "s4"]) cluster.node(id).restart();
    cluster.settle();
    while (s5.state.role !== "leader") {
      s5.step({ kind: "campaign" });
      cluster.settle();
      expect(s5.state.currentTerm).to.be.lessThan(20);
    }
    cluster.tick(2);
    expect(termsOf(cluster.node("s2")).slice(0, 2)).to.deep.equal([1, 3]);
    expect(termsOf(cluster.node("s3")).slice(0, 2)).to.deep.equal([1, 3]);
  });

  it("once an entry of the current term is committed, all prior entries are committed indirectly (Figure 8 e)", () => {
    const cluster = new CoreCluster(["s1", "s2", "s3", "s4", "s5"], { preVote: false });
    bootWith(cluster.node("s1"), [1, 2], 3);
    bootWith(cluster.node("s2"), [1, 2], 3);
    for (const id of ["s3", "s4"]) bootWith(cluster.node(id), [1], 3);
    cluster.node("s5").crash();
    cluster.settle();
    cluster.elect("s1");
    expect(cluster.node("s1").state.log.commitIndex).to.equal(3);
    bootWith(cluster.node("s5"), [1, 3], 5);
    cluster.node("s5").step({ kind: "campaign" });
    cluster.settle();
    expect(cluster.node("s5").state.role).to.not.equal("leader");
  });
});

describe("Figure 2, persistent state: durable before an answer leaves", () => {
  it("an append is acknowledged when its write is durable, not before", () => {
    const cluster = ledByA();
    const [a, b] = [cluster.node("a"), cluster.node("b")];
    cluster.propose("a", "x");
    const request = a.collect().messages.find(({ to }) => to === "b");
    if (request === undefined) throw new Error("nothing was sent");
    cluster.deliver(request);
    expect(b.collect().messages).to.deep.equal([]);
    b.persist();
    const [answer] = b.collect().messages;
    expect(answer).to.include({ kind: "appendEntriesMatched", matchIndex: 2 });
  });

  it("an acknowledgement of the disk does not bless entries that were overwritten in between", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    const receive = (term: number, terms: readonly number[]): void => {
      b.step({
        kind: "receive",
        message: {
          kind: "appendEntriesRequest",
          from: `leader of ${term}`,
          to: "b",
          term,
          prevLogIndex: 0,
          prevLogTerm: 0,
          entries: terms.map((entryTerm, position) => ({
            kind: "noop",
            term: entryTerm,
            index: position + 1,
            time: 0,
          })),
          leaderCommit: 0,
        },
      });
      b.collect();
    };
    receive(1, [1, 1]);
    receive(2, [2, 2]);
    // The very entry of the first write is back, but it will be overwritten on disk before it is there again.
    receive(3, [1, 3]);
    b.persist();
    expect(b.state.log.persistedIndex).to.equal(0);
    b.persist();
    expect(b.state.log.persistedIndex).to.equal(0);
    b.persist();
    expect(b.state.log.persistedIndex).to.equal(2);
    expect(b.log).to.deep.equal(["1@1", "3@2"]);
  });
});
