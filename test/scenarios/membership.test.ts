/**
 * @module
 * Changes of members that would end in two leaders, or in none. Members that leave: `removal.test.ts`.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import type { ConfigurationChange, ConfigurationStep } from "../../src/raft/types.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { configurationOf, memberOf } from "../support/core-node.ts";

function removal(nodeId: string): ConfigurationChange {
  return { steps: [{ kind: "remove", nodeId }], transition: "auto" };
}

describe("a leader that is demoted by a joint change", () => {
  it("leaves the joint configuration before it goes, and the others go on", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    cluster.elect("a");
    const member = memberOf("a", "learner");
    const steps: ConfigurationStep[] = [
      { kind: "remove", nodeId: "a" },
      { kind: "addLearner", nodeId: "a", member },
    ];
    cluster.change("a", { steps, transition: "jointImplicit" });
    cluster.tick(60);
    for (const { state } of cluster.nodes) {
      const { voters, votersOutgoing, learners } = state.configuration;
      expect({ voters, votersOutgoing, learners }).to.deep.equal({
        voters: ["b", "c"],
        votersOutgoing: [],
        learners: ["a"],
      });
    }
    expect(cluster.leaders).to.have.length(1);
    const leader = cluster.leaders[0]?.id ?? "";
    expect(leader).to.be.oneOf(["b", "c"]);
    cluster.propose(leader, "goes on");
    cluster.tick(2);
    for (const node of cluster.nodes) expect(node.commands).to.deep.equal(["goes on"]);
  });
});

describe("changes of two leaders, of which the first is in nobody else's log", () => {
  it("do not meet: the second is refused until an entry of its own term is committed, and overwrites the first", () => {
    const cluster = new CoreCluster(["a", "b", "c", "d"]);
    const a = cluster.elect("a");
    cluster.isolate("a");
    cluster.change("a", removal("b"));
    cluster.settle();
    expect(a.disk.entries.at(-1)).to.include({ kind: "configuration", term: 1 });

    for (let tick = 0; tick < 100 && !cluster.leaders.some(({ id }) => id !== "a"); tick += 1) {
      cluster.tick(1, ["b", "c", "d"]);
      // The noop of whoever is elected reaches nobody yet.
      cluster.loses = ({ kind, from, to }) => from === "a" || to === "a" || kind === "appendEntriesRequest";
    }
    const second = cluster.leaders.find(({ id }) => id !== "a");
    if (second === undefined) throw new Error("nobody was elected");
    cluster.change(second.id, removal("a"), 7);
    cluster.settle();
    expect(second.proposals.refused).to.deep.equal([{ proposalId: 7, reason: "configurationPending" }]);

    cluster.isolate("a");
    cluster.tick(2, ["b", "c", "d"]);
    cluster.change(second.id, removal("a"), 8);
    cluster.settle();
    expect(second.proposals.accepted.map(({ proposalId }) => proposalId)).to.deep.equal([8]);
    cluster.heal();
    cluster.tick(60);
    for (const id of ["b", "c", "d"]) {
      expect(cluster.node(id).state.configuration.voters).to.deep.equal(["b", "c", "d"]);
    }
    expect(a.state.role, "its own change is gone, and it leads nobody").to.not.equal("leader");
  });
});

describe("a node that gets a snapshot instead of the entries that changed the members", () => {
  it("counts with the members of the snapshot, also after a restart that rebuilds its state", () => {
    const cluster = new CoreCluster(["a", "b", "c", "d"]);
    const a = cluster.elect("a");
    const d = cluster.node("d");
    d.crash();
    cluster.change("a", removal("c"));
    cluster.settle();
    cluster.propose("a", "after the change");
    cluster.settle();
    a.snapshot();
    cluster.settle();
    expect(a.disk.startIndex, "the entries are gone").to.be.greaterThan(1);

    d.restart();
    cluster.tick(10);
    expect(d.state.configuration.voters).to.deep.equal(["a", "b", "d"]);
    d.crash();
    d.restart({ rebuilt: true });
    expect(d.state.configuration.voters).to.deep.equal(["a", "b", "d"]);
  });
});

describe("a joint configuration whose halves together have a majority", () => {
  it("decides nothing by it: neither a commit nor an election, before each half agrees", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    cluster.elect("a");
    for (const id of ["d", "e"]) cluster.add(id, configurationOf(["a", "b", "c"]));
    const steps: ConfigurationStep[] = [
      { kind: "remove", nodeId: "b" },
      { kind: "remove", nodeId: "c" },
      { kind: "addVoter", nodeId: "d", member: memberOf("d") },
      { kind: "addVoter", nodeId: "e", member: memberOf("e") },
    ];
    cluster.change("a", { steps, transition: "jointExplicit" });
    cluster.tick(3);
    // a, d and e are three of five, and the whole new half; of the old half only a.
    cluster.isolate("b", "c");
    cluster.propose("a", "x");
    cluster.settle();
    for (const { commands } of cluster.nodes) expect(commands).to.deep.equal([]);
    cluster.node("a").crash();
    cluster.tick(60);
    expect(cluster.leaders).to.deep.equal([]);
    cluster.heal();
    cluster.tick(60);
    expect(cluster.leaders).to.have.length(1);
  });
});

describe("a change of members that is refused", () => {
  it("is reported to who asked, at whatever node, and never as a success", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    cluster.elect("a");
    for (const [proposalId, id] of [
      [1, "a"],
      [2, "b"],
    ] as const) {
      cluster.change(id, removal("nobody"), proposalId);
      cluster.settle();
      expect(cluster.node(id).proposals.refused).to.deep.equal([{ proposalId, reason: "invalidConfiguration" }]);
    }
    // Two at once, from two nodes: the one that comes second is refused, and waits for nothing.
    cluster.change("a", removal("c"), 3);
    cluster.change("b", removal("a"), 4);
    cluster.settle();
    expect(cluster.node("b").proposals.refused.at(-1)).to.deep.equal({
      proposalId: 4,
      reason: "configurationPending",
    });
    for (const id of ["a", "b"]) expect(cluster.node(id).state.configuration.voters).to.deep.equal(["a", "b"]);
    expect(cluster.node("a").log, "nothing took the place of what was refused").to.have.length(2);
  });
});
