/**
 * @module
 * Logs that others' systems lost or crept through: late appends, answers out of order, tails that differ, counters
 * that leak.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import type { Message } from "../../src/raft/message.ts";
import type { Entry } from "../../src/raft/types.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { bytesOfText, type CoreNode } from "../support/core-node.ts";

function entry(term: number, index: number): Entry {
  return { kind: "command", term, index, time: 0, command: bytesOfText(`${term}@${index}`) };
}

function append(term: number, entries: readonly Entry[], leaderCommit = 0): Message {
  return {
    kind: "appendEntriesRequest",
    from: "a",
    to: "b",
    term,
    prevLogIndex: 0,
    prevLogTerm: 0,
    entries,
    leaderCommit,
  };
}

function settledAt(node: CoreNode): void {
  node.collect();
  while (node.persist());
  node.collect();
}

describe("a late, shorter append that matches", () => {
  it("truncates nothing", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    b.step({ kind: "receive", message: append(1, [entry(1, 1), entry(1, 2), entry(1, 3)]) });
    settledAt(b);
    b.step({ kind: "receive", message: append(1, [entry(1, 1)], 1) });
    settledAt(b);
    expect(b.log).to.deep.equal(["1@1", "1@2", "1@3"]);
    expect(b.state.log.commitIndex).to.equal(1);
  });

  it("nor is anything written again, however much of it comes again", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    const entries = [entry(1, 1), entry(1, 2), entry(1, 3)];
    b.step({ kind: "receive", message: append(1, entries) });
    settledAt(b);
    for (const count of [3, 2, 1]) {
      b.step({ kind: "receive", message: append(1, entries.slice(0, count)) });
      const { append: written, messages } = b.collect();
      expect(written).to.equal(null);
      expect(messages[0]).to.include({ kind: "appendEntriesMatched", matchIndex: count });
    }
    b.step({ kind: "receive", message: append(1, [...entries, entry(1, 4)]) });
    expect(b.collect().append?.entries.map(({ index }) => index)).to.deep.equal([4]);
  });
});

describe("answers and requests out of order", () => {
  it("take neither a match nor a commit index back", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    const a = cluster.elect("a");
    const answers: Message[] = [];
    cluster.loses = (message) => {
      if (message.kind === "appendEntriesMatched") answers.push(message);
      return message.kind === "appendEntriesMatched";
    };
    for (const text of ["x", "y", "z"]) {
      cluster.propose("a", text);
      cluster.settle();
    }
    cluster.heal();
    for (const message of answers.toReversed()) {
      const before = { matches: a.state.progress.map(({ matchIndex }) => matchIndex), commit: a.state.log.commitIndex };
      cluster.deliver(message);
      expect(a.state.log.commitIndex).to.be.at.least(before.commit);
      for (const [position, { matchIndex }] of a.state.progress.entries()) {
        expect(matchIndex).to.be.at.least(before.matches[position] ?? 0);
      }
    }
    cluster.settle();
    expect(a.commands).to.deep.equal(["x", "y", "z"]);
  });

  it("an old heartbeat does not take a follower's commit index back", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    cluster.elect("a");
    cluster.propose("a", "x");
    cluster.settle();
    const { commitIndex } = cluster.node("b").state.log;
    const old = { kind: "heartbeatRequest", from: "a", to: "b", term: 1, leaderCommit: 1, readRound: 0 } as const;
    cluster.deliver(old);
    expect(cluster.node("b").state.log.commitIndex).to.equal(commitIndex);
  });
});

describe("a divergent tail of ten thousand entries", () => {
  /** Both start alike; then each has entries of its own, in terms that take turns when `terms` is more than one. */
  function tails(terms: number): { cluster: CoreCluster; rejections: () => number } {
    const cluster = new CoreCluster(["a", "b", "c"], {
      preVote: false,
      tailBytesMax: 1 << 24,
      appendBytesMax: 1 << 20,
    });
    const shared = [entry(1, 1), entry(1, 2)];
    const own = (first: number, step: number): Entry[] =>
      Array.from({ length: 10_000 }, (_, at) => {
        const run = Math.floor((at * terms) / 10_000);
        return entry(first + run * step, at + 3);
      });
    for (const [id, tail] of [
      ["a", own(3, 2)],
      ["b", own(2, 2)],
      ["c", own(3, 2)],
    ] as const) {
      const node = cluster.node(id);
      node.crash();
      node.disk.entries = [...shared, ...tail];
      node.disk.hardState = { currentTerm: 2 * terms + 3, votedFor: null };
      node.restart();
    }
    let rejected = 0;
    cluster.loses = ({ kind }) => {
      if (kind === "appendEntriesRejected") rejected += 1;
      return false;
    };
    return { cluster, rejections: () => rejected };
  }

  for (const [terms, most] of [
    [1, 3],
    [5, 12],
  ] as const) {
    it(`of ${terms} term${terms > 1 ? "s" : ""} is overwritten after at most ${most} rejections`, () => {
      const { cluster, rejections } = tails(terms);
      cluster.settle();
      const a = cluster.elect("a");
      cluster.tick(3);
      const ids = (node: CoreNode): string => JSON.stringify(node.log);
      expect(ids(cluster.node("b")) === ids(a)).to.equal(true);
      expect(rejections()).to.be.within(1, most);
    });
  }
});

describe("uncommitted bytes", () => {
  it("do not leak: a change of leader, older terms and many rounds leave nothing behind", () => {
    const cluster = new CoreCluster(["a", "b", "c"], { uncommittedBytesMax: 4096 });
    const large = "x".repeat(1500);
    let taken = 0;
    for (let round = 0; round < 30; round += 1) {
      const id = ["a", "b", "c"][round % 3] ?? "a";
      if (round % 5 === 0) {
        // Appended here alone: they are another leader's to overwrite, or this one's to commit later.
        cluster.loses = ({ kind }) => kind === "appendEntriesRequest";
        const leader = cluster.leaders[0];
        if (leader !== undefined) cluster.propose(leader.id, large, 1000 + round);
        cluster.settle();
        cluster.heal();
        for (const node of cluster.nodes) node.step({ kind: "peerDisconnected", peer: leader?.id ?? "" });
        cluster.tick(30);
      }
      cluster.propose(id, large, round);
      cluster.tick(2);
      taken += 1;
    }
    const [leader] = cluster.leaders;
    expect(leader?.state.uncommittedBytes).to.equal(0);
    expect(cluster.nodes.flatMap(({ proposals }) => proposals.refused).map(({ reason }) => reason)).to.not.include(
      "overloaded",
    );
    expect(leader?.commands.length).to.be.at.least(taken - 6);
  });

  it("of a deposed leader do not count when it leads again", () => {
    const cluster = new CoreCluster(["a", "b", "c"], { uncommittedBytesMax: 4096 });
    cluster.elect("a");
    cluster.isolate("a");
    cluster.propose("a", "x".repeat(4000));
    cluster.settle();
    expect(cluster.node("a").state.uncommittedBytes).to.be.greaterThan(4000);
    cluster.tick(40);
    cluster.heal();
    cluster.tick(5);
    cluster.leaders[0]?.step({ kind: "transferLeadership", transferee: "a" });
    cluster.settle();
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["a"]);
    expect(cluster.node("a").state.uncommittedBytes).to.equal(0);
  });
});

describe("a heartbeat to a follower whose log is longer and differs", () => {
  it("exposes no commit index beyond what is known to match there: what differs is never taken for committed", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    cluster.elect("b");
    cluster.isolate("b");
    for (const text of ["p", "q", "r"]) cluster.propose("b", text);
    cluster.settle();
    cluster.tick(40, ["a", "c"]);
    const leader = cluster.leaders.find(({ id }) => id !== "b");
    if (leader === undefined) throw new Error("nobody was elected");
    cluster.propose(leader.id, "x");
    cluster.settle();
    const told: number[] = [];
    // Only heartbeats reach b, so that its own tail is still there.
    cluster.loses = (message) => {
      if (message.kind === "heartbeatRequest" && message.to === "b") told.push(message.leaderCommit);
      return message.kind === "appendEntriesRequest" && message.to === "b";
    };
    cluster.tick(5);
    const b = cluster.node("b");
    expect(b.state).to.include({ role: "follower", leaderId: leader.id });
    expect(b.state.log.lastIndex).to.be.greaterThan(leader.state.log.commitIndex);
    expect(told.length).to.be.greaterThan(0);
    expect(Math.max(...told)).to.equal(0);
    expect(b.commands).to.deep.equal([]);
    cluster.heal();
    cluster.tick(5);
    for (const { commands } of cluster.nodes) expect(commands).to.deep.equal(["x"]);
  });
});

describe("a late word of the disk about an index that holds another term by now", () => {
  it("acknowledges nothing to the new leader: what it has sent is not on this disk yet", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    b.step({ kind: "receive", message: append(1, [entry(1, 1), entry(1, 2)]) });
    b.collect();
    b.step({ kind: "receive", message: { ...append(2, [entry(2, 1), entry(2, 2)], 2), from: "c" } });
    b.collect();
    // The first write is durable, with the same last index; the one that replaces it is not.
    b.persist();
    expect(b.state.log).to.include({ persistedIndex: 0, commitIndex: 2 });
    const { messages, apply } = b.collect();
    expect(messages.filter(({ term }) => term === 2)).to.deep.equal([]);
    expect(apply).to.deep.equal([]);
    b.persist();
    const later = b.collect();
    expect(later.messages).to.deep.include({
      kind: "appendEntriesMatched",
      from: "b",
      to: "c",
      term: 2,
      matchIndex: 2,
    });
    expect(later.apply.map(({ term, index }) => `${term}@${index}`)).to.deep.equal(["2@1", "2@2"]);
  });
});
