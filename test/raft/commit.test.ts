import { expect } from "chai";
import { describe, it } from "mocha";
import { furthestFollower, progressOfMember } from "../../src/raft/commit.ts";
import type { RaftOptions } from "../../src/raft/options.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { configurationOf } from "../support/core-node.ts";

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

describe("the follower to lead next", () => {
  it("is the voter whose log reaches furthest of those that were heard lately", () => {
    const cluster = new CoreCluster(["a", "b", "c", "d"], {}, configurationOf(["a", "b", "c"], ["d"]));
    const { state } = cluster.elect("a");
    const know = (id: string, matchIndex: number, recentActive = true): void => {
      Object.assign(progressOfMember(state, id) ?? {}, { matchIndex, recentActive });
    };
    know("a", 9);
    know("b", 3);
    know("c", 5);
    know("d", 7);
    expect(furthestFollower(state)?.id).to.equal("c");
    know("c", 5, false);
    expect(furthestFollower(state)?.id, "c is silent").to.equal("b");
    know("b", 3, false);
    expect(furthestFollower(state), "only a learner is left").to.equal(null);
    know("b", 5);
    know("c", 5);
    expect(furthestFollower(state)?.id, "either would do").to.equal("b");
  });
});
