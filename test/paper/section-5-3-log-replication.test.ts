/**
 * @module
 * §5.3 of the extended Raft paper, Figure 7, and dissertation §10.2: a test per sentence.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import { CoreCluster } from "../support/core-cluster.ts";
import { bytesOfText } from "../support/core-node.ts";
import { bootWith, commandEntry, ledByA, termsOf } from "./support.ts";

function repeated(term: number, times: number): number[] {
  return Array.from({ length: times }, () => term);
}

describe("§5.3 Log replication", () => {
  it("the leader appends the command as a new entry, then issues AppendEntries in parallel to each other server", () => {
    const cluster = ledByA();
    const a = cluster.node("a");
    cluster.propose("a", "x");
    const { append, messages } = a.collect();
    expect(append?.entries.map(({ index }) => index)).to.deep.equal([2]);
    expect(messages.map(({ kind, to }) => `${kind}→${to}`)).to.deep.equal([
      "appendEntriesRequest→b",
      "appendEntriesRequest→c",
    ]);
  });

  it("all commands that came in one turn leave in one append a follower and one write", () => {
    const cluster = ledByA();
    const a = cluster.node("a");
    for (const text of ["x", "y", "z"]) cluster.propose("a", text);
    const { append, messages } = a.collect();
    expect(append?.entries).to.have.length(3);
    expect(messages).to.have.length(2);
  });

  it("an entry is committed once the leader has replicated it on a majority of the servers", () => {
    const cluster = ledByA(["a", "b", "c", "d", "e"]);
    const a = cluster.node("a");
    cluster.propose("a", "x");
    a.collect();
    a.persist();
    const matched = (from: string): void =>
      a.step({ kind: "receive", message: { kind: "appendEntriesMatched", from, to: "a", term: 1, matchIndex: 2 } });
    matched("b");
    expect(a.state.log.commitIndex).to.equal(1);
    matched("c");
    expect(a.state.log.commitIndex).to.equal(2);
  });

  it("the leader's own disk is one vote of the majority, and only with what is durable", () => {
    const cluster = ledByA();
    const a = cluster.node("a");
    cluster.propose("a", "x");
    a.collect();
    a.step({ kind: "receive", message: { kind: "appendEntriesMatched", from: "b", to: "a", term: 1, matchIndex: 2 } });
    expect(a.state.log.commitIndex).to.equal(1);
    a.persist();
    expect(a.state.log.commitIndex).to.equal(2);
  });

  it("a quorum of followers commits while the leader's own disk is still writing (dissertation §10.2.1)", () => {
    const cluster = ledByA();
    const a = cluster.node("a");
    cluster.propose("a", "x");
    a.collect();
    for (const from of ["b", "c"]) {
      a.step({ kind: "receive", message: { kind: "appendEntriesMatched", from, to: "a", term: 1, matchIndex: 2 } });
    }
    expect(a.state.log.commitIndex).to.equal(2);
    // It is not executed here before it is durable here.
    expect(a.collect().apply).to.deep.equal([]);
    a.persist();
    expect(a.collect().apply.map(({ index }) => index)).to.deep.equal([2]);
  });

  it("the leader includes the highest index it knows to be committed, so that the others find out", () => {
    const cluster = ledByA();
    cluster.propose("a", "x");
    cluster.settle();
    expect(cluster.nodes.map(({ state }) => state.log.commitIndex)).to.deep.equal([2, 2, 2]);
    expect(cluster.nodes.map(({ commands }) => commands)).to.deep.equal([["x"], ["x"], ["x"]]);
  });

  it("if followers crash or packets are lost, the leader retries until all followers store all entries", () => {
    const cluster = ledByA();
    cluster.loses = ({ to }) => to === "c";
    cluster.propose("a", "x");
    cluster.settle();
    expect(cluster.node("a").state.log.commitIndex).to.equal(2);
    cluster.heal();
    cluster.tick(3);
    expect(cluster.node("c").commands).to.deep.equal(["x"]);
  });

  it("if the follower has no entry with the same index and term, it refuses the new entries", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    const b = cluster.node("b");
    bootWith(b, [1, 1]);
    b.step({
      kind: "receive",
      message: {
        kind: "appendEntriesRequest",
        from: "a",
        to: "b",
        term: 2,
        prevLogIndex: 3,
        prevLogTerm: 2,
        entries: [commandEntry(2, 4)],
        leaderCommit: 0,
      },
    });
    b.collect();
    b.persist();
    const { messages } = b.collect();
    expect(messages).to.deep.equal([
      {
        kind: "appendEntriesRejected",
        from: "b",
        to: "a",
        term: 2,
        prevLogIndex: 3,
        hint: { index: 2, term: 1 },
      },
    ]);
    expect(b.log).to.deep.equal(["1@1", "1@2"]);
  });

  it("an existing entry that conflicts with a new one is deleted, with all that follow it", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    bootWith(b, [1, 2, 2]);
    b.step({
      kind: "receive",
      message: {
        kind: "appendEntriesRequest",
        from: "a",
        to: "b",
        term: 3,
        prevLogIndex: 1,
        prevLogTerm: 1,
        entries: [commandEntry(3, 2)],
        leaderCommit: 0,
      },
    });
    b.collect();
    b.persist();
    expect(b.log).to.deep.equal(["1@1", "3@2"]);
  });

  it("a late, shorter request that matches deletes nothing", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    bootWith(b, [1, 1, 1]);
    b.step({
      kind: "receive",
      message: {
        kind: "appendEntriesRequest",
        from: "a",
        to: "b",
        term: 1,
        prevLogIndex: 0,
        prevLogTerm: 0,
        entries: [commandEntry(1, 1)],
        leaderCommit: 0,
      },
    });
    expect(b.collect().append).to.equal(null);
    expect(b.state.log.lastIndex).to.equal(3);
  });

  it("a follower's commit index is the least of the leader's and of the last new entry", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    bootWith(b, [1, 1, 1]);
    b.step({
      kind: "receive",
      message: {
        kind: "appendEntriesRequest",
        from: "a",
        to: "b",
        term: 2,
        prevLogIndex: 1,
        prevLogTerm: 1,
        entries: [],
        leaderCommit: 3,
      },
    });
    expect(b.state.log.commitIndex).to.equal(1);
  });

  it("a leader never overwrites or deletes entries in its own log (Leader Append-Only)", () => {
    const cluster = ledByA();
    cluster.propose("a", "x");
    cluster.settle();
    const before = cluster.node("a").log;
    cluster.isolate("a");
    cluster.propose("a", "y");
    cluster.settle();
    expect(cluster.node("a").log.slice(0, before.length)).to.deep.equal(before);
  });

  // The followers of Figure 7, whose leader has the log 1 1 1 4 4 5 5 6 6 6.
  const figure7: readonly (readonly [string, readonly number[], number])[] = [
    ["a: misses an entry", [1, 1, 1, 4, 4, 5, 5, 6, 6], 6],
    ["b: misses many", [1, 1, 1, 4], 4],
    ["c: has an uncommitted entry more", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6], 6],
    ["d: has entries of a later term more", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7], 7],
    ["e: misses some and has others", [1, 1, 1, 4, 4, 4, 4], 4],
    ["f: has two terms that nobody else has", [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3], 3],
  ];
  for (const [name, terms, term] of figure7) {
    it(`the leader brings a follower's log into consistency with its own (Figure 7, ${name})`, () => {
      const cluster = new CoreCluster(["leader", "other", "follower"], { preVote: false });
      bootWith(cluster.node("leader"), [1, 1, 1, 4, 4, 5, 5, 6, 6, 6], 7);
      bootWith(cluster.node("other"), [1, 1, 1, 4, 4, 5, 5, 6, 6, 6], 7);
      bootWith(cluster.node("follower"), terms, term);
      cluster.settle();
      cluster.elect("leader");
      cluster.tick(2);
      expect(termsOf(cluster.node("follower"))).to.deep.equal([1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 8]);
    });
  }

  it("rejections bypass all conflicting entries of a term: one round trip a term, not one an entry", () => {
    const cluster = new CoreCluster(["a", "b", "c"], { preVote: false });
    const shared = [1, 1, 1];
    bootWith(cluster.node("a"), [...shared, ...repeated(3, 500)]);
    bootWith(cluster.node("c"), [...shared, ...repeated(3, 500)]);
    bootWith(cluster.node("b"), [...shared, ...repeated(2, 1000)], 3);
    let rejections = 0;
    cluster.loses = ({ kind }) => {
      if (kind === "appendEntriesRejected") rejections += 1;
      return false;
    };
    cluster.settle();
    cluster.elect("a");
    cluster.tick(2);
    expect(termsOf(cluster.node("b"))).to.deep.equal([...shared, ...repeated(3, 500), 4]);
    expect(rejections).to.be.within(1, 3);
  });

  it("appends follow each other without waiting for answers, within a window (dissertation §10.2.2)", () => {
    const cluster = ledByA(["a", "b", "c"], { inflightMessagesMax: 3 });
    const a = cluster.node("a");
    let sent = 0;
    for (let proposal = 0; proposal < 10; proposal += 1) {
      cluster.propose("a", `${proposal}`);
      sent += a.collect().messages.filter(({ kind, to }) => kind === "appendEntriesRequest" && to === "b").length;
    }
    expect(sent).to.equal(3);
  });

  it("the window is bounded by bytes, too", () => {
    const cluster = ledByA(["a", "b", "c"], { inflightBytesMax: 100 });
    const a = cluster.node("a");
    let sent = 0;
    for (let proposal = 0; proposal < 10; proposal += 1) {
      cluster.propose("a", "x".repeat(60));
      sent += a.collect().messages.filter(({ to }) => to === "b").length;
    }
    expect(sent).to.equal(2);
  });

  it("an append is bounded by bytes but takes one entry at least", () => {
    const cluster = ledByA(["a", "b", "c"], { appendBytesMax: 100 });
    const commands = ["x".repeat(500), "y", "z"].map(bytesOfText);
    cluster.node("a").step({ kind: "propose", proposalId: 1, proposal: { kind: "commands", commands } });
    const sizes = cluster
      .node("a")
      .collect()
      .messages.flatMap((message) =>
        message.kind === "appendEntriesRequest" && message.to === "b" ? [message.entries.length] : [],
      );
    expect(sizes).to.deep.equal([1, 2]);
  });
});

describe("heartbeats", () => {
  it("are as many ticks apart as is asked for", () => {
    const cluster = ledByA(["a", "b", "c"], { heartbeatTicks: 3 });
    const a = cluster.node("a");
    const sent: number[] = [];
    for (let tick = 1; tick <= 9; tick += 1) {
      a.step({ kind: "tick" });
      if (cluster.turn(a).messages.some(({ kind }) => kind === "heartbeatRequest")) sent.push(tick);
      cluster.settle();
    }
    expect(sent).to.deep.equal([3, 6, 9]);
  });

  it("never tell a follower of a commit index beyond what is known to match there", () => {
    const cluster = ledByA();
    cluster.loses = ({ to, kind }) => to === "c" && kind === "appendEntriesRequest";
    cluster.propose("a", "x");
    cluster.tick(3);
    expect(cluster.node("a").state.log.commitIndex).to.equal(2);
    expect(cluster.node("c").state.log.commitIndex).to.equal(1);
  });

  it("free a window whose appends were all lost", () => {
    const cluster = ledByA(["a", "b", "c"], { inflightMessagesMax: 2 });
    cluster.loses = ({ to }) => to === "c";
    for (const text of ["u", "v", "w", "x"]) {
      cluster.propose("a", text);
      cluster.settle();
    }
    cluster.heal();
    cluster.tick(4);
    expect(cluster.node("c").commands).to.deep.equal(["u", "v", "w", "x"]);
  });
});
