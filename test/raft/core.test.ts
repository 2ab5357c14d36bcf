import { expect } from "chai";
import { describe, it } from "mocha";
import { RaftAssertionError } from "../../src/raft/assert.ts";
import { collect } from "../../src/raft/collect.ts";
import { checkInvariants } from "../../src/raft/invariants.ts";
import { progressOf, statusOf } from "../../src/raft/status.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { memberOf } from "../support/core-node.ts";

describe("core", () => {
  it("is pure: the same inputs make the same state and effects", () => {
    const runs = [1, 2].map(() => {
      const cluster = new CoreCluster(["a", "b", "c"]);
      cluster.tick(40);
      cluster.propose("b", "x");
      cluster.tick(10);
      cluster.node("c").crash();
      cluster.tick(10);
      return JSON.stringify(cluster.nodes.map(({ state, disk }) => [state, disk]));
    });
    expect(runs[0]).to.equal(runs[1]);
  });

  it("gives every effect once", () => {
    const cluster = new CoreCluster(["a"]);
    const a = cluster.elect("a");
    cluster.propose("a", "x");
    expect(a.collect().append?.entries).to.have.length(1);
    const empty = a.collect();
    expect(empty).to.deep.include({ append: null, messages: [], apply: [], proposalsAccepted: [] });
    cluster.settle();
    a.snapshot();
    expect(a.collect().compactTo).to.equal(2);
    expect(a.collect().compactTo).to.equal(null);
  });

  it("says once that its members have changed", () => {
    const cluster = new CoreCluster(["a"]);
    const a = cluster.elect("a");
    const step = { kind: "addLearner", nodeId: "b", member: memberOf("b", "learner") } as const;
    cluster.change("a", { steps: [step], transition: "auto" });
    a.collect();
    a.persist();
    expect(a.collect().configurationChanged, "not before it is applied").to.equal(false);
    a.apply();
    expect(a.collect().configurationChanged).to.equal(true);
    expect(a.collect().configurationChanged).to.equal(false);
  });

  it("frees what may be uncommitted as it is applied, and no more", () => {
    const cluster = new CoreCluster(["a"], { uncommittedBytesMax: 160 });
    const a = cluster.elect("a");
    const propose = (proposalId: number): void => cluster.propose("a", "x".repeat(48), proposalId);
    propose(1);
    cluster.turn(a);
    while (a.persist());
    cluster.turn(a);
    propose(2);
    // The first is applied, the second is not: there is room for one more.
    a.apply();
    propose(3);
    propose(4);
    cluster.settle();
    expect(a.proposals.accepted.map(({ proposalId }) => proposalId)).to.deep.equal([1, 2, 3]);
    expect(a.proposals.refused).to.deep.equal([{ proposalId: 4, reason: "overloaded" }]);
  });

  it("says nothing in an idle cluster but heartbeats and their answers", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    cluster.elect("a");
    cluster.tick(1);
    const kinds = new Set<string>();
    cluster.loses = ({ kind }) => kinds.add(kind) && false;
    cluster.tick(30);
    expect([...kinds].sort()).to.deep.equal(["heartbeatRequest", "heartbeatResponse"]);
  });

  it("holds committed entries back for more to come under a leader, and not without one", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    cluster.elect("a");
    const { state } = cluster.node("b");
    cluster.loses = ({ kind }) => kind === "appendEntriesMatched";
    for (const text of ["x", "y"]) cluster.propose("a", text);
    cluster.settle();
    // The first is known to be committed, the second is not.
    state.log.commitIndex = state.log.lastIndex - 1;
    expect(collect(state, { patient: true }).apply).to.deep.equal([]);
    state.leaderId = null;
    expect(collect(state, { patient: true }).apply.map(({ index }) => index)).to.deep.equal([state.log.commitIndex]);
  });

  it("numbers writes from 1 without gaps, hard state alone being one", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    const b = cluster.node("b");
    for (const term of [3, 4]) {
      const heartbeat = {
        kind: "heartbeatRequest",
        from: `of ${term}`,
        to: "b",
        leaderCommit: 0,
        readRound: 0,
      } as const;
      b.step({ kind: "receive", message: { ...heartbeat, term } });
      const { append, messages } = b.collect();
      const hardState = { currentTerm: term, votedFor: null };
      expect(append).to.deep.equal({ writeId: term - 2, term: 0, lastIndex: 0, hardState, entries: [] });
      expect(messages, "an answer of a term waits for the term").to.deep.equal([]);
    }
    b.persist();
    b.persist();
    expect(b.collect().messages.map(({ kind }) => kind)).to.deep.equal(["heartbeatResponse", "heartbeatResponse"]);
  });

  it("bounds what the state machine has to do", () => {
    const cluster = new CoreCluster(["a"], { applyingBytesMax: 100 });
    const a = cluster.elect("a");
    for (let text = 0; text < 10; text += 1) cluster.propose("a", "x".repeat(20));
    a.collect();
    a.persist();
    expect(a.collect().apply.length).to.equal(1);
    expect(a.collect().apply.length).to.equal(1);
    expect(a.collect().apply.length, "until it has done some").to.equal(0);
    a.apply();
    expect(a.collect().apply.length).to.be.greaterThan(0);
  });

  it("hands on nothing more when exactly the bound is with the state machine", () => {
    // Two commands of 20 bytes with their overhead.
    const cluster = new CoreCluster(["a"], { applyingBytesMax: 104 });
    const a = cluster.elect("a");
    for (let text = 0; text < 3; text += 1) cluster.propose("a", "x".repeat(20));
    a.collect();
    a.persist();
    expect(a.collect().apply).to.have.length(2);
    expect(a.collect().apply).to.have.length(0);
    a.apply();
    expect(a.collect().apply).to.have.length(1);
  });

  it("shows its status, and a leader what it knows of the members", () => {
    const cluster = new CoreCluster(["a", "b"]);
    cluster.elect("a");
    expect(statusOf(cluster.node("b").state)).to.include({ role: "follower", term: 1, leaderId: "a", commitIndex: 1 });
    expect(progressOf(cluster.node("b").state)).to.deep.equal([]);
    expect(progressOf(cluster.node("a").state)).to.deep.equal([
      { id: "a", matchIndex: 1, recentActive: true, kind: "replicate" },
      { id: "b", matchIndex: 1, recentActive: true, kind: "replicate" },
    ]);
  });

  it("a peer whose messages are lost is probed, and comes back", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    const a = cluster.elect("a");
    a.step({ kind: "peerUnreachable", peer: "b" });
    expect(progressOf(a.state)[1]).to.include({ id: "b", kind: "probe" });
    cluster.propose("a", "x");
    cluster.tick(2);
    expect(progressOf(a.state)[1]).to.include({ kind: "replicate", matchIndex: 2 });
  });

  it("ends with a sentence when an invariant is broken", () => {
    const { state } = new CoreCluster(["a", "b", "c"]).node("a");
    checkInvariants(state);
    state.log.commitIndex = 5;
    const sentence = "broken invariant: what is committed is in the log";
    expect(() => checkInvariants(state))
      .to.throw(sentence)
      .with.property("name", "RaftAssertionError");
    expect(() => collect(state), "at the end of each turn").to.throw(sentence);
  });

  it("ends with a sentence when it is given what it does not know", () => {
    const a = new CoreCluster(["a", "b"]).node("a");
    const message = { kind: "unheardOf", from: "b", to: "a", term: 0 } as never;
    expect(() => a.step({ kind: "receive", message })).to.throw(RaftAssertionError);
    expect(() => a.step({ kind: "unheardOf" } as never)).to.throw(RaftAssertionError);
  });

  it("takes no message that is meant for another", () => {
    const { state } = new CoreCluster(["a", "b", "c"]).node("a");
    const cluster = new CoreCluster(["a", "b", "c"]);
    const message = { kind: "heartbeatRequest", from: "c", to: "b", term: 3, leaderCommit: 0, readRound: 0 } as const;
    cluster.node("a").step({ kind: "receive", message });
    expect(cluster.node("a").state.currentTerm).to.equal(state.currentTerm);
  });
});
