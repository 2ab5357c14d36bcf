/**
 * @module
 * §6 of the extended Raft paper: members come and go. Sentence by sentence from the dissertation: dissertation-4.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import { bootstrap } from "../../src/raft/bootstrap.ts";
import { emptyConfiguration } from "../../src/raft/types.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { configurationOf, memberOf, noneCommitted } from "../support/core-node.ts";
import { ledByA } from "./support.ts";

describe("a cluster begins", () => {
  it("by an entry that makes its first node the only voter, which leads without waiting for a timeout", () => {
    const cluster = new CoreCluster(["a"], {}, emptyConfiguration);
    bootstrap(cluster.node("a").state, memberOf("a"));
    cluster.settle();
    const { state } = cluster.node("a");
    expect(state).to.include({ role: "leader", currentTerm: 2 });
    expect(state.configuration).to.deep.equal(configurationOf(["a"]));
  });

  it("goes on when the founder crashed between writing that entry and executing it", () => {
    const cluster = new CoreCluster(["a"], {}, emptyConfiguration);
    const a = cluster.node("a");
    bootstrap(a.state, memberOf("a"));
    a.collect();
    a.crash(1);
    a.restart();
    cluster.settle();
    expect(a.state.role).to.equal("leader");
  });

  it("a single voter leads again at the first tick after a restart", () => {
    const cluster = new CoreCluster(["a"]);
    cluster.tick(1);
    cluster.propose("a", "x");
    cluster.settle();
    cluster.node("a").crash();
    cluster.node("a").restart();
    cluster.tick(1);
    expect(cluster.node("a").state.role).to.equal("leader");
    expect(cluster.node("a").commands).to.deep.equal(["x"]);
  });
});

describe("dissertation §4.1 and §4.2", () => {
  it("a node joins as a learner and is promoted by the leader once it has caught up", () => {
    const cluster = new CoreCluster(["a"], {}, emptyConfiguration);
    bootstrap(cluster.node("a").state, memberOf("a"));
    cluster.settle();
    cluster.propose("a", "x");
    cluster.add("b");
    cluster.change("a", { steps: [{ kind: "addLearner", nodeId: "b", member: memberOf("b") }], transition: "auto" });
    cluster.settle();
    expect(cluster.node("a").state.configuration).to.deep.include({ voters: ["a"], learners: ["b"] });
    cluster.tick(4);
    expect(cluster.node("b").state.configuration).to.deep.include({ voters: ["a", "b"], learners: [] });
    expect(cluster.node("b").commands).to.deep.equal(["x"]);
  });

  it("a learner that is to stay one is not promoted, does not count and does not campaign", () => {
    const cluster = new CoreCluster(["a", "b"], {}, configurationOf(["a"], ["b"]));
    cluster.elect("a");
    cluster.node("b").crash();
    cluster.propose("a", "x");
    cluster.tick(30);
    expect(cluster.node("a").commands).to.deep.equal(["x"]);
    cluster.node("b").restart();
    cluster.node("a").crash();
    cluster.tick(100);
    expect(cluster.node("b").state.role).to.equal("follower");
  });

  it("a learner that is asked for its vote gives it: it may have been promoted without knowing", () => {
    const b = new CoreCluster(["a", "b"], {}, configurationOf(["a"], ["b"])).node("b");
    const message = {
      kind: "requestVoteRequest",
      committed: noneCommitted,
      from: "a",
      to: "b",
      term: 1,
      lastLogIndex: 0,
      lastLogTerm: 0,
    } as const;
    b.step({ kind: "receive", message: { ...message, leadershipTransfer: false } });
    expect(b.state.votedFor).to.equal("a");
  });

  it("nor does it stay loyal to a leader that has been silent for an election timeout", () => {
    const cluster = new CoreCluster(["a", "b", "c"], {}, configurationOf(["a", "b"], ["c"]));
    cluster.elect("a");
    const c = cluster.node("c");
    for (let tick = 0; tick < 200; tick += 1) {
      c.step({ kind: "tick" });
      if (tick < 10) continue;
      const request = {
        kind: "preVoteRequest",
        committed: noneCommitted,
        from: "b",
        to: "c",
        term: 2,
        lastLogIndex: 1,
        lastLogTerm: 1,
      } as const;
      c.step({ kind: "receive", message: request });
      expect(c.collect().messages[0], `after ${tick} ticks`).to.include({ kind: "preVoteResponse", voteGranted: true });
    }
  });

  it("one change at a time, and none before an entry of the leader's own term is committed", () => {
    const cluster = ledByA();
    const remove = (nodeId: string) => ({ steps: [{ kind: "remove", nodeId } as const], transition: "auto" as const });
    const a = cluster.node("a");
    cluster.change("a", remove("b"), 1);
    cluster.change("a", remove("c"), 2);
    cluster.turn(a);
    expect(a.proposals).to.deep.equal({
      accepted: [{ proposalId: 1, term: 1 }],
      refused: [{ proposalId: 2, reason: "configurationPending" }],
    });
    const fresh = new CoreCluster(["a", "b", "c"]);
    fresh.loses = ({ kind }) => kind === "appendEntriesRequest";
    fresh.elect("a");
    fresh.change("a", remove("c"), 3);
    fresh.settle();
    expect(fresh.node("a").proposals.refused).to.deep.equal([{ proposalId: 3, reason: "configurationPending" }]);
  });

  it("refused changes say why", () => {
    const cluster = new CoreCluster(["a", "b"], {}, configurationOf(["a"], ["b"]));
    cluster.elect("a");
    const remove = (nodeId: string, proposalId: number): void =>
      cluster.change("a", { steps: [{ kind: "remove", nodeId }], transition: "auto" }, proposalId);
    remove("a", 1);
    remove("nobody", 2);
    cluster.change("a", { steps: [], transition: "auto" }, 3);
    cluster.settle();
    expect(cluster.node("a").proposals.refused).to.deep.equal([
      { proposalId: 1, reason: "lastVoter" },
      { proposalId: 2, reason: "invalidConfiguration" },
      { proposalId: 3, reason: "invalidConfiguration" },
    ]);
  });

  it("a removed leader leads until those that remain know of it, then steps down (§4.2.2)", () => {
    const cluster = ledByA(["a", "b"]);
    cluster.change("a", { steps: [{ kind: "remove", nodeId: "a" }], transition: "auto" });
    cluster.settle();
    expect(cluster.node("a").state.role).to.equal("follower");
    expect(cluster.node("b").state.configuration.voters).to.deep.equal(["b"]);
    cluster.tick(2);
    expect(cluster.node("b").state.role).to.equal("leader");
    cluster.tick(50);
    expect(cluster.node("a").state.role).to.equal("follower");
  });

  it("who remains alone leaves it the time to take its leave, and campaigns when it is gone", () => {
    const cluster = ledByA(["a", "b"]);
    cluster.change("a", { steps: [{ kind: "remove", nodeId: "a" }], transition: "auto" });
    const b = cluster.node("b");
    cluster.loses = ({ from, kind }) =>
      from === "b" && b.state.configuration.voters.length === 1 && kind !== "preVoteRequest";
    cluster.settle();
    expect(b.state.configuration.voters).to.deep.equal(["b"]);
    expect(cluster.node("a").state.role).to.equal("leader");
    for (let tick = 0; tick < 5; tick += 1) cluster.tick(1);
    expect(b.state).to.include({ role: "follower", leaderId: "a" });
    cluster.node("a").crash();
    cluster.tick(20);
    expect(b.state.role).to.equal("leader");
  });

  it("a removed node does not disturb the cluster (§4.2.3)", () => {
    const cluster = ledByA();
    cluster.loses = ({ to }) => to === "c";
    cluster.change("a", { steps: [{ kind: "remove", nodeId: "c" }], transition: "auto" });
    cluster.settle();
    cluster.heal();
    cluster.tick(100);
    expect(cluster.node("a").state).to.include({ role: "leader", currentTerm: 1 });
  });
});

describe("§6, joint consensus", () => {
  it("several voters change through a joint configuration that is left by itself", () => {
    const cluster = ledByA();
    for (const id of ["d", "e"]) cluster.add(id, configurationOf(["a", "b", "c"]));
    cluster.change("a", {
      steps: [
        { kind: "remove", nodeId: "b" },
        { kind: "addVoter", nodeId: "d", member: memberOf("d") },
        { kind: "addVoter", nodeId: "e", member: memberOf("e") },
      ],
      transition: "auto",
    });
    cluster.tick(3);
    for (const id of ["a", "c", "d", "e"]) {
      expect(cluster.node(id).state.configuration, id).to.deep.equal(configurationOf(["a", "c", "d", "e"]));
    }
  });

  it("which the leader does as soon as it is applied, without waiting for a tick", () => {
    const cluster = ledByA();
    cluster.add("d", configurationOf(["a", "b", "c"]));
    const added = { kind: "addVoter", nodeId: "d", member: memberOf("d") } as const;
    cluster.change("a", { steps: [added, { kind: "remove", nodeId: "b" }], transition: "auto" });
    cluster.settle();
    expect(cluster.node("a").state.configuration).to.deep.equal(configurationOf(["a", "c", "d"]));
  });

  it("agreement requires separate majorities from both the old and the new configuration", () => {
    const cluster = ledByA();
    for (const id of ["d", "e", "f"]) cluster.add(id, configurationOf(["a", "b", "c"]));
    const steps = ["d", "e", "f"].map((nodeId) => ({ kind: "addVoter", nodeId, member: memberOf(nodeId) }) as const);
    cluster.change("a", {
      steps: [...steps, { kind: "remove", nodeId: "b" }, { kind: "remove", nodeId: "c" }],
      transition: "jointExplicit",
    });
    cluster.settle();
    expect(cluster.node("a").state.configuration.votersOutgoing).to.deep.equal(["a", "b", "c"]);
    cluster.loses = ({ from, to }) => [from, to].some((id) => id === "b" || id === "c");
    cluster.propose("a", "x");
    cluster.settle();
    // The whole incoming half has it; the outgoing half has not.
    expect(cluster.node("a").commands).to.deep.equal([]);
    cluster.heal();
    cluster.tick(2);
    expect(cluster.node("a").commands).to.deep.equal(["x"]);
    cluster.change("a", { steps: [], transition: "auto" });
    cluster.settle();
    expect(cluster.node("a").state.configuration).to.deep.equal(configurationOf(["a", "d", "e", "f"]));
  });
});

describe("a restart with a state that fell behind its log", () => {
  it("does not let a former only voter elect itself: changes followed by another are committed", () => {
    const cluster = new CoreCluster(["a"], {}, emptyConfiguration);
    bootstrap(cluster.node("a").state, memberOf("a"));
    cluster.settle();
    for (const nodeId of ["b", "c"]) {
      cluster.add(nodeId);
      cluster.change("a", { steps: [{ kind: "addVoter", nodeId, member: memberOf(nodeId) }], transition: "auto" });
      cluster.tick(2);
    }
    const a = cluster.node("a");
    a.crash();
    a.restart({ rebuilt: true });
    expect(a.state.configuration.voters).to.deep.equal([]);
    cluster.isolate("a");
    cluster.tick(100, ["a"]);
    expect(a.state.role).to.not.equal("leader");
    // The last change may not be committed: both configurations that it lies between need another node.
    expect(a.state.configuration.voters).to.deep.equal(["a", "b"]);
  });
});

describe("campaigning early", () => {
  it("when the leader's connection is reset, a new one leads within a few ticks", () => {
    const cluster = ledByA(["a", "b", "c"], { electionTimeoutTicks: 50 });
    cluster.node("a").crash();
    for (const id of ["b", "c"]) cluster.node(id).step({ kind: "peerDisconnected", peer: "a" });
    cluster.tick(10);
    expect(cluster.leaders).to.have.length(1);
  });

  it("a live leader keeps its followers, though one connection was reset", () => {
    const cluster = ledByA(["a", "b", "c"], { electionTimeoutTicks: 50 });
    cluster.node("b").step({ kind: "peerDisconnected", peer: "a" });
    cluster.tick(60);
    expect(cluster.node("a").state).to.include({ role: "leader", currentTerm: 1 });
  });
});
