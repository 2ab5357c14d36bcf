/**
 * @module
 * Elections that others' systems got wrong: terms and votes forgotten, pre-votes that deadlock or starve, links that
 * are cut one by one.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import type { Message } from "../../src/raft/message.ts";
import type { Entry } from "../../src/raft/types.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { type CoreNode, configurationOf, memberOf, noneCommitted } from "../support/core-node.ts";

function ledBy(id: string, ids: readonly string[] = ["a", "b", "c"]): CoreCluster {
  const cluster = new CoreCluster(ids);
  cluster.elect(id);
  return cluster;
}

function voteRequest(from: string, term: number): Message {
  return {
    kind: "requestVoteRequest",
    committed: noneCommitted,
    from,
    to: "b",
    term,
    lastLogIndex: 9,
    lastLogTerm: 1,
    leadershipTransfer: false,
  };
}

function votesOf(node: CoreNode): string[] {
  const answers: string[] = [];
  for (const message of node.collect().messages) {
    if (message.kind === "requestVoteResponse") answers.push(`${message.to} ${message.voteGranted}`);
  }
  return answers;
}

describe("a vote that is not durable before the reply", () => {
  it("is not given: whoever crashes before the write has promised nothing, and may vote for another", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    b.step({ kind: "receive", message: voteRequest("a", 2) });
    expect(votesOf(b), "the write is under way").to.deep.equal([]);
    b.crash();
    b.restart();
    b.step({ kind: "receive", message: voteRequest("c", 2) });
    b.collect();
    b.persist();
    expect(votesOf(b)).to.deep.equal(["c true"]);
  });

  it("is kept by whoever crashes after it: there are never two leaders of a term", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    b.step({ kind: "receive", message: voteRequest("a", 2) });
    b.collect();
    b.persist();
    expect(votesOf(b)).to.deep.equal(["a true"]);
    b.crash();
    b.restart();
    b.step({ kind: "receive", message: voteRequest("c", 2) });
    expect(votesOf(b)).to.deep.equal(["c false"]);
  });
});

describe("pre-votes", () => {
  it("do not deadlock with a pre-candidate of a higher term whose log is shorter", () => {
    const cluster = ledBy("a");
    const c = cluster.node("c");
    // c was a candidate alone for some terms, as a version without pre-votes would leave it.
    cluster.isolate("c");
    cluster.propose("a", "x");
    cluster.settle();
    c.crash();
    c.disk.hardState = { currentTerm: 9, votedFor: "c" };
    c.restart();
    cluster.node("a").crash();
    cluster.heal();
    cluster.tick(60);
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["b"]);
    expect(c.commands).to.deep.equal(["x"]);
  });

  it("do not starve: one that asks for ever and cannot win does not keep the others from asking", () => {
    const cluster = ledBy("a");
    cluster.isolate("c");
    cluster.propose("a", "x");
    cluster.settle();
    cluster.node("a").crash();
    cluster.heal();
    const { b, c } = { b: cluster.node("b"), c: cluster.node("c") };
    // c, whose log is shorter, asks before each of b's timeouts.
    for (let tick = 0; tick < 60 && b.state.role !== "leader"; tick += 1) {
      if (tick % 3 === 0) c.step({ kind: "campaign" });
      cluster.tick(1, ["b"]);
    }
    expect(b.state.role).to.equal("leader");
  });

  it("raise no terms while one link of three is cut, and the leader stays", () => {
    const cluster = ledBy("a");
    cluster.loses = ({ from, to }) => from !== "b" && to !== "b" && from !== to;
    cluster.tick(30);
    const settledTerm = Math.max(...cluster.nodes.map(({ state }) => state.currentTerm));
    expect(cluster.leaders).to.have.length(1);
    const [leader] = cluster.leaders;
    cluster.tick(200);
    expect(cluster.leaders).to.deep.equal([leader]);
    expect(Math.max(...cluster.nodes.map(({ state }) => state.currentTerm))).to.be.at.most(settledTerm + 1);
    cluster.propose("b", "goes on");
    cluster.settle();
    expect(cluster.node("b").commands).to.deep.equal(["goes on"]);
  });
});

describe("a leader that is cut off", () => {
  it("steps down, and takes no entries that would make its log grow", () => {
    const cluster = ledBy("a");
    const a = cluster.node("a");
    cluster.isolate("a");
    for (let round = 0; round < 40; round += 1) {
      cluster.propose("a", `${round}`, round);
      cluster.tick(1);
    }
    expect(a.state.role).to.not.equal("leader");
    const { lastIndex } = a.state.log;
    for (let round = 40; round < 60; round += 1) {
      cluster.propose("a", `${round}`, round);
      cluster.tick(1);
    }
    expect(a.state.log.lastIndex).to.equal(lastIndex);
    expect(a.proposals.refused.at(-1)?.reason).to.equal("noLeader");
  });
});

describe("a transfer of leadership", () => {
  it("to a target that is dead ends after an election timeout, and the leader takes proposals again", () => {
    const cluster = ledBy("a");
    cluster.node("c").crash();
    cluster.node("a").step({ kind: "transferLeadership", transferee: "c" });
    cluster.propose("a", "refused", 1);
    cluster.tick(11);
    cluster.propose("a", "taken", 2);
    cluster.settle();
    expect(cluster.node("a").proposals.refused).to.deep.equal([{ proposalId: 1, reason: "transferring" }]);
    expect(cluster.node("b").commands).to.deep.equal(["taken"]);
  });

  it("to a target that lags is given up in time, and what the target hears late does not depose anybody twice", () => {
    const cluster = ledBy("a");
    const late: Message[] = [];
    cluster.loses = (message) => {
      const isLate = message.to === "c" && message.kind === "appendEntriesRequest";
      if (isLate) late.push(message);
      return isLate;
    };
    cluster.propose("a", "x");
    cluster.node("a").step({ kind: "transferLeadership", transferee: "c" });
    cluster.tick(11);
    expect(cluster.node("a").state.transferee).to.equal(null);
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["a"]);
    cluster.heal();
    for (const message of late) cluster.deliver(message);
    cluster.tick(5);
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["a"]);
    expect(cluster.node("c").commands).to.deep.equal(["x"]);
  });
});

describe("a reply from before a restart, applied after it", () => {
  it("elects nobody: a vote of an earlier campaign is of its term", () => {
    const cluster = new CoreCluster(["a", "b", "c"], { preVote: false });
    const a = cluster.node("a");
    a.step({ kind: "campaign" });
    a.collect();
    a.persist();
    const requests = a.collect().messages;
    for (const message of requests) cluster.deliver(message);
    const b = cluster.node("b");
    b.collect();
    b.persist();
    const [vote] = b.collect().messages;
    if (vote?.kind !== "requestVoteResponse") throw new Error("b has not voted");
    a.crash();
    a.restart();
    cluster.deliver(vote);
    expect(a.state.role).to.equal("follower");
    a.step({ kind: "campaign" });
    a.collect();
    a.persist();
    cluster.deliver(vote);
    expect(a.state.currentTerm).to.equal(vote.term + 1);
    expect(a.state.role).to.equal("candidate");
  });

  it("acknowledges nothing: a match of an earlier leadership is of its term", () => {
    const cluster = ledBy("a");
    const a = cluster.node("a");
    const answers: Message[] = [];
    cluster.loses = (message) => {
      if (message.kind === "appendEntriesMatched") answers.push(message);
      return message.kind === "appendEntriesMatched";
    };
    cluster.propose("a", "x");
    cluster.settle();
    a.crash();
    a.restart();
    cluster.heal();
    for (const id of ["b", "c"]) cluster.node(id).step({ kind: "peerDisconnected", peer: "a" });
    // The log that a has found is looked through first.
    cluster.settle();
    cluster.elect("a");
    const match = a.state.progress.map(({ matchIndex }) => matchIndex);
    for (const message of answers) cluster.deliver(message);
    expect(a.state.progress.map(({ matchIndex }) => matchIndex)).to.deep.equal(match);
  });
});

describe("a log that is longer and ends in an older term", () => {
  it("does not win against one that is shorter and ends in a later term: term and index are one comparison", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    const entriesOf = (terms: readonly number[]): Entry[] =>
      terms.map((term, at) => ({ kind: "noop", term, index: at + 1, time: 0 }));
    // a's last term began after b had gathered what nobody took; c has what a has.
    for (const [id, terms] of [
      ["a", [1, 3]],
      ["b", [1, 2, 2, 2, 2]],
      ["c", [1, 3]],
    ] as const) {
      const node = cluster.node(id);
      node.crash();
      node.disk.entries = entriesOf(terms);
      node.disk.hardState = { currentTerm: 3, votedFor: null };
      node.restart();
    }
    cluster.settle();
    cluster.node("b").step({ kind: "campaign" });
    cluster.settle();
    expect(cluster.leaders).to.deep.equal([]);
    cluster.elect("a");
    cluster.tick(2);
    for (const { log } of cluster.nodes) expect(log).to.deep.equal(["1@1", "3@2", "4@3"]);
  });
});

describe("a learner that was promoted and does not know it yet", () => {
  it("gives its vote when it is asked: without it the voters that are left could elect nobody", () => {
    const cluster = new CoreCluster(["a", "b", "c"], {}, configurationOf(["a", "b"], ["c"]));
    cluster.elect("a");
    cluster.tick(2);
    // c gets the entry and never hears that it is committed.
    cluster.loses = (message) => message.to === "c" && message.kind === "heartbeatRequest";
    const step = { kind: "addVoter", nodeId: "c", member: memberOf("c") } as const;
    cluster.change("a", { steps: [step], transition: "auto" });
    for (let round = 0; round < 20; round += 1) {
      for (const node of cluster.nodes) {
        cluster.turn(node);
        if (node.id !== "c") cluster.work(node);
        else while (node.persist());
        cluster.turn(node);
      }
      for (const message of cluster.network.splice(0)) cluster.deliver(message);
    }
    expect(cluster.node("b").state.configuration.voters).to.deep.equal(["a", "b", "c"]);
    const c = cluster.node("c");
    expect(c.state.configuration.learners).to.deep.equal(["c"]);
    cluster.node("a").crash();
    // As if its state machine stood still, so that it goes on without knowing.
    c.apply = () => false;
    cluster.heal();
    cluster.tick(60);
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["b"]);
  });
});
