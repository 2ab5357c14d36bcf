/**
 * @module
 * Dissertation §3.8 and §3.10: what a server may forget, and how leadership is handed over.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import type { Message } from "../../src/raft/message.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { configurationOf } from "../support/core-node.ts";
import { ledByA } from "./support.ts";

describe("dissertation §3.8, persisted state and server restarts", () => {
  it("a server that forgets its commit index learns it anew, and executes nothing before", () => {
    const cluster = ledByA();
    for (const text of ["x", "y"]) cluster.propose("a", text);
    cluster.settle();
    const b = cluster.node("b");
    b.crash();
    b.restart({ rebuilt: true });
    cluster.work(b);
    expect(b.state.log).to.include({ commitIndex: 0, appliedIndex: 0, lastIndex: 3 });
    expect(b.commands).to.deep.equal([]);
    cluster.tick(1);
    expect(b.commands).to.deep.equal(["x", "y"]);
  });

  it("a state that survives goes on where it was: no command is executed twice", () => {
    const cluster = ledByA();
    cluster.propose("a", "x");
    cluster.settle();
    for (const node of cluster.nodes) {
      node.crash();
      node.restart();
    }
    cluster.elect("c");
    cluster.propose("c", "y");
    cluster.settle();
    for (const { commands } of cluster.nodes) expect(commands).to.deep.equal(["x", "y"]);
  });
});

describe("dissertation §3.10, leadership transfer", () => {
  it("the target leads at once, in the next term, with all entries", () => {
    const cluster = ledByA();
    cluster.propose("a", "x");
    cluster.node("a").step({ kind: "transferLeadership", transferee: "b" });
    cluster.settle();
    expect(cluster.node("b").state).to.include({ role: "leader", currentTerm: 2 });
    expect(cluster.node("b").commands).to.deep.equal(["x"]);
  });

  it("may be asked of a follower", () => {
    const cluster = ledByA();
    cluster.node("c").step({ kind: "transferLeadership", transferee: "b" });
    cluster.settle();
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["b"]);
  });

  it("the prior leader stops accepting proposals, and goes on after an election timeout without success", () => {
    const cluster = ledByA();
    cluster.loses = ({ from, to }) => from === "c" || to === "c";
    const a = cluster.node("a");
    a.step({ kind: "transferLeadership", transferee: "c" });
    cluster.propose("a", "x", 1);
    cluster.settle();
    expect(a.proposals.refused).to.deep.equal([{ proposalId: 1, reason: "transferring" }]);
    cluster.tick(10);
    cluster.propose("a", "y", 2);
    cluster.settle();
    expect(a.commands).to.deep.equal(["y"]);
  });

  it("to a learner, to itself or to nobody known is ignored", () => {
    const cluster = new CoreCluster(["a", "b"], {}, configurationOf(["a"], ["b"]));
    cluster.elect("a");
    for (const transferee of ["a", "b", "nobody"]) cluster.node("a").step({ kind: "transferLeadership", transferee });
    cluster.propose("a", "x");
    cluster.settle();
    expect(cluster.node("a").commands).to.deep.equal(["x"]);
  });

  it("the prior leader updates the target's log to match its own before it tells it to campaign", () => {
    const cluster = ledByA();
    cluster.isolate("c");
    for (const text of ["x", "y"]) cluster.propose("a", text);
    cluster.settle();
    const lastIndexes: number[] = [];
    cluster.loses = ({ kind }) => {
      if (kind === "timeoutNowRequest") lastIndexes.push(cluster.node("c").state.log.persistedIndex);
      return false;
    };
    cluster.node("a").step({ kind: "transferLeadership", transferee: "c" });
    cluster.settle();
    expect(lastIndexes).to.deep.equal([3]);
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["c"]);
  });

  it("the target campaigns without waiting for its timeout, and without asking whether it would win", () => {
    const cluster = ledByA();
    const said: Message[] = [];
    cluster.loses = (message) => {
      if (message.from === "b") said.push(message);
      return false;
    };
    cluster.node("a").step({ kind: "transferLeadership", transferee: "b" });
    cluster.settle();
    const asked = said.filter(({ kind }) => kind.endsWith("oteRequest"));
    expect(asked.map(({ to }) => to)).to.deep.equal(["a", "c"]);
    for (const request of asked) {
      expect(request).to.include({ kind: "requestVoteRequest", term: 2, leadershipTransfer: true });
    }
  });

  it("the target's request tells the prior leader of the new term, in which it steps down", () => {
    const cluster = ledByA();
    cluster.loses = ({ from, to }) => from === "b" && to === "c";
    cluster.node("a").step({ kind: "transferLeadership", transferee: "b" });
    cluster.settle();
    expect(cluster.node("a").state).to.include({ role: "follower", currentTerm: 2, votedFor: "b", transferee: null });
  });

  it("a target that campaigns after the prior leader has given up costs an election, and nothing that is committed", () => {
    const cluster = ledByA();
    const late: Message[] = [];
    cluster.loses = (message) => {
      if (message.kind === "timeoutNowRequest") late.push(message);
      return message.kind === "timeoutNowRequest";
    };
    const a = cluster.node("a");
    a.step({ kind: "transferLeadership", transferee: "b" });
    cluster.tick(10);
    expect(a.state.transferee).to.equal(null);
    cluster.propose("a", "x");
    cluster.settle();
    cluster.heal();
    expect(late).to.have.length(1);
    for (const message of late) cluster.deliver(message);
    cluster.settle();
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["b"]);
    for (const { commands } of cluster.nodes) expect(commands).to.deep.equal(["x"]);
  });

  it("another target takes the place of the one before, which is told nothing any more", () => {
    const cluster = ledByA();
    cluster.isolate("c");
    cluster.propose("a", "x");
    cluster.settle();
    const a = cluster.node("a");
    a.step({ kind: "transferLeadership", transferee: "c" });
    cluster.settle();
    cluster.heal();
    a.step({ kind: "transferLeadership", transferee: "b" });
    cluster.settle();
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["b"]);
    expect(cluster.node("c").state).to.include({ role: "follower", leaderId: "b" });
  });

  it("a target that has not heard of the term yet campaigns in the one after it", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    b.step({ kind: "receive", message: { kind: "timeoutNowRequest", from: "a", to: "b", term: 5 } });
    expect(b.state).to.include({ role: "candidate", currentTerm: 6 });
  });

  it("ends at once when the target is removed meanwhile: the leader takes proposals again", () => {
    const cluster = ledByA();
    const a = cluster.node("a");
    cluster.loses = ({ to }) => to === "c";
    cluster.change("a", { steps: [{ kind: "remove", nodeId: "c" }], transition: "auto" });
    cluster.turn(a);
    a.step({ kind: "transferLeadership", transferee: "c" });
    cluster.settle();
    expect(a.state).to.include({ role: "leader", transferee: null });
    cluster.propose("a", "x");
    cluster.settle();
    expect(cluster.node("b").commands).to.deep.equal(["x"]);
  });
});
