import { expect } from "chai";
import { describe, it } from "mocha";
import { mayCampaign } from "../../src/raft/election.ts";
import { mayBeNeeded } from "../../src/raft/removal.ts";
import type { Entry } from "../../src/raft/types.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { bytesOfText, configurationOf, memberOf, noneCommitted } from "../support/core-node.ts";

function command(index: number): Entry {
  return { kind: "command", term: 1, index, time: 0, command: bytesOfText(`${index}`) };
}

function change(index: number): Entry {
  const step = { kind: "update", nodeId: "c", member: memberOf("c") } as const;
  return { kind: "configuration", term: 1, index, time: 0, change: { steps: [step], transition: "auto" } };
}

describe("who may campaign", () => {
  it("is nobody with a committed change of members that is not applied, wherever that has got to", () => {
    for (const [entries, may] of [
      [[command(1), change(2)], false],
      [[change(1), command(2)], false],
      [[command(1), command(2)], true],
    ] as const) {
      const b = new CoreCluster(["a", "b", "c"]).node("b");
      const request = { kind: "appendEntriesRequest", from: "a", to: "b", term: 1 } as const;
      b.step({
        kind: "receive",
        message: { ...request, prevLogIndex: 0, prevLogTerm: 0, entries: [...entries, command(3)], leaderCommit: 2 },
      });
      expect(mayCampaign(b.state), "committed, and not durable yet").to.equal(may);
      b.collect();
      b.persist();
      b.collect();
      expect(mayCampaign(b.state), "with the state machine").to.equal(may);
      b.apply();
      expect(mayCampaign(b.state), "applied").to.equal(true);
    }
  });

  it("is nobody who has committed entries of which only the disk knows what they are", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    b.crash();
    b.disk.entries = [command(1), command(2)];
    b.disk.hardState = { currentTerm: 1, votedFor: null };
    b.restart();
    b.collect();
    b.read();
    b.collect();
    expect(mayCampaign(b.state), "nothing is known to be committed").to.equal(true);
    b.state.log.commitIndex = 2;
    expect(mayCampaign(b.state)).to.equal(false);
    b.collect();
    b.read();
    b.collect();
    b.apply();
    expect(mayCampaign(b.state)).to.equal(true);
  });
});

describe("votes", () => {
  it("that are granted for another term than was asked for do not count", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    b.step({ kind: "campaign" });
    const grant = { kind: "preVoteResponse", from: "a", to: "b", voteGranted: true, committed: noneCommitted } as const;
    for (const [term, role] of [
      [2, "preCandidate"],
      [0, "preCandidate"],
      [1, "candidate"],
    ] as const) {
      b.step({ kind: "receive", message: { ...grant, term } });
      expect(b.state.role, `of term ${term}`).to.equal(role);
    }
  });

  it("are not taken back", () => {
    const b = new CoreCluster(["a", "b", "c"], { preVote: false }).node("b");
    b.step({ kind: "campaign" });
    b.collect();
    b.persist();
    expect(b.state.votes.get("b")).to.equal(true);
    const vote = { kind: "requestVoteResponse", from: "a", to: "b", term: 1, committed: noneCommitted } as const;
    for (const voteGranted of [false, true]) b.step({ kind: "receive", message: { ...vote, voteGranted } });
    expect(b.state.role).to.equal("candidate");
    b.step({ kind: "receive", message: { ...vote, from: "c", voteGranted: true } });
    expect(b.state.role).to.equal("leader");
  });

  it("of one's own count once, and only when they are durable", () => {
    const b = new CoreCluster(["a", "b", "c"], { preVote: false }).node("b");
    b.step({ kind: "campaign" });
    b.collect();
    expect(b.state.votes.size).to.equal(0);
    b.persist();
    expect([...b.state.votes]).to.deep.equal([["b", true]]);
  });
});

describe("the leader's word to campaign at once", () => {
  it("is taken by a follower that may, and by nobody else", () => {
    const told = { kind: "timeoutNowRequest", from: "a", term: 1 } as const;
    const cluster = new CoreCluster(["a", "b", "c", "d"], {}, configurationOf(["a", "b", "c"], ["d"]));
    cluster.elect("a");
    const [b, c, d] = [cluster.node("b"), cluster.node("c"), cluster.node("d")];
    c.step({ kind: "campaign" });
    expect(c.state.role).to.equal("preCandidate");
    for (const node of [b, c, d]) node.step({ kind: "receive", message: { ...told, to: node.id } });
    expect([b, c, d].map(({ state }) => state.role)).to.deep.equal(["candidate", "preCandidate", "follower"]);
    expect(b.collect().messages, "its term is not durable").to.deep.equal([]);
  });
});

describe("who may be needed though it is no voter", () => {
  const others = ["a", "b"];

  it("is who was removed and holds more than is known to be committed", () => {
    const { state } = new CoreCluster(["c"], {}, configurationOf(others)).node("c");
    state.log.lastIndex = 5;
    for (const [commitIndex, needed] of [
      [4, true],
      [5, false],
    ] as const) {
      state.log.commitIndex = commitIndex;
      expect(mayBeNeeded(state)).to.equal(needed);
    }
  });

  it("is a learner only when a farewell is among what it holds above that", () => {
    const { state } = new CoreCluster(["c"], {}, configurationOf(others, ["c"])).node("c");
    state.log.lastIndex = 5;
    state.log.commitIndex = 3;
    for (const [farewellIndex, needed] of [
      [0, false],
      [3, false],
      [4, true],
    ] as const) {
      state.farewellIndex = farewellIndex;
      expect(mayBeNeeded(state), `farewell ${farewellIndex}`).to.equal(needed);
    }
  });

  it("is no voter, and nobody where there are no voters", () => {
    for (const configuration of [configurationOf(["c"]), configurationOf([])]) {
      const { state } = new CoreCluster(["c"], {}, configuration).node("c");
      state.log.lastIndex = 5;
      state.farewellIndex = 5;
      expect(mayBeNeeded(state)).to.equal(false);
    }
  });

  it("is a leader that was made a learner, until its farewell is committed", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    const a = cluster.elect("a");
    cluster.loses = (message) =>
      message.kind === "appendEntriesRequest" && message.entries.some(({ kind }) => kind === "noop");
    const member = memberOf("a", "learner");
    const steps = [
      { kind: "remove", nodeId: "a" },
      { kind: "addLearner", nodeId: "a", member },
    ] as const;
    cluster.change("a", { steps, transition: "auto" });
    cluster.settle();
    expect(a.state.configuration.learners).to.deep.equal(["a"]);
    expect(a.state.leavingIndex).to.equal(a.state.log.lastIndex);
    expect(mayBeNeeded(a.state)).to.equal(true);
    cluster.heal();
    cluster.tick(30);
    expect(a.state.role).to.equal("follower");
    expect(mayBeNeeded(a.state)).to.equal(false);
  });
});

describe("what a leader heard of a member", () => {
  it("counts for an election timeout when its quorum is checked each tick", () => {
    const cluster = new CoreCluster(["a", "b", "c"], { checkQuorum: "eachTick" });
    const a = cluster.elect("a");
    cluster.tick(1);
    const ofC = a.state.progress.find(({ id }) => id === "c");
    cluster.isolate("c");
    cluster.tick(9);
    expect(ofC).to.include({ recentActive: true, quietTicks: 9 });
    cluster.tick(1);
    expect(ofC).to.include({ recentActive: false, quietTicks: 10 });
    cluster.heal();
    cluster.tick(1);
    expect(ofC).to.include({ recentActive: true, quietTicks: 0 });
  });
});
