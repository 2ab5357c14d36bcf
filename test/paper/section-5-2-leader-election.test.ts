/**
 * @module
 * §5.1 and §5.2 of the extended Raft paper, and dissertation §6.2 and §9.6: a test per sentence.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import type { Message } from "../../src/raft/message.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { noneCommitted } from "../support/core-node.ts";
import { ledByA } from "./support.ts";

function kindsOf(messages: readonly Message[]): string[] {
  return messages.map(({ kind, to }) => `${kind}→${to}`);
}

describe("§5.1 Raft basics", () => {
  it("if one server's current term is smaller than the other's, then it updates its current term", () => {
    const cluster = ledByA();
    const b = cluster.node("b");
    b.step({
      kind: "receive",
      message: { kind: "heartbeatRequest", from: "c", to: "b", term: 7, leaderCommit: 0, readRound: 0 },
    });
    expect(b.state.currentTerm).to.equal(7);
    expect(b.state.leaderId).to.equal("c");
  });

  it("if a candidate or leader discovers that its term is out of date, it immediately reverts to follower state", () => {
    const cluster = ledByA();
    const a = cluster.node("a");
    const message = { kind: "appendEntriesMatched", from: "b", to: "a", term: 9, matchIndex: 0 } as const;
    a.step({ kind: "receive", message });
    expect(a.state.role).to.equal("follower");
    expect(a.state.currentTerm).to.equal(9);
  });

  it("if a server receives a request with a stale term number, it rejects the request", () => {
    const cluster = ledByA();
    const b = cluster.node("b");
    const before = b.state.log.lastIndex;
    b.step({
      kind: "receive",
      message: {
        kind: "appendEntriesRequest",
        from: "c",
        to: "b",
        term: 0,
        prevLogIndex: 1,
        prevLogTerm: 1,
        entries: [{ kind: "noop", term: 0, index: 2, time: 0 }],
        leaderCommit: 1,
      },
    });
    const { messages } = b.collect();
    expect(b.state.log.lastIndex).to.equal(before);
    expect(messages).to.deep.equal([{ kind: "appendEntriesMatched", from: "b", to: "c", term: 1, matchIndex: 0 }]);
  });
});

describe("§5.2 Leader election", () => {
  it("when servers start up, they begin as followers", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    expect(cluster.nodes.map(({ state }) => state.role)).to.deep.equal(["follower", "follower", "follower"]);
  });

  it("leaders send periodic heartbeats to all followers to maintain their authority", () => {
    const cluster = ledByA(["a", "b", "c"], { heartbeatTicks: 2 });
    const a = cluster.node("a");
    a.step({ kind: "tick" });
    expect(kindsOf(a.collect().messages)).to.deep.equal([]);
    a.step({ kind: "tick" });
    expect(kindsOf(a.collect().messages)).to.deep.equal(["heartbeatRequest→b", "heartbeatRequest→c"]);
  });

  it("a follower that receives no communication over the election timeout begins an election", () => {
    const cluster = new CoreCluster(["a", "b", "c"], { preVote: false });
    const a = cluster.node("a");
    for (let tick = 0; tick < 20; tick += 1) a.step({ kind: "tick" });
    expect(a.state.role).to.equal("candidate");
  });

  it("a follower remains in follower state as long as it receives valid messages from a leader", () => {
    const cluster = ledByA();
    cluster.tick(100);
    expect(cluster.node("a").state.currentTerm).to.equal(1);
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["a"]);
  });

  it("to begin an election, it increments its term, votes for itself and asks all others, once that is durable", () => {
    const cluster = new CoreCluster(["a", "b", "c"], { preVote: false });
    const a = cluster.node("a");
    a.step({ kind: "campaign" });
    const first = a.collect();
    expect(first.append?.hardState).to.deep.equal({ currentTerm: 1, votedFor: "a" });
    expect(first.messages).to.deep.equal([]);
    expect([...a.state.votes.keys()]).to.deep.equal([]);
    a.persist();
    expect(kindsOf(a.collect().messages)).to.deep.equal(["requestVoteRequest→b", "requestVoteRequest→c"]);
    expect([...a.state.votes.keys()]).to.deep.equal(["a"]);
  });

  it("a candidate wins if it receives votes from a majority in the full cluster for the same term", () => {
    for (const [voters, needed] of [
      [3, 1],
      [5, 2],
    ] as const) {
      const ids = ["a", "b", "c", "d", "e"].slice(0, voters);
      const a = new CoreCluster(ids, { preVote: false }).node("a");
      a.step({ kind: "campaign" });
      a.collect();
      a.persist();
      for (const from of ids.slice(1, 1 + needed)) {
        expect(a.state.role).to.equal("candidate");
        a.step({
          kind: "receive",
          message: { kind: "requestVoteResponse", committed: noneCommitted, from, to: "a", term: 1, voteGranted: true },
        });
      }
      expect(a.state.role).to.equal("leader");
    }
  });

  it("each server will vote for at most one candidate in a given term, first come first served", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    for (const from of ["a", "c"]) {
      b.step({
        kind: "receive",
        message: {
          kind: "requestVoteRequest",
          committed: noneCommitted,
          from,
          to: "b",
          term: 1,
          lastLogIndex: 0,
          lastLogTerm: 0,
          leadershipTransfer: false,
        },
      });
    }
    expect(b.collect().messages).to.deep.equal([]);
    b.persist();
    const answers = b
      .collect()
      .messages.map((message) => "voteGranted" in message && [message.to, message.voteGranted]);
    expect(answers).to.deep.equal([
      ["a", true],
      ["c", false],
    ]);
  });

  it("a vote survives a restart", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    const ask = (from: string): void =>
      b.step({
        kind: "receive",
        message: {
          kind: "requestVoteRequest",
          committed: noneCommitted,
          from,
          to: "b",
          term: 1,
          lastLogIndex: 0,
          lastLogTerm: 0,
          leadershipTransfer: false,
        },
      });
    ask("a");
    b.collect();
    b.crash(1);
    b.restart();
    ask("c");
    const [answer] = b.collect().messages;
    expect(answer).to.include({ kind: "requestVoteResponse", to: "c", voteGranted: false });
  });

  it("once a candidate wins, it sends to all others to establish its authority and prevent new elections", () => {
    const cluster = ledByA();
    expect(cluster.nodes.map(({ state }) => state.leaderId)).to.deep.equal(["a", "a", "a"]);
  });

  it("a candidate that hears a leader of a term at least as large as its own returns to follower state", () => {
    const a = new CoreCluster(["a", "b", "c"], { preVote: false }).node("a");
    a.step({ kind: "campaign" });
    a.step({
      kind: "receive",
      message: { kind: "heartbeatRequest", from: "b", to: "a", term: 1, leaderCommit: 0, readRound: 0 },
    });
    expect(a.state.role).to.equal("follower");
    expect(a.state.leaderId).to.equal("b");
  });

  it("a candidate that hears a leader of a smaller term continues in candidate state", () => {
    const a = new CoreCluster(["a", "b", "c"], { preVote: false }).node("a");
    a.step({ kind: "campaign" });
    a.step({
      kind: "receive",
      message: { kind: "heartbeatRequest", from: "b", to: "a", term: 0, leaderCommit: 0, readRound: 0 },
    });
    expect(a.state.role).to.equal("candidate");
  });

  it("if votes are split, each candidate times out and starts a new election by incrementing its term", () => {
    const cluster = new CoreCluster(["a", "b"], { preVote: false });
    for (const node of cluster.nodes) node.step({ kind: "campaign" });
    cluster.settle();
    expect(cluster.leaders).to.deep.equal([]);
    cluster.tick(40);
    expect(cluster.leaders).to.have.length(1);
    expect(cluster.leaders[0]?.state.currentTerm).to.be.greaterThan(1);
  });

  it("election timeouts are chosen randomly from a fixed interval, anew for each election", () => {
    const drawn = new Set<number>();
    const a = new CoreCluster(["a", "b", "c"], { preVote: false, electionTimeoutTicks: 10 }).node("a");
    for (let election = 0; election < 100; election += 1) {
      a.step({ kind: "campaign" });
      expect(a.state.randomizedTimeoutTicks).to.be.within(11, 19);
      drawn.add(a.state.randomizedTimeoutTicks);
    }
    expect(drawn.size).to.equal(9);
  });

  it("the same seed draws the same timeouts", () => {
    const draws = ["a", "a"].map((id) => {
      const { state } = new CoreCluster([id, "b", "c"], { seed: 5 }).node(id);
      return state.randomizedTimeoutTicks;
    });
    expect(draws[0]).to.equal(draws[1]);
  });
});

describe("dissertation §9.6, pre-votes", () => {
  it("a node that was cut off does not raise the term of the others when it comes back", () => {
    const cluster = ledByA();
    cluster.isolate("c");
    cluster.tick(100);
    cluster.heal();
    cluster.tick(5);
    expect(cluster.nodes.map(({ state }) => state.currentTerm)).to.deep.equal([1, 1, 1]);
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["a"]);
  });

  it("a pre-vote changes neither the term nor the vote of the node that is asked", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    b.step({
      kind: "receive",
      message: {
        kind: "preVoteRequest",
        committed: noneCommitted,
        from: "a",
        to: "b",
        term: 5,
        lastLogIndex: 0,
        lastLogTerm: 0,
      },
    });
    expect(b.state).to.include({ currentTerm: 0, votedFor: null });
    const [answer] = b.collect().messages;
    expect(answer).to.include({ kind: "preVoteResponse", voteGranted: true, term: 5 });
  });

  it("a pre-candidate behind the term of the others learns it from their refusal", () => {
    const a = new CoreCluster(["a", "b", "c"]).node("a");
    a.step({ kind: "campaign" });
    a.step({
      kind: "receive",
      message: { kind: "preVoteResponse", committed: noneCommitted, from: "b", to: "a", term: 8, voteGranted: false },
    });
    expect(a.state).to.include({ currentTerm: 8, role: "follower" });
  });

  it("a grant of an older campaign is not counted", () => {
    const a = new CoreCluster(["a", "b", "c"]).node("a");
    a.step({ kind: "campaign" });
    a.step({
      kind: "receive",
      message: { kind: "preVoteResponse", committed: noneCommitted, from: "b", to: "a", term: 9, voteGranted: true },
    });
    expect(a.state).to.include({ currentTerm: 0, role: "preCandidate" });
  });
});

describe("dissertation §6.2 and §4.2.3, the quorum is checked", () => {
  it("a leader steps down if an election timeout elapses without a round of heartbeats to a majority", () => {
    const cluster = ledByA();
    cluster.isolate("a");
    cluster.tick(20, ["a"]);
    expect(cluster.node("a").state.role).to.equal("follower");
  });

  it("it does so within one timeout after it heard a majority last, when that is checked each tick", () => {
    for (const [checkQuorum, ticksMax] of [["eachTick", 10] as const, [true, 19] as const]) {
      const cluster = ledByA(["a", "b", "c"], { checkQuorum });
      // In the middle of a window of the other way to check.
      cluster.tick(5);
      cluster.isolate("a");
      let ticks = 0;
      for (; cluster.node("a").state.role === "leader"; ticks += 1) cluster.tick(1, ["a"]);
      expect(ticks, String(checkQuorum)).to.be.at.most(ticksMax);
      expect(ticks, String(checkQuorum)).to.be.above(ticksMax - 10);
    }
  });

  it("the timeout counts from its election, not from when its campaign began", () => {
    const cluster = new CoreCluster(["a", "b", "c"], { preVote: false });
    const a = cluster.node("a");
    a.step({ kind: "campaign" });
    cluster.turn(a);
    cluster.work(a);
    cluster.turn(a);
    const requests = cluster.network.splice(0);
    for (let tick = 0; tick < 9; tick += 1) a.step({ kind: "tick" });
    for (const message of requests) cluster.deliver(message);
    cluster.settle();
    expect(a.state.role).to.equal("leader");
    cluster.isolate("a");
    cluster.tick(9, ["a"]);
    expect(a.state.role).to.equal("leader");
  });

  it("votes are no heartbeats: one that nobody has answered since its election steps down after the first timeout", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    cluster.loses = ({ kind }) => kind === "appendEntriesMatched" || kind === "heartbeatResponse";
    const a = cluster.elect("a");
    cluster.tick(9, ["a"]);
    expect(a.state.role).to.equal("leader");
    cluster.tick(1, ["a"]);
    expect(a.state.role).to.equal("follower");
  });

  it("a leader that still hears a majority leads on", () => {
    const cluster = ledByA();
    cluster.isolate("c");
    cluster.tick(50, ["a", "b"]);
    expect(cluster.node("a").state.role).to.equal("leader");
  });

  it("a server that hears a leader within the timeout ignores a request for its vote, and its term", () => {
    const cluster = ledByA();
    const b = cluster.node("b");
    b.step({
      kind: "receive",
      message: {
        kind: "requestVoteRequest",
        committed: noneCommitted,
        from: "c",
        to: "b",
        term: 7,
        lastLogIndex: 9,
        lastLogTerm: 6,
        leadershipTransfer: false,
      },
    });
    expect(b.state.currentTerm).to.equal(1);
    expect(b.collect().messages).to.deep.equal([]);
  });

  it("unless the leader itself has asked for the election (dissertation §3.10)", () => {
    const cluster = ledByA();
    const b = cluster.node("b");
    b.step({
      kind: "receive",
      message: {
        kind: "requestVoteRequest",
        committed: noneCommitted,
        from: "c",
        to: "b",
        term: 7,
        lastLogIndex: 9,
        lastLogTerm: 6,
        leadershipTransfer: true,
      },
    });
    expect(b.state).to.include({ currentTerm: 7, votedFor: "c" });
  });

  it("a node stuck at a higher term makes the leader begin a new one, so that it can follow", () => {
    const cluster = ledByA();
    const c = cluster.node("c");
    c.crash();
    c.disk.hardState = { currentTerm: 6, votedFor: "c" };
    c.restart();
    cluster.tick(60);
    expect(cluster.leaders).to.have.length(1);
    expect(c.state.leaderId).to.equal(cluster.leaders[0]?.id);
    expect(c.state.currentTerm).to.be.greaterThan(5);
  });
});
