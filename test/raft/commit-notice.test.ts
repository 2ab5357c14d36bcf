import { expect } from "chai";
import { describe, it } from "mocha";
import type { AppendEntriesRequest } from "../../src/raft/message.ts";
import type { RaftOptions } from "../../src/raft/options.ts";
import { CoreCluster } from "../support/core-cluster.ts";

/** Of a, b and c, led by a; what a sends b, as the indices that it brings and the commit index that it tells. */
function ledByA(commitNotice: RaftOptions["commitNotice"]): {
  readonly cluster: CoreCluster;
  readonly toB: () => (readonly [entries: readonly number[], leaderCommit: number])[];
} {
  const cluster = new CoreCluster(["a", "b", "c"], { commitNotice });
  cluster.elect("a");
  const toB = (): [number[], number][] =>
    cluster
      .turn(cluster.node("a"))
      .messages.flatMap((message): [number[], number][] =>
        message.kind === "appendEntriesRequest" && message.to === "b"
          ? [[message.entries.map(({ index }) => index), message.leaderCommit]]
          : [],
      );
  return { cluster, toB };
}

/** c has the entry, a's own disk too: it is committed, and b has not answered. */
function commitWithoutB(cluster: CoreCluster): void {
  const [a, c] = [cluster.node("a"), cluster.node("c")];
  for (const message of cluster.network.splice(0)) if (message.to === "c") cluster.deliver(message);
  cluster.turn(c);
  cluster.work(c);
  cluster.turn(c);
  a.persist();
  for (const message of cluster.network.splice(0)) cluster.deliver(message);
}

describe("news of a commit", () => {
  it("leaves at once when it is eager", () => {
    const { cluster, toB } = ledByA("eager");
    cluster.propose("a", "x");
    expect(toB()).to.deep.equal([[[2], 1]]);
    commitWithoutB(cluster);
    expect(toB()).to.deep.equal([[[], 2]]);
  });

  it("waits for the next entries, or for the answer, of a follower that has one to give", () => {
    const { cluster, toB } = ledByA("withEntries");
    cluster.propose("a", "x");
    const [sent] = toB();
    expect(sent).to.deep.equal([[2], 1]);
    commitWithoutB(cluster);
    expect(cluster.node("a").state.log.commitIndex).to.equal(2);
    expect(toB()).to.deep.equal([]);
    cluster.propose("a", "y");
    expect(toB()).to.deep.equal([[[3], 2]]);
    for (const matchIndex of [2, 3]) {
      cluster.deliver({ kind: "appendEntriesMatched", from: "b", to: "a", term: 1, matchIndex });
    }
    // y is committed by a's own disk and b, which has nothing more to answer.
    cluster.node("a").persist();
    expect(cluster.node("a").state.log.commitIndex).to.equal(3);
    expect(toB()).to.deep.equal([[[], 3]]);
  });
});

/** Turns of one tick that make a leader busy: at most 25 ms between them, with ticks of 100 ms. */
const busyTurns = 4;
/** Entries of one turn that many writers make, at least. */
const crowd = 4;

/** a leads b and c and has made so many appends within its last tick; the appends to b from now on are recorded. */
function busyLeader(
  turns = busyTurns,
  changes: Partial<RaftOptions> = {},
  entries = crowd,
): { readonly cluster: CoreCluster; readonly toB: AppendEntriesRequest[] } {
  const cluster = new CoreCluster(["a", "b", "c"], { commitNotice: "withEntries", ...changes });
  cluster.elect("a");
  cluster.tick(1);
  put(cluster, turns, entries);
  cluster.tick(1);
  const toB: AppendEntriesRequest[] = [];
  cluster.loses = (message) => {
    if (message.kind === "appendEntriesRequest" && message.to === "b") toB.push(message);
    return false;
  };
  return { cluster, toB };
}

/** Turns that bring so many entries each. */
function put(cluster: CoreCluster, turns: number, entries = crowd): void {
  for (let turn = 0; turn < turns; turn += 1) {
    for (let entry = 0; entry < entries; entry += 1) cluster.propose("a", `x${turn}/${entry}`);
    cluster.settle();
  }
}

const commitAt = (cluster: CoreCluster, id: string): number => cluster.node(id).state.log.commitIndex;

describe("news of a commit while entries follow each other closely", () => {
  it("comes with the next entries", () => {
    const { cluster, toB } = busyLeader();
    const before = commitAt(cluster, "b");
    put(cluster, 2);
    expect(toB.map(({ entries, leaderCommit }) => [entries.length, leaderCommit])).to.deep.equal([
      [crowd, before],
      [crowd, before + crowd],
    ]);
    expect(commitAt(cluster, "a")).to.equal(before + 2 * crowd);
    expect(commitAt(cluster, "b")).to.equal(before + crowd);
  });

  it("comes with a heartbeat where no more entries do, and at once from the tick after on", () => {
    const { cluster, toB } = busyLeader();
    put(cluster, 1);
    expect(commitAt(cluster, "b")).to.be.below(commitAt(cluster, "a"));
    cluster.tick(1);
    expect(commitAt(cluster, "b")).to.equal(commitAt(cluster, "a"));
    expect(toB).to.have.length(1);
    put(cluster, 1);
    expect(commitAt(cluster, "b")).to.equal(commitAt(cluster, "a"));
  });

  it("comes at once when they are further apart", () => {
    const { cluster, toB } = busyLeader(busyTurns - 1);
    put(cluster, 1);
    expect(commitAt(cluster, "b")).to.equal(commitAt(cluster, "a"));
    expect(toB.map(({ entries }) => entries.length)).to.deep.equal([crowd, 0]);
  });

  it("comes at once when a few writers make them, however close", () => {
    const { cluster } = busyLeader(10 * busyTurns, {}, crowd - 1);
    put(cluster, 1);
    expect(commitAt(cluster, "b")).to.equal(commitAt(cluster, "a"));
  });

  it("comes at once where the next heartbeat is far", () => {
    for (const [tickMs, heartbeatTicks, behind] of [
      [250, 1, crowd],
      [1000, 1, 0],
      [10, 20, crowd],
      [10, 30, 0],
    ] as const) {
      const { cluster } = busyLeader(10 * busyTurns, { tickMs, heartbeatTicks, electionTimeoutTicks: 100 });
      put(cluster, 1);
      expect(commitAt(cluster, "a") - commitAt(cluster, "b"), `${heartbeatTicks} of ${tickMs} ms`).to.equal(behind);
    }
  });

  it("comes at once to a follower that handed the commands on, and to no other for that", () => {
    const { cluster } = busyLeader();
    cluster.propose("b", "y");
    cluster.settle();
    expect(commitAt(cluster, "b")).to.equal(commitAt(cluster, "a"));
    expect(commitAt(cluster, "c")).to.be.below(commitAt(cluster, "a"));
  });

  it("comes with the heartbeat that confirms a read", () => {
    const { cluster, toB } = busyLeader();
    put(cluster, 1);
    const committed = commitAt(cluster, "a");
    expect(commitAt(cluster, "b")).to.be.below(committed);
    const b = cluster.node("b");
    b.step({ kind: "readIndex", readId: 7 });
    cluster.settle();
    expect(b.granted).to.deep.equal([{ readId: 7, readIndex: committed }]);
    expect(commitAt(cluster, "b")).to.equal(committed);
    expect(toB.map(({ entries }) => entries.length)).to.deep.equal([crowd]);
  });

  it("comes at once to a follower where somebody reads by the lease, and to no other for that", () => {
    const { cluster } = busyLeader(busyTurns, { voteHoldMs: 1000 });
    put(cluster, 1);
    const committed = commitAt(cluster, "a");
    const b = cluster.node("b");
    b.step({ kind: "leaseRead", readId: 7 });
    cluster.settle();
    expect(b.granted).to.deep.equal([{ readId: 7, readIndex: committed }]);
    expect(commitAt(cluster, "b")).to.equal(committed);
    expect(commitAt(cluster, "c")).to.be.below(committed);
  });

  it("comes at once of a change of members", () => {
    const { cluster } = busyLeader();
    const member = { raftAddr: "127.0.0.1:1", httpAddr: "127.0.0.1:2", incarnation: "", standing: "learner" } as const;
    cluster.change("a", { steps: [{ kind: "addLearner", nodeId: "d", member }], transition: "auto" });
    cluster.settle();
    expect(cluster.node("b").state.configuration.learners).to.deep.equal(["d"]);
    expect(cluster.node("c").state.configuration.learners).to.deep.equal(["d"]);
  });

  it("is no matter of an earlier lead", () => {
    const { cluster } = busyLeader();
    for (const [leader, next] of [
      ["a", "c"],
      ["c", "a"],
    ] as const) {
      cluster.node(leader).step({ kind: "transferLeadership", transferee: next });
      cluster.settle();
    }
    expect(cluster.node("a").state.role).to.equal("leader");
    put(cluster, 1);
    expect(commitAt(cluster, "b")).to.equal(commitAt(cluster, "a"));
  });
});
