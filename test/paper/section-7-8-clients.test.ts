/**
 * @module
 * §7 and §8 of the extended Raft paper, dissertation ch. 6: entries that are on disk only, proposals from any node,
 * linearizable reads. Snapshots: section-7-log-compaction.test.ts.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import { CoreCluster } from "../support/core-cluster.ts";
import { bytesOfText } from "../support/core-node.ts";
import { ledByA } from "./support.ts";

describe("entries that are no longer in memory", () => {
  it("are read back for a follower that lags", () => {
    const cluster = ledByA(["a", "b", "c"], { tailBytesMax: 50, appendBytesMax: 100 });
    cluster.isolate("c");
    for (let text = 0; text < 20; text += 1) cluster.propose("a", `${text}`);
    cluster.settle();
    const { log } = cluster.node("a").state;
    expect(log.tailFirst).to.be.greaterThan(15);
    cluster.heal();
    cluster.tick(3);
    expect(cluster.node("c").commands).to.have.length(20);
  });

  it("are read back for the state machine after a restart, each executed once", () => {
    const cluster = ledByA(["a"], { appendBytesMax: 100, applyingBytesMax: 120 });
    for (let text = 0; text < 20; text += 1) cluster.propose("a", `${text}`);
    cluster.settle();
    const a = cluster.node("a");
    const before = a.commands;
    a.crash();
    a.restart({ rebuilt: true });
    cluster.tick(2);
    expect(a.commands).to.deep.equal(before);
  });
});

describe("§8 Client interaction", () => {
  it("each leader commits a blank no-op entry at the start of its term", () => {
    const cluster = ledByA();
    expect(cluster.node("b").disk.applied.map(({ kind }) => kind)).to.deep.equal(["noop"]);
  });

  it("a follower hands a proposal to the leader, and executes it itself", () => {
    const cluster = ledByA();
    const b = cluster.node("b");
    cluster.propose("b", "x", 7);
    cluster.settle();
    expect(b.proposals.accepted).to.deep.equal([{ proposalId: 7, term: 1 }]);
    expect(b.commands).to.deep.equal(["x"]);
  });

  it("nobody hands a proposal on twice, and only the leader of the term it names appends it", () => {
    const cluster = ledByA();
    cluster.propose("b", "x", 7);
    cluster.turn(cluster.node("b"));
    const [forward] = cluster.network.splice(0);
    if (forward === undefined) throw new Error("nothing was handed on");
    // Before it arrives, a leads again in a later term.
    cluster.node("a").step({ kind: "transferLeadership", transferee: "c" });
    cluster.settle();
    cluster.node("c").step({ kind: "transferLeadership", transferee: "a" });
    cluster.settle();
    expect(cluster.node("a").state).to.include({ role: "leader", currentTerm: 3 });
    cluster.deliver(forward);
    cluster.settle();
    // Nor does it refuse: that an entry of a later term is applied says enough.
    expect(cluster.node("b").proposals.refused).to.deep.equal([]);
    expect(cluster.node("b").commands).to.deep.equal([]);
  });

  it("without a leader a proposal is refused", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    cluster.propose("a", "x", 7);
    cluster.settle();
    expect(cluster.node("a").proposals.refused).to.deep.equal([{ proposalId: 7, reason: "noLeader" }]);
  });

  it("uncommitted bytes are bounded, and given back when the entries are executed", () => {
    // An entry counts for 32 bytes and its command.
    const cluster = ledByA(["a", "b", "c"], { uncommittedBytesMax: 2 * 82 });
    cluster.isolate("a");
    for (let id = 1; id <= 4; id += 1) cluster.propose("a", "x".repeat(50), id);
    const a = cluster.node("a");
    cluster.turn(a);
    expect(a.proposals.accepted.map(({ proposalId }) => proposalId)).to.deep.equal([1, 2]);
    expect(a.proposals.refused.map(({ reason }) => reason)).to.deep.equal(["overloaded", "overloaded"]);
    cluster.heal();
    cluster.tick(3);
    expect(a.state.uncommittedBytes).to.equal(0);
    cluster.node("a").step({
      kind: "propose",
      proposalId: 9,
      proposal: { kind: "commands", commands: [bytesOfText("x".repeat(1000))] },
    });
    cluster.settle();
    // However large, one goes when nothing else is under way.
    expect(a.commands).to.have.length(3);
  });
});

describe("dissertation §6.4, linearizable reads", () => {
  it("the leader answers only after a majority has answered heartbeats sent after the ask", () => {
    const cluster = ledByA();
    const a = cluster.node("a");
    // Answers of an earlier round prove nothing.
    a.step({ kind: "readIndex", readId: 1 });
    cluster.settle();
    expect(a.granted).to.deep.equal([{ readId: 1, readIndex: 1 }]);
    a.step({ kind: "readIndex", readId: 2 });
    cluster.turn(a);
    const old = { kind: "heartbeatResponse", to: "a", term: 1, readRound: 1 } as const;
    for (const from of ["b", "c"]) a.step({ kind: "receive", message: { ...old, from } });
    cluster.turn(a);
    expect(a.granted).to.have.length(1);
    cluster.settle();
    expect(a.granted).to.have.length(2);
  });

  it("all reads that wait share one round", () => {
    const cluster = ledByA();
    const a = cluster.node("a");
    for (let readId = 1; readId <= 50; readId += 1) a.step({ kind: "readIndex", readId });
    expect(cluster.turn(a).messages).to.have.length(2);
    cluster.settle();
    expect(a.granted).to.have.length(50);
  });

  it("a leader that has committed nothing in its term waits with its answer", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    cluster.loses = ({ kind }) => kind === "appendEntriesRequest";
    const a = cluster.elect("a");
    a.step({ kind: "readIndex", readId: 1 });
    cluster.tick(3);
    expect(a.granted).to.deep.equal([]);
    cluster.heal();
    cluster.tick(3);
    expect(a.granted).to.deep.equal([{ readId: 1, readIndex: 1 }]);
  });

  it("a deposed leader does not answer from what it has; the read goes to the new one", () => {
    const cluster = ledByA();
    const a = cluster.node("a");
    cluster.isolate("a");
    a.step({ kind: "readIndex", readId: 1 });
    cluster.settle();
    expect(a.granted).to.deep.equal([]);
    cluster.tick(12, ["b", "c"]);
    cluster.elect("b");
    cluster.propose("b", "x");
    cluster.settle();
    cluster.heal();
    cluster.tick(5);
    expect(a.granted).to.deep.equal([{ readId: 1, readIndex: 3 }]);
  });

  it("is given up after two election timeouts, on a follower and on a leader without a quorum", () => {
    const cluster = new CoreCluster(["a", "b", "c"], { checkQuorum: false, pendingReadsMax: 1 });
    cluster.elect("a");
    cluster.loses = () => true;
    for (const id of ["a", "b"]) {
      const node = cluster.node(id);
      node.step({ kind: "readIndex", readId: 1 });
      cluster.tick(19, [id]);
      expect(node.readsRefused).to.deep.equal([]);
      cluster.tick(1, [id]);
      expect(node.readsRefused).to.deep.equal([1]);
      expect(node.state.reads).to.deep.include({ local: [], confirming: [] });
    }
    cluster.heal();
    cluster.node("a").step({ kind: "readIndex", readId: 2 });
    cluster.settle();
    expect(cluster.node("a").granted.map(({ readId }) => readId)).to.deep.equal([2]);
  });

  it("works at a follower, whose lost questions are asked again", () => {
    const cluster = ledByA();
    cluster.loses = ({ kind }) => kind === "readIndexRequest";
    const b = cluster.node("b");
    b.step({ kind: "readIndex", readId: 1 });
    cluster.settle();
    cluster.heal();
    expect(b.granted).to.deep.equal([]);
    cluster.tick(3);
    expect(b.granted).to.deep.equal([{ readId: 1, readIndex: 1 }]);
  });

  it("one that is asked twice is answered once, and each that is asked at all", () => {
    const cluster = ledByA();
    const b = cluster.node("b");
    for (const readId of [1, 2, 3]) b.step({ kind: "readIndex", readId });
    const { messages } = cluster.turn(b);
    const asked = messages.filter(({ kind }) => kind === "readIndexRequest");
    expect(asked).to.have.length(3);
    for (const message of asked) cluster.deliver(message);
    let answers = 0;
    cluster.loses = ({ kind }) => {
      if (kind === "readIndexResponse") answers += 1;
      return false;
    };
    cluster.settle();
    expect(b.granted.map(({ readId }) => readId)).to.deep.equal([1, 2, 3]);
    expect(answers).to.equal(3);
  });

  it("is asked again every second heartbeat, by who does not lead", () => {
    const cluster = ledByA();
    for (const id of ["a", "b"]) cluster.node(id).step({ kind: "readIndex", readId: 1 });
    const asked: string[] = [];
    cluster.loses = ({ kind, from, to }) => {
      if (kind === "readIndexRequest") asked.push(`${from} ${to}`);
      return kind === "readIndexRequest" || kind === "heartbeatResponse";
    };
    cluster.settle();
    cluster.tick(6);
    expect(asked).to.deep.equal(Array(4).fill("b a"));
  });

  it("asked without a leader, waits for one, within a bound", () => {
    const cluster = new CoreCluster(["a", "b", "c"], { pendingReadsMax: 2 });
    const b = cluster.node("b");
    for (const readId of [1, 2, 3]) b.step({ kind: "readIndex", readId });
    cluster.settle();
    expect(b.readsRefused).to.deep.equal([3]);
    cluster.elect("a");
    cluster.tick(3);
    expect(b.granted.map(({ readId }) => readId)).to.deep.equal([1, 2]);
  });

  it("an answer to an earlier process of the node is not taken for one to this", () => {
    const cluster = ledByA();
    const b = cluster.node("b");
    b.step({ kind: "readIndex", readId: 1 });
    const [question] = cluster.turn(b).messages;
    if (question?.kind !== "readIndexRequest") throw new Error("nothing was asked");
    b.crash();
    b.restart();
    cluster.loses = ({ kind }) => kind === "readIndexRequest";
    cluster.tick(2);
    b.step({ kind: "readIndex", readId: 1 });
    const answer = {
      kind: "readIndexResponse",
      from: "a",
      to: "b",
      term: 1,
      readId: question.readId,
      readIndex: 1,
    } as const;
    b.step({ kind: "receive", message: answer });
    cluster.turn(b);
    expect(b.granted).to.deep.equal([]);
  });

  it("a single voter answers at once", () => {
    const cluster = ledByA(["a"]);
    const a = cluster.node("a");
    a.step({ kind: "readIndex", readId: 1 });
    expect(a.collect().readsGranted).to.deep.equal([{ readId: 1, readIndex: 1 }]);
  });
});

describe("cluster time", () => {
  it("goes on from the last entry of the leader's log, by ticks alone, and never back", () => {
    const cluster = ledByA(["a", "b", "c"], { tickMs: 100 });
    cluster.tick(5);
    cluster.propose("a", "x");
    cluster.settle();
    cluster.tick(50);
    cluster.node("a").step({ kind: "transferLeadership", transferee: "b" });
    cluster.settle();
    cluster.tick(2);
    cluster.propose("b", "y");
    cluster.settle();
    expect(cluster.node("c").disk.applied.map(({ time }) => time)).to.deep.equal([0, 500, 500, 700]);
  });
});

describe("a leader whose own disk stands still", () => {
  it("hands over to the follower that goes on", () => {
    const cluster = ledByA(["a", "b", "c"], { electionTimeoutTicks: 4 });
    const a = cluster.node("a");
    a.persist = () => false;
    cluster.propose("a", "x");
    cluster.tick(12);
    expect(cluster.leaders.map(({ id }) => id)).to.not.include("a");
    expect(cluster.leaders).to.have.length(1);
  });

  it("or whose own state machine does, hands over as well", () => {
    const cluster = ledByA(["a", "b", "c"], { electionTimeoutTicks: 4 });
    const a = cluster.node("a");
    a.apply = () => false;
    cluster.tick(30);
    expect(a.state, "with nothing to execute").to.include({ role: "leader", currentTerm: 1 });
    for (let tick = 0; tick < 20 && a.state.role === "leader"; tick += 1) {
      cluster.propose("a", "x");
      cluster.tick(1);
    }
    expect(a.state.role).to.equal("follower");
    expect(cluster.leaders).to.have.length(1);
  });

  it("but not while it is merely slow", () => {
    const cluster = ledByA(["a", "b", "c"], { electionTimeoutTicks: 4, applyingBytesMax: 1 });
    const a = cluster.node("a");
    const apply = a.apply.bind(a);
    a.apply = () => false;
    for (let tick = 0; tick < 40; tick += 1) {
      cluster.propose("a", "x");
      cluster.tick(1);
      if (tick % 5 === 0) apply();
    }
    expect(a.state).to.include({ role: "leader", currentTerm: 1 });
    expect(a.state.log.appliedIndex).to.be.lessThan(a.state.log.commitIndex);
  });

  it("leads on when everybody's disk does", () => {
    const cluster = ledByA(["a", "b", "c"], { electionTimeoutTicks: 4 });
    for (const node of cluster.nodes) node.persist = () => false;
    cluster.propose("a", "x");
    cluster.tick(30);
    expect(cluster.node("a").state).to.include({ role: "leader", currentTerm: 1 });
  });
});
