import { expect } from "chai";
import { describe, it } from "mocha";
import { furthestFollower, progressOfMember } from "../../src/raft/commit.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { configurationOf } from "../support/core-node.ts";

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
