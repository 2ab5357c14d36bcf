/**
 * @module
 * Reads that would lie, or never be answered. Leases: `lease-reads.test.ts`.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import type { Message } from "../../src/raft/message.ts";
import { answered, put, read, threeVoters } from "../actors/support/three-voters.ts";
import { CoreCluster } from "../support/core-cluster.ts";

function ledByA(): CoreCluster {
  const cluster = new CoreCluster(["a", "b", "c"]);
  cluster.elect("a");
  return cluster;
}

describe("a read index before an entry of the leader's own term is committed", () => {
  it("is not given: what the last leader has acknowledged may lie above what this one knows to be committed", () => {
    const cluster = ledByA();
    const [a, b] = [cluster.node("a"), cluster.node("b")];
    const index = a.state.log.lastIndex + 1;
    const tellsB = (message: Message): boolean => "leaderCommit" in message && message.leaderCommit >= index;
    cluster.loses = (message) => message.to === "c" || tellsB(message);
    cluster.propose("a", "acknowledged");
    cluster.settle();
    expect(a.commands).to.deep.equal(["acknowledged"]);
    expect(b.state.log.commitIndex).to.be.lessThan(index);

    a.crash();
    cluster.loses = ({ kind }) => kind === "appendEntriesRequest";
    for (let tick = 0; tick < 100 && b.state.role !== "leader"; tick += 1) cluster.tick(1);
    expect(b.state.role).to.equal("leader");
    b.step({ kind: "readIndex", readId: 1 });
    cluster.settle();
    expect(b.granted).to.deep.equal([]);
    cluster.heal();
    cluster.tick(3);
    expect(b.granted).to.have.length(1);
    expect(b.granted[0]?.readIndex).to.be.greaterThan(index);
  });
});

describe("a confirmation that began before the ask", () => {
  it("confirms only what was asked before it", () => {
    const cluster = ledByA();
    const a = cluster.node("a");
    a.step({ kind: "readIndex", readId: 1 });
    cluster.turn(a);
    const heartbeats = cluster.network.splice(0);
    for (const message of heartbeats) cluster.deliver(message);
    for (const id of ["b", "c"]) cluster.turn(cluster.node(id));
    const answers = cluster.network.splice(0);
    expect(answers.map(({ kind }) => kind)).to.deep.equal(["heartbeatResponse", "heartbeatResponse"]);
    a.step({ kind: "readIndex", readId: 2 });
    cluster.turn(a);
    for (const message of answers) cluster.deliver(message);
    cluster.turn(a);
    expect(a.granted.map(({ readId }) => readId)).to.deep.equal([1]);
    cluster.settle();
    expect(a.granted.map(({ readId }) => readId)).to.deep.equal([1, 2]);
  });
});

describe("a read during an election", () => {
  it("is not dropped in silence: it is granted by the next leader, or given back", () => {
    const cluster = ledByA();
    const [a, b] = [cluster.node("a"), cluster.node("b")];
    b.step({ kind: "readIndex", readId: 1 });
    a.crash();
    b.step({ kind: "readIndex", readId: 2 });
    cluster.tick(60);
    const settled = [...b.granted.map(({ readId }) => readId), ...b.readsRefused];
    expect(settled).to.have.members([1, 2]);
    expect(b.state.reads).to.deep.include({ local: [], confirming: [] });
  });
});

describe("an answer under an id that an earlier process of the node has used", () => {
  it("is not there: the next process counts elsewhere, and what was asked before its start answers nothing after it", () => {
    const cluster = ledByA();
    const c = cluster.node("c");
    const answers: Message[] = [];
    cluster.loses = (message) => {
      if (message.kind === "readIndexResponse") answers.push(message);
      return message.kind === "readIndexResponse";
    };
    for (let readId = 1; readId <= 20; readId += 1) c.step({ kind: "readIndex", readId });
    cluster.settle();
    expect(answers).to.have.length(20);
    c.crash();
    c.restart();
    c.granted = [];
    cluster.tick(1);
    cluster.propose("a", "acknowledged");
    cluster.settle();
    for (let readId = 1; readId <= 20; readId += 1) c.step({ kind: "readIndex", readId });
    cluster.turn(c);
    cluster.network.length = 0;
    for (const message of answers.splice(0)) cluster.deliver(message);
    cluster.turn(c);
    expect(c.granted).to.deep.equal([]);
    cluster.heal();
    cluster.tick(3);
    expect(c.granted).to.have.length(20);
    for (const { readIndex } of c.granted) expect(readIndex).to.equal(cluster.node("a").disk.appliedIndex);
  });
});

describe("a follower whose state has not reached what was acknowledged elsewhere", () => {
  it("answers only when it has: until then the read waits, however long", async () => {
    const { cluster, nodes } = await threeVoters();
    const [leader, , behind] = nodes;
    if (leader === undefined || behind === undefined) throw new RangeError("three nodes");
    cluster.setPaused(behind.id, true);
    cluster.setDown(behind.id, true);
    expect(await answered(cluster, leader, put("a", "acknowledged"))).to.deep.include({ kind: "applied" });
    cluster.setPaused(behind.id, false);
    const readId = behind.ask(read);
    await cluster.pass(5);
    expect(behind.answers.has(readId)).to.equal(false);
    expect(behind.read("a")).to.equal(undefined);
    cluster.setDown(behind.id, false);
    await cluster.until("answer", () => behind.answers.has(readId));
    expect(behind.answers.get(readId)).to.deep.equal({ kind: "readable" });
    expect(behind.read("a")).to.equal("acknowledged");
  });
});
