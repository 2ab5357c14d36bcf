/**
 * @module
 * Leaders whose lease is over and who do not know it: they answer no read from it.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import type { IngressRequest } from "../../src/http/request.ts";
import type { SteppedCluster } from "../actors/support/stepped-cluster.ts";
import type { SteppedNode } from "../actors/support/stepped-node.ts";
import { answered, put, threeVoters } from "../actors/support/three-voters.ts";

const leaseRead: IngressRequest = { kind: "leaseRead", minRevision: 0, redirect: false };

interface Led {
  readonly cluster: SteppedCluster;
  readonly leader: SteppedNode;
  readonly other: SteppedNode;
}

/** The leader holds a lease, and `a` is 1. */
async function led(): Promise<Led> {
  const { cluster, nodes } = await threeVoters({ leaseReads: true });
  const [leader, other] = nodes;
  if (leader === undefined || other === undefined) throw new RangeError("three nodes");
  await answered(cluster, leader, put("a", "1"));
  const readId = leader.ask(leaseRead);
  cluster.setDown(leader.id, true);
  await cluster.settle();
  expect(leader.answers.get(readId), "with a lease, and nobody to ask").to.deep.equal({ kind: "readable" });
  cluster.setDown(leader.id, false);
  return { cluster, leader, other };
}

async function writtenByAnother({ cluster, leader, other }: Led): Promise<void> {
  await cluster.until("another leader", () => {
    const present = cluster.leader();
    return present !== undefined && present !== leader;
  });
  expect(await answered(cluster, other, put("a", "2"))).to.deep.include({ kind: "applied" });
}

describe("a paused leader", () => {
  it("does not answer from a lapsed lease: no tick has told it of the time, its clock does", async () => {
    const all = await led();
    const { cluster, leader } = all;
    cluster.setPaused(leader.id, true);
    // What is sent to it meanwhile is lost: it wakes up knowing nothing.
    cluster.setDown(leader.id, true);
    const before = new Set(cluster.nodes.values());
    before.delete(leader);
    await cluster.until("another leader", () => [...before].some((node) => node.role === "leader"));
    const [writer] = before;
    if (writer === undefined) throw new RangeError("three nodes");
    expect(await answered(cluster, writer, put("a", "2"))).to.deep.include({ kind: "applied" });

    cluster.setPaused(leader.id, false);
    const readId = leader.ask(leaseRead);
    await cluster.settle();
    expect(leader.role).to.equal("leader");
    expect(leader.answers.has(readId)).to.equal(false);
    cluster.setDown(leader.id, false);
    await cluster.until("answer", () => leader.answers.has(readId));
    expect(leader.read("a")).to.equal("2");
  });
});

describe("a leader that is cut off", () => {
  it("answers no lease read from the moment on when the others elect", async () => {
    const all = await led();
    const { cluster, leader } = all;
    cluster.setDown(leader.id, true);
    let answeredAlone = 0;
    let last = leader.ask(leaseRead);
    await cluster.until("another leader", () => {
      if (leader.answers.has(last)) answeredAlone += 1;
      const isElected = cluster.leader() !== undefined;
      if (!isElected) last = leader.ask(leaseRead);
      return isElected;
    });
    expect(answeredAlone, "while its lease lasts").to.be.within(5, 9);
    await writtenByAnother(all);
    const late = leader.ask(leaseRead);
    await cluster.settle();
    for (const readId of [last, late]) expect(leader.answers.has(readId)).to.equal(false);
    cluster.setDown(leader.id, false);
    await cluster.until("answers", () => leader.answers.has(last) && leader.answers.has(late));
    expect(leader.read("a")).to.equal("2");
  });
});
