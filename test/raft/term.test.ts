import { expect } from "chai";
import { describe, it } from "mocha";
import type { Message } from "../../src/raft/message.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { type CoreNode, noneCommitted } from "../support/core-node.ts";

function heartbeat(term: number, from = "a"): Message {
  return { kind: "heartbeatRequest", from, to: "b", term, leaderCommit: 0, readRound: 0 };
}

function voteRequest(term: number, leadershipTransfer = false): Message {
  const last = { lastLogIndex: 9, lastLogTerm: 9, committed: noneCommitted };
  return { kind: "requestVoteRequest", from: "c", to: "b", term, ...last, leadershipTransfer };
}

/** What it says to each message, durably. */
function answers(node: CoreNode, message: Message): string[] {
  node.step({ kind: "receive", message });
  const said = [...node.collect().messages];
  while (node.persist());
  said.push(...node.collect().messages);
  return said.map(({ kind, term }) => `${kind} ${term}`);
}

describe("a follower that has heard its leader", () => {
  it("disregards who asks for its vote for an election timeout, unless the leader hands over", () => {
    for (const [ticks, heeded] of [
      [9, false],
      [10, true],
    ] as const) {
      const b = new CoreCluster(["a", "b", "c"]).node("b");
      answers(b, heartbeat(1));
      b.state.randomizedTimeoutTicks = 19;
      for (let tick = 0; tick < ticks; tick += 1) b.step({ kind: "tick" });
      expect(answers(b, voteRequest(2)), `after ${ticks} ticks`).to.deep.equal(heeded ? ["requestVoteResponse 2"] : []);
      expect(b.state.votedFor).to.equal(heeded ? "c" : null);
    }
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    answers(b, heartbeat(1));
    expect(answers(b, voteRequest(2, true))).to.deep.equal(["requestVoteResponse 2"]);
    expect(b.state).to.include({ votedFor: "c", currentTerm: 2 });
  });

  it("disregards nobody where no quorum is checked, or while it knows of no leader", () => {
    const unchecked = new CoreCluster(["a", "b", "c"], { checkQuorum: false }).node("b");
    answers(unchecked, heartbeat(1));
    expect(answers(unchecked, voteRequest(2))).to.deep.equal(["requestVoteResponse 2"]);
    const leaderless = new CoreCluster(["a", "b", "c"]).node("b");
    expect(answers(leaderless, voteRequest(2))).to.deep.equal(["requestVoteResponse 2"]);
  });
});

describe("a message of an old term", () => {
  it("of a leader is answered where a node may have gone ahead of it unheard, so that the leader steps down", () => {
    for (const [options, expected] of [
      [{ preVote: true, checkQuorum: false }, ["appendEntriesMatched 5"]],
      [{ preVote: false, checkQuorum: true }, ["appendEntriesMatched 5"]],
      [{ preVote: false, checkQuorum: false }, []],
    ] as const) {
      const b = new CoreCluster(["a", "b", "c"], options).node("b");
      answers(b, heartbeat(5, "c"));
      expect(answers(b, heartbeat(4))).to.deep.equal(expected);
      expect(b.state.leaderId).to.equal("c");
    }
  });

  it("of a candidate is refused, and any other has no answer", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    answers(b, heartbeat(5));
    expect(answers(b, voteRequest(4))).to.deep.equal(["requestVoteResponse 5"]);
    expect(b.state.votedFor).to.equal(null);
    expect(answers(b, { kind: "timeoutNowRequest", from: "a", to: "b", term: 4 })).to.deep.equal([]);
    expect(b.state.role).to.equal("follower");
  });
});

describe("a new term", () => {
  it("leaves nothing of the one before", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    const b = cluster.elect("b");
    const { state } = b;
    state.votes.set("c", false);
    Object.assign(state, {
      electionElapsedTicks: 7,
      heartbeatElapsedTicks: 3,
      randomizedTimeoutTicks: 0,
      transferee: "c",
      pendingConfigurationIndex: 5,
      leavingIndex: 6,
      uncommittedBytes: 7,
    });
    state.stall.stalledTicks = 8;
    b.step({ kind: "receive", message: heartbeat(4) });
    expect(state).to.deep.include({
      role: "follower",
      currentTerm: 4,
      votedFor: null,
      leaderId: "a",
      electionElapsedTicks: 0,
      heartbeatElapsedTicks: 0,
      transferee: null,
      pendingConfigurationIndex: 0,
      leavingIndex: 0,
      uncommittedBytes: 0,
      progress: [],
    });
    expect(state.votes.size).to.equal(0);
    expect(state.stall.stalledTicks).to.equal(0);
    expect(state.randomizedTimeoutTicks).to.be.within(11, 19);
  });

  it("begins for a leader with what it has itself, and nothing of an earlier lead", () => {
    const b = new CoreCluster(["b"]).node("b");
    const { state } = b;
    Object.assign(state, { ticksSinceElected: 99, earlyTimeoutsLeft: 1 });
    state.takenForwards.lastIds.set("a 0", 7);
    b.step({ kind: "campaign" });
    b.collect();
    b.persist();
    expect(state).to.include({
      role: "leader",
      leaderId: "b",
      votedFor: "b",
      currentTerm: 1,
      earlyTimeoutsLeft: 0,
      ticksSinceElected: 0,
      electedAt: 0,
      pendingConfigurationIndex: 0,
      leavingIndex: 0,
    });
    expect(state.takenForwards).to.deep.include({ term: 1 });
    expect(state.takenForwards.lastIds.size).to.equal(0);
    expect(state.progress[0]).to.include({ id: "b", kind: "replicate", matchIndex: 0, recentActive: true });
  });
});
