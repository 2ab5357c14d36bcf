import { expect } from "chai";
import { describe, it } from "mocha";
import { CoreCluster } from "../support/core-cluster.ts";

const seeds = 200;
/** No whole election timeout is longer. */
const timeoutTicksMax = 19;

/** Led by `a` in term 1, with some ticks of heartbeats behind it. */
function ledByA(ids: readonly string[], seed: number): CoreCluster {
  const cluster = new CoreCluster(ids, { seed, checkQuorum: "eachTick" });
  cluster.elect("a");
  cluster.tick(3);
  return cluster;
}

/** Ticks until one of the nodes leads; they tick in this order, in groups, and what a group said arrives before the next does. */
function ticksToLeader(cluster: CoreCluster, groups: readonly (readonly string[])[]): number {
  const ids = groups.flat();
  for (let ticks = 1; ticks < 200; ticks += 1) {
    for (const group of groups) {
      cluster.tick(1, group);
      if (ids.some((id) => cluster.node(id).state.role === "leader")) return ticks;
    }
  }
  throw new Error("nobody was elected");
}

describe("the node with the longest log", () => {
  it("is elected with its first timeout, whichever node's ticks come first", () => {
    for (let seed = 0; seed < seeds; seed += 1) {
      for (const groups of [
        [["c"], ["b"]],
        [["b"], ["c"]],
      ]) {
        const cluster = ledByA(["a", "b", "c"], seed);
        cluster.loses = ({ to, kind }) => to === "b" && kind === "appendEntriesRequest";
        cluster.propose("a", "x");
        cluster.settle();
        cluster.isolate("a");
        const ticks = ticksToLeader(cluster, groups);
        expect(ticks, `seed ${seed}, ${groups.join(" before ")}`).to.be.at.most(timeoutTicksMax);
        expect(cluster.node("c").state.role).to.equal("leader");
      }
    }
  });
});
