/**
 * @module
 * Dissertation ch. 4: one server at a time (§4.1), new servers (§4.2.1), a leader that goes (§4.2.2), servers that
 * disturb (§4.2.3), availability meanwhile (§4.2.4, §4.4), and several at once by joint consensus (§4.3).
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import { changed } from "../../src/raft/configuration.ts";
import type { Message } from "../../src/raft/message.ts";
import { quorumVote } from "../../src/raft/quorum.ts";
import type { Configuration, ConfigurationChange, ConfigurationStep } from "../../src/raft/types.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { bytesOfText, type CoreNode, configurationOf, memberOf, noneCommitted } from "../support/core-node.ts";
import { commandEntry, ledByA } from "./support.ts";

function adding(nodeId: string): ConfigurationStep {
  return { kind: "addVoter", nodeId, member: memberOf(nodeId) };
}

function removing(nodeId: string): ConfigurationStep {
  return { kind: "remove", nodeId };
}

function one(step: ConfigurationStep): ConfigurationChange {
  return { steps: [step], transition: "auto" };
}

/** A learner that is meant to vote. */
function joining(nodeId: string): ConfigurationChange {
  return one({ kind: "addLearner", nodeId, member: memberOf(nodeId) });
}

describe("dissertation §4.1, safety", () => {
  const ids = ["a", "b", "c", "d", "e", "f"];

  function isMajority(configuration: Configuration, bits: number): boolean {
    return quorumVote(configuration, new Map(ids.map((id, at) => [id, (bits & (1 << at)) !== 0]))) === "won";
  }

  for (let size = 1; size <= 5; size += 1) {
    it(`when one server is added to ${size} or removed, any majority of the old overlaps with any of the new`, () => {
      const old = configurationOf(ids.slice(0, size));
      const added = changed(old, one(adding(ids[size] ?? "")));
      const changes = size === 1 ? [added] : [added, ...old.voters.map((id) => changed(old, one(removing(id))))];
      let pairs = 0;
      for (const next of changes) {
        expect(Math.abs(next.voters.length - old.voters.length)).to.equal(1);
        for (let one = 0; one < 64; one += 1) {
          if (!isMajority(old, one)) continue;
          for (let other = 0; other < 64; other += 1) {
            if (!isMajority(next, other)) continue;
            pairs += 1;
            if ((one & other) === 0) expect.fail(`${old.voters.join()} and ${next.voters.join()}: ${one}, ${other}`);
          }
        }
      }
      expect(pairs).to.be.greaterThan(0);
    });
  }

  it("a server accepts entries from a leader that is not part of its configuration", () => {
    const d = new CoreCluster(["d"], {}, configurationOf([])).node("d");
    const request: Message = {
      kind: "appendEntriesRequest",
      from: "a",
      to: "d",
      term: 1,
      prevLogIndex: 0,
      prevLogTerm: 0,
      entries: [commandEntry(1, 1)],
      leaderCommit: 0,
    };
    d.step({ kind: "receive", message: request });
    d.collect();
    d.persist();
    expect(d.collect().messages).to.deep.include({
      kind: "appendEntriesMatched",
      from: "d",
      to: "a",
      term: 1,
      matchIndex: 1,
    });
  });

  it("a server grants its vote to a candidate that is not part of its configuration", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    b.step({
      kind: "receive",
      message: {
        kind: "requestVoteRequest",
        from: "d",
        to: "b",
        term: 1,
        lastLogIndex: 0,
        lastLogTerm: 0,
        leadershipTransfer: false,
        committed: noneCommitted,
      },
    });
    expect(b.state.votedFor).to.equal("d");
  });

  it("the next change begins when the last one is committed, and applied here, not earlier", () => {
    const cluster = ledByA();
    const a = cluster.node("a");
    cluster.loses = ({ to }) => to !== "a";
    cluster.change("a", one(removing("c")), 1);
    cluster.settle();
    cluster.change("a", joining("d"), 2);
    cluster.heal();
    cluster.tick(2);
    cluster.change("a", joining("d"), 3);
    cluster.settle();
    expect(a.proposals.refused).to.deep.equal([{ proposalId: 2, reason: "configurationPending" }]);
    expect(a.state.configuration).to.deep.include({ voters: ["a", "b"], learners: ["d"] });
  });
});

describe("dissertation §4.2.1, catching up new servers", () => {
  /** Of a alone, with so many entries; b joins, as far as the network lets it. */
  function joined(entries: number, loses: (message: Message, b: CoreNode) => boolean): CoreCluster {
    const cluster = new CoreCluster(["a"], { appendBytesMax: 1 });
    cluster.tick(1);
    const commands = Array.from({ length: entries }, (_, at) => bytesOfText(`${at}`));
    cluster.node("a").step({ kind: "propose", proposalId: 1, proposal: { kind: "commands", commands } });
    cluster.settle();
    const b = cluster.add("b");
    cluster.loses = (message) => loses(message, b);
    cluster.change("a", joining("b"), 2);
    cluster.settle();
    return cluster;
  }

  it("a new server does not count before it has caught up: at most 1000 entries behind", () => {
    let lastToArrive = 400;
    let isStuck = true;
    const cluster = joined(1500, (message, { state }) => {
      // The first ones only find out where its log ends.
      if (message.kind !== "appendEntriesRequest" || state.log.lastIndex === 0) return false;
      if (!isStuck && message.entries.length === 0) return false;
      return message.prevLogIndex + message.entries.length > lastToArrive;
    });
    const { state } = cluster.node("a");
    cluster.tick(20);
    expect(state.log.commitIndex).to.be.greaterThan(1500);
    lastToArrive = state.log.commitIndex - 1001;
    cluster.tick(20);
    expect(state.progress.find(({ id }) => id === "b")).to.include({ matchIndex: lastToArrive, kind: "replicate" });
    expect(state.configuration).to.deep.include({ voters: ["a"], learners: ["b"] });

    lastToArrive += 1;
    isStuck = false;
    cluster.tick(5);
    expect(state.log.lastIndex, "the promotion is in the log").to.equal(lastToArrive + 1001);
    cluster.heal();
    cluster.tick(5);
    expect(state.configuration).to.deep.include({ voters: ["a", "b"], learners: [] });
  });

  it("the leader finds at once that a new server's log is empty: its refusal says how long it is", () => {
    let refusals = 0;
    const cluster = joined(500, ({ kind }) => {
      if (kind === "appendEntriesRejected") refusals += 1;
      return false;
    });
    cluster.tick(3);
    expect(cluster.node("b").state.log.lastIndex).to.be.greaterThan(500);
    expect(refusals).to.equal(1);
  });

  it("a new server that is not available is never counted, and costs the others nothing", () => {
    const cluster = ledByA(["a", "b"]);
    cluster.change("a", joining("d"));
    cluster.settle();
    cluster.tick(50);
    expect(cluster.node("a").state.configuration).to.deep.include({ voters: ["a", "b"], learners: ["d"] });
    cluster.propose("a", "x");
    cluster.settle();
    expect(cluster.node("b").commands).to.deep.equal(["x"]);
  });

  it("nor is one that has caught up before it fell silent", () => {
    const cluster = new CoreCluster(["a", "b"], {}, configurationOf(["a"], ["b"]));
    cluster.elect("a");
    cluster.tick(2);
    cluster.node("b").crash();
    cluster.tick(20);
    cluster.change("a", joining("b"));
    cluster.tick(20);
    expect(cluster.node("a").state.configuration.voters).to.deep.equal(["a"]);
    cluster.node("b").restart();
    cluster.tick(5);
    expect(cluster.node("a").state.configuration.voters).to.deep.equal(["a", "b"]);
  });
});

describe("dissertation §4.2.2, removing the current leader", () => {
  it("a leader that manages servers to which it does not belong does not count itself in majorities", () => {
    const cluster = ledByA();
    cluster.isolate("c");
    cluster.change("a", one(removing("a")));
    cluster.settle();
    const { state } = cluster.node("a");
    // By a and b the removal is committed; what follows it needs b and c.
    expect(state.configuration.voters).to.deep.equal(["b", "c"]);
    expect(state.role).to.equal("leader");
    expect(state.log.commitIndex).to.equal(state.log.lastIndex - 1);
    cluster.heal();
    cluster.tick(2);
    expect(state.role).to.equal("follower");
    expect(cluster.leaders).to.have.length(1);
    expect(cluster.leaders[0]?.id).to.be.oneOf(["b", "c"]);
  });
});

describe("a leader that was removed and is added again", () => {
  it("leads like any other when it is elected", () => {
    const cluster = ledByA();
    cluster.change("a", one(removing("a")));
    cluster.tick(30);
    const [leader] = cluster.leaders;
    if (leader === undefined) throw new Error("nobody leads");
    cluster.change(leader.id, joining("a"));
    cluster.tick(5);
    expect(leader.state.configuration.voters).to.deep.equal(["a", "b", "c"]);
    leader.step({ kind: "transferLeadership", transferee: "a" });
    cluster.settle();
    cluster.propose("a", "x", 7);
    cluster.tick(3);
    expect(cluster.node("a").state).to.include({ role: "leader", leavingIndex: 0 });
    for (const { commands } of cluster.nodes) expect(commands).to.deep.equal(["x"]);
  });
});

describe("dissertation §4.2.3, disruptive servers", () => {
  it("servers that hear a leader neither adopt the term of one that was removed nor vote for it", () => {
    const cluster = ledByA(["a", "b", "c"], { preVote: false });
    cluster.loses = ({ to }) => to === "c";
    cluster.change("a", one(removing("c")));
    cluster.settle();
    cluster.tick(100);
    expect(cluster.node("c").state.currentTerm).to.be.greaterThan(3);
    for (const id of ["a", "b"]) expect(cluster.node(id).state).to.include({ leaderId: "a", currentTerm: 1 });
  });
});

describe("dissertation §4.2.4 and §4.4, availability during changes", () => {
  it("commands are taken and executed at every step of a change", () => {
    const cluster = ledByA();
    cluster.add("d", configurationOf(["a", "b", "c"]));
    const texts: string[] = [];
    const write = (): void => {
      texts.push(`${texts.length}`);
      cluster.propose("a", texts.at(-1) ?? "");
      cluster.settle();
      expect(cluster.node("a").commands).to.deep.equal(texts);
    };
    for (const change of [joining("d"), one(removing("b")), one(removing("c"))]) {
      cluster.change("a", change, 100);
      write();
      for (let tick = 0; tick < 4; tick += 1) {
        cluster.tick(1);
        write();
      }
    }
    expect(cluster.node("a").proposals.refused).to.deep.equal([]);
    expect(cluster.node("d").state.configuration.voters).to.deep.equal(["a", "d"]);
  });

  /** The change of `a` is under way; after so many deliveries `a` dies. Gives the others, come to rest. */
  function afterDeath(change: ConfigurationChange, deliveries: number): CoreCluster {
    const cluster = ledByA();
    cluster.add("d", configurationOf(["a", "b", "c"]));
    cluster.change("a", change);
    for (let delivered = 0; delivered < deliveries; ) {
      for (const node of cluster.nodes) {
        cluster.turn(node);
        cluster.work(node);
        cluster.turn(node);
      }
      const message = cluster.network.shift();
      if (message === undefined) break;
      cluster.deliver(message);
      delivered += 1;
    }
    cluster.node("a").crash();
    cluster.network.length = 0;
    cluster.tick(120);
    return cluster;
  }

  for (const [name, change] of [
    ["a server is added", one(adding("d"))],
    ["one is removed and another added, jointly", { steps: [removing("c"), adding("d")], transition: "auto" }],
  ] as const) {
    it(`wherever the leader dies while ${name}, the others elect one, and agree on who counts`, () => {
      const seen = new Set<string>();
      for (let deliveries = 0; deliveries < 24; deliveries += 1) {
        const cluster = afterDeath(change, deliveries);
        const [leader] = cluster.leaders;
        if (leader === undefined) throw new Error(`after ${deliveries} messages nobody leads`);
        cluster.propose(leader.id, "goes on");
        cluster.tick(3);
        const { configuration } = leader.state;
        seen.add(configuration.voters.join());
        for (const id of configuration.voters) {
          if (id === "a") continue;
          expect(cluster.node(id).commands, `${id} after ${deliveries} messages`).to.deep.equal(["goes on"]);
          expect(cluster.node(id).state.configuration.voters).to.deep.equal(configuration.voters);
        }
      }
      expect(seen.size, "the change is lost when nobody has it, else finished").to.equal(2);
    });
  }
});

describe("dissertation §4.3, joint consensus", () => {
  /** Of a, b and c, in the joint configuration with a, d and e; a leads. */
  function joint(): CoreCluster {
    const cluster = ledByA();
    for (const id of ["d", "e"]) cluster.add(id, configurationOf(["a", "b", "c"]));
    const steps = [removing("b"), removing("c"), adding("d"), adding("e")];
    cluster.change("a", { steps, transition: "jointExplicit" });
    cluster.tick(3);
    expect(cluster.node("e").state.configuration.votersOutgoing).to.deep.equal(["a", "b", "c"]);
    return cluster;
  }

  it("log entries are replicated to all servers in both configurations", () => {
    const cluster = joint();
    cluster.propose("a", "x");
    cluster.settle();
    for (const { commands } of cluster.nodes) expect(commands).to.deep.equal(["x"]);
  });

  for (const id of ["b", "d"]) {
    it(`any server from either configuration may serve as leader: ${id}`, () => {
      const cluster = joint();
      for (const node of cluster.nodes) {
        node.crash();
        node.restart();
      }
      cluster.node("a").crash();
      cluster.settle();
      cluster.elect(id);
      cluster.propose(id, "x");
      cluster.settle();
      for (const node of cluster.nodes) if (node.alive) expect(node.commands).to.deep.equal(["x"]);
    });
  }

  for (const [half, cutOff] of [
    ["new", ["b", "c"]],
    ["old", ["d", "e"]],
  ] as const) {
    it(`an election requires majorities of both: not one of the ${half} configuration alone`, () => {
      const cluster = joint();
      cluster.isolate(...cutOff);
      cluster.tick(60);
      expect(cluster.leaders).to.deep.equal([]);
      cluster.heal();
      cluster.tick(60);
      expect(cluster.leaders).to.have.length(1);
    });
  }

  it("once the new configuration is committed, the servers that it leaves out can be shut down", () => {
    const cluster = joint();
    cluster.change("a", { steps: [], transition: "auto" }, 2);
    cluster.settle();
    for (const id of ["b", "c"]) cluster.node(id).crash();
    cluster.propose("a", "x");
    cluster.tick(30);
    for (const id of ["a", "d", "e"]) expect(cluster.node(id).commands).to.deep.equal(["x"]);
    expect(cluster.node("a").state).to.include({ role: "leader", currentTerm: 1 });
  });

  it("no other change is taken before the joint configuration is left", () => {
    const cluster = joint();
    cluster.change("a", one(removing("e")), 3);
    cluster.settle();
    expect(cluster.node("a").proposals.refused).to.deep.equal([{ proposalId: 3, reason: "configurationPending" }]);
  });
});
