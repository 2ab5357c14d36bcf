/**
 * @module
 * Leases of leaders (dissertation §6.4.1), and the rules without which they would lie.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import type { Message } from "../../src/raft/message.ts";
import type { CoreCluster } from "../support/core-cluster.ts";
import { type CoreNode, noneCommitted } from "../support/core-node.ts";
import { ledByA } from "./support.ts";

const electionTimeoutMs = 1000;
const leaseMs = 900;

function leasedByA(): CoreCluster {
  const cluster = ledByA(["a", "b", "c"], { voteHoldMs: electionTimeoutMs, checkQuorum: "eachTick" });
  cluster.tick(3);
  return cluster;
}

/** Does the node answer at once, as its clock stands, asking nobody? */
function answersAlone(node: CoreNode, nowMs: number, readId = 1): boolean {
  node.step({ kind: "clock", nowMs });
  node.step({ kind: "leaseRead", readId });
  node.collect();
  return node.granted.some((grant) => grant.readId === readId);
}

function voteRequest(term: number, to: string): Message {
  return {
    kind: "requestVoteRequest",
    committed: noneCommitted,
    from: "c",
    to,
    term,
    lastLogIndex: 99,
    lastLogTerm: 99,
    leadershipTransfer: false,
  };
}

function preVoteRequest(term: number, to: string): Message {
  return { kind: "preVoteRequest", committed: noneCommitted, from: "c", to, term, lastLogIndex: 99, lastLogTerm: 99 };
}

/** Whether the node gives the vote it is asked for, or would. */
function grants(node: CoreNode, message: Message): boolean {
  node.step({ kind: "receive", message });
  const said = [...node.collect().messages];
  while (node.persist()) said.push(...node.collect().messages);
  return said.some((answer) => "voteGranted" in answer && answer.voteGranted);
}

describe("dissertation §6.4.1, leases", () => {
  it("once its heartbeats were acknowledged by a majority, the leader answers reads without any communication", () => {
    const cluster = leasedByA();
    const a = cluster.node("a");
    a.step({ kind: "leaseRead", readId: 1 });
    expect(cluster.turn(a).messages).to.deep.equal([]);
    expect(a.granted).to.deep.equal([{ readId: 1, readIndex: a.state.log.commitIndex }]);
  });

  it("a follower asks the leader, and is answered at once", () => {
    const cluster = leasedByA();
    const b = cluster.node("b");
    b.step({ kind: "leaseRead", readId: 1 });
    const said: string[] = [];
    cluster.loses = ({ kind }) => {
      said.push(kind);
      return false;
    };
    cluster.settle();
    expect(said).to.deep.equal(["leaseReadRequest", "readIndexResponse"]);
    expect(b.granted).to.deep.equal([{ readId: 1, readIndex: cluster.node("a").state.log.commitIndex }]);
  });

  it("a linearizable read trusts no clock: a majority confirms the leader, lease or not", () => {
    const cluster = leasedByA();
    const a = cluster.node("a");
    a.step({ kind: "readIndex", readId: 1 });
    cluster.turn(a);
    expect(a.granted).to.deep.equal([]);
    cluster.settle();
    expect(a.granted).to.have.length(1);
  });

  it("the lease is counted from when the heartbeats were sent, however late the answers come", () => {
    const cluster = leasedByA();
    const a = cluster.node("a");
    const late: Message[] = [];
    cluster.loses = (message) => {
      if (message.kind === "heartbeatResponse") late.push(message);
      return message.kind === "heartbeatResponse";
    };
    cluster.tick(1);
    const sentAtMs = cluster.nowMs;
    a.step({ kind: "clock", nowMs: sentAtMs + leaseMs - 10 });
    for (const message of late) a.step({ kind: "receive", message });
    expect(answersAlone(a, sentAtMs + leaseMs - 1, 1)).to.equal(true);
    expect(answersAlone(a, sentAtMs + leaseMs, 2)).to.equal(false);
  });

  it("it is over before one of those who gave it may elect another, though no tick has passed at the leader", () => {
    const cluster = leasedByA();
    const heardAtMs = cluster.nowMs;
    cluster.isolate("a");
    expect(answersAlone(cluster.node("a"), heardAtMs + leaseMs, 1)).to.equal(false);
    const b = cluster.node("b");
    b.step({ kind: "clock", nowMs: heardAtMs + electionTimeoutMs - 1 });
    for (let tick = 0; tick < 10; tick += 1) b.step({ kind: "tick" });
    expect(grants(b, preVoteRequest(2, "b"))).to.equal(false);
    b.step({ kind: "clock", nowMs: heardAtMs + electionTimeoutMs });
    expect(grants(b, preVoteRequest(2, "b"))).to.equal(true);
    expect(grants(b, voteRequest(2, "b"))).to.equal(true);
  });

  it("without a lease, a read that would do with one is confirmed like a linearizable one", () => {
    const cluster = leasedByA();
    const a = cluster.node("a");
    cluster.nowMs += leaseMs;
    a.step({ kind: "clock", nowMs: cluster.nowMs });
    a.step({ kind: "leaseRead", readId: 1 });
    cluster.turn(a);
    expect(a.granted).to.deep.equal([]);
    cluster.settle();
    expect(a.granted).to.have.length(1);
  });

  it("a leader that has committed nothing in its term has none (§8)", () => {
    const cluster = ledByA(["a", "b", "c"], { voteHoldMs: electionTimeoutMs });
    cluster.tick(15, ["a"]);
    cluster.loses = ({ kind }) => kind === "appendEntriesRequest";
    cluster.node("a").step({ kind: "transferLeadership", transferee: "b" });
    cluster.settle();
    cluster.tick(3);
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["b"]);
    expect(answersAlone(cluster.node("b"), cluster.nowMs)).to.equal(false);
    cluster.heal();
    cluster.tick(2);
    expect(cluster.node("b").granted).to.have.length(1);
  });

  it("a leader alone keeps no lease, and one that is deposed loses it at once", () => {
    const cluster = leasedByA();
    cluster.isolate("a");
    cluster.tick(9, ["a"]);
    expect(answersAlone(cluster.node("a"), cluster.nowMs)).to.equal(false);

    const other = leasedByA();
    const a = other.node("a");
    a.step({ kind: "receive", message: { kind: "heartbeatResponse", from: "b", to: "a", term: 9, readRound: 0 } });
    expect(answersAlone(a, other.nowMs)).to.equal(false);
  });
});

describe("what a lease rests on", () => {
  it("a node that has heard a leader elects nobody, itself included, for an election timeout by its clock, not by ticks", () => {
    const cluster = leasedByA();
    const b = cluster.node("b");
    for (let tick = 0; tick < 50; tick += 1) b.step({ kind: "tick" });
    b.step({ kind: "campaign" });
    expect(b.state.role).to.equal("follower");
    expect(grants(b, preVoteRequest(2, "b"))).to.equal(false);
    expect(grants(b, voteRequest(2, "b"))).to.equal(false);
    expect(b.state.currentTerm).to.equal(1);
    b.step({ kind: "clock", nowMs: cluster.nowMs + electionTimeoutMs });
    b.step({ kind: "tick" });
    expect(b.state.role).to.equal("preCandidate");
  });

  it("nor when it has forgotten the leader: a reset connection begins no early campaign", () => {
    const cluster = leasedByA();
    const b = cluster.node("b");
    b.step({ kind: "peerDisconnected", peer: "a" });
    cluster.node("a").crash();
    cluster.tick(9);
    expect(b.state.role).to.equal("follower");
    expect(b.state.currentTerm).to.equal(1);
    cluster.tick(40);
    expect(cluster.leaders).to.have.length(1);
  });

  it("nor for an election timeout after its start: it may have given its word just before", () => {
    const cluster = leasedByA();
    const b = cluster.node("b");
    b.crash();
    b.restart();
    expect(grants(b, preVoteRequest(2, "b")), "before it knows the time").to.equal(false);
    b.step({ kind: "clock", nowMs: cluster.nowMs });
    b.step({ kind: "clock", nowMs: cluster.nowMs + electionTimeoutMs - 1 });
    b.step({ kind: "campaign" });
    expect(b.state.role).to.equal("follower");
    expect(grants(b, preVoteRequest(2, "b"))).to.equal(false);
    expect(grants(b, voteRequest(2, "b"))).to.equal(false);
    b.step({ kind: "clock", nowMs: cluster.nowMs + electionTimeoutMs });
    expect(grants(b, voteRequest(2, "b"))).to.equal(true);
  });

  it("a leader that has told another to campaign has no lease in that term any more, whatever becomes of it", () => {
    const cluster = leasedByA();
    cluster.loses = ({ kind }) => kind === "timeoutNowRequest";
    const a = cluster.node("a");
    a.step({ kind: "transferLeadership", transferee: "b" });
    cluster.settle();
    expect(answersAlone(a, cluster.nowMs, 1)).to.equal(false);
    cluster.tick(30);
    expect(a.state).to.include({ role: "leader", transferee: null, currentTerm: 1 });
    expect(answersAlone(a, cluster.nowMs, 2)).to.equal(false);
  });

  it("who campaigns because the leader told it to is elected at once, and leads with a lease", () => {
    const cluster = leasedByA();
    cluster.node("a").step({ kind: "transferLeadership", transferee: "b" });
    cluster.settle();
    cluster.tick(2);
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["b"]);
    expect(answersAlone(cluster.node("b"), cluster.nowMs)).to.equal(true);
  });

  it("a quorum is one of the members of now: of a joint configuration, of both halves", () => {
    const cluster = leasedByA();
    cluster.change("a", {
      steps: [
        { kind: "remove", nodeId: "b" },
        { kind: "remove", nodeId: "c" },
      ],
      transition: "jointExplicit",
    });
    cluster.settle();
    const a = cluster.node("a");
    expect(a.state.configuration).to.deep.include({ voters: ["a"], votersOutgoing: ["a", "b", "c"] });
    cluster.isolate("a");
    cluster.tick(9, ["a"]);
    expect(answersAlone(a, cluster.nowMs)).to.equal(false);
  });
});

describe("without lease reads", () => {
  it("a read that would do with a lease is confirmed by a majority, at the leader and at a follower", () => {
    const cluster = ledByA();
    cluster.tick(3);
    for (const id of ["a", "b"]) {
      const node = cluster.node(id);
      node.step({ kind: "leaseRead", readId: 1 });
      cluster.turn(node);
      expect(node.granted).to.deep.equal([]);
      const rounds = cluster.node("a").state.reads.round;
      cluster.settle();
      expect(node.granted).to.have.length(1);
      expect(cluster.node("a").state.reads.round).to.be.at.least(Math.max(1, rounds));
    }
    expect(cluster.node("a").state.reads.round).to.equal(2);
  });
});
