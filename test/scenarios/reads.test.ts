/**
 * @module
 * Reads that would lie, or never be answered. Leases: `lease-reads.test.ts`; answers to an earlier process:
 * `test/paper/section-7-8-clients.test.ts`; a follower that is behind: `test/actors/stepped-cluster.test.ts`.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import type { Message } from "../../src/raft/message.ts";
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
