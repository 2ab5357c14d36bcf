/**
 * @module
 * Proposals that are handed on to a leader, and come there twice: by a link that repeats its frames, or by one that
 * says again after a reconnection what may have arrived.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import type { ForwardedProposal } from "../../src/raft/message.ts";
import { answered, put, threeVoters } from "../actors/support/three-voters.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { memberOf } from "../support/core-node.ts";

/** Led by a in term 1; b has handed a proposal on, under the id 7, which is on its way. */
function handedOn(text = "x", options = {}): { readonly cluster: CoreCluster; readonly forward: ForwardedProposal } {
  const cluster = new CoreCluster(["a", "b", "c"], options);
  cluster.elect("a");
  cluster.propose("b", text, 7);
  return { cluster, forward: takenFromNetwork(cluster) };
}

function takenFromNetwork(cluster: CoreCluster): ForwardedProposal {
  cluster.turn(cluster.node("b"));
  for (const message of cluster.network.splice(0)) if (message.kind === "forwardedProposal") return message;
  throw new Error("nothing was handed on");
}

function lead(cluster: CoreCluster, id: string): void {
  cluster.leaders[0]?.step({ kind: "transferLeadership", transferee: id });
  cluster.settle();
  expect(cluster.leaders.map((node) => node.id)).to.deep.equal([id]);
}

describe("a forward that arrives twice", () => {
  it("is appended once, and the second is not refused either: the first is under way", () => {
    const { cluster, forward } = handedOn();
    cluster.deliver(forward);
    cluster.deliver(forward);
    cluster.settle();
    cluster.deliver(forward);
    cluster.settle();
    for (const { commands } of cluster.nodes) expect(commands).to.deep.equal(["x"]);
    expect(cluster.node("b").proposals).to.deep.equal({ accepted: [{ proposalId: 7, term: 1 }], refused: [] });
  });

  it("is not appended the second time when it was refused the first: who proposed it does so again", () => {
    const { cluster, forward } = handedOn("y", { uncommittedBytesMax: 100 });
    const a = cluster.node("a");
    cluster.propose("a", "x".repeat(80));
    cluster.deliver(forward);
    cluster.settle();
    expect(cluster.node("b").proposals.refused).to.deep.equal([{ proposalId: 7, reason: "overloaded" }]);
    expect(a.state.uncommittedBytes).to.equal(0);
    cluster.deliver(forward);
    cluster.settle();
    expect(a.commands).to.deep.equal(["x".repeat(80)]);
  });

  it("is not refused as a change that waits for itself", () => {
    const { cluster } = handedOn();
    const steps = [{ kind: "addLearner", nodeId: "d", member: memberOf("d", "learner") }] as const;
    cluster.change("b", { steps, transition: "auto" }, 8);
    const forward = takenFromNetwork(cluster);
    cluster.deliver(forward);
    cluster.deliver(forward);
    cluster.settle();
    expect(cluster.node("b").proposals.refused).to.deep.equal([]);
    expect(cluster.node("b").state.configuration.learners).to.deep.equal(["d"]);
  });

  it("in a later term, at who took it in its own, is no reason to propose it again", () => {
    const { cluster, forward } = handedOn();
    cluster.deliver(forward);
    cluster.settle();
    lead(cluster, "c");
    cluster.deliver(forward);
    lead(cluster, "a");
    cluster.deliver(forward);
    cluster.settle();
    expect(cluster.node("b").proposals.refused).to.deep.equal([]);
    expect(cluster.node("b").commands).to.deep.equal(["x"]);
  });

  it("at the next process of who took it, is not refused either: it does not know", () => {
    const { cluster, forward } = handedOn();
    cluster.deliver(forward);
    cluster.settle();
    const a = cluster.node("a");
    a.crash();
    a.restart();
    expect(a.state).to.include({ role: "follower", currentTerm: 1 });
    cluster.deliver(forward);
    cluster.settle();
    expect(cluster.node("b").proposals.refused).to.deep.equal([]);
    expect(cluster.node("b").commands).to.deep.equal(["x"]);
  });
});

describe("a forward that arrives once", () => {
  it("is refused by who led its term and does not any more, so that it is proposed again soon", () => {
    const { cluster, forward } = handedOn();
    lead(cluster, "c");
    cluster.deliver(forward);
    cluster.settle();
    expect(cluster.node("b").proposals.refused).to.deep.equal([{ proposalId: 7, reason: "noLeader" }]);
  });

  it("is taken though its sender was restarted and counts from somewhere else", () => {
    const { cluster, forward } = handedOn();
    cluster.deliver(forward);
    cluster.settle();
    const b = cluster.node("b");
    for (let restart = 1; restart <= 5; restart += 1) {
      b.crash();
      b.restart();
      cluster.tick(2);
      cluster.propose("b", `${restart}`, 7);
      cluster.settle();
      cluster.deliver(forward);
      cluster.settle();
    }
    expect(cluster.node("a").commands).to.deep.equal(["x", "1", "2", "3", "4", "5"]);
    expect(cluster.node("a").state).to.include({ role: "leader", currentTerm: 1 });
  });
});

describe("links that repeat every frame", () => {
  it("change nothing: each write is executed once, at every node, through a change of leader", async () => {
    const { cluster, nodes } = await threeVoters();
    cluster.repeatsFrames = true;
    const [leader] = nodes;
    if (leader === undefined) throw new RangeError("three nodes");
    let revision = leader.meta.revision;
    const write = async (): Promise<void> => {
      for (const node of nodes) {
        revision += 1;
        expect(await answered(cluster, node, put("a", `${revision}`))).to.deep.include({ kind: "applied", revision });
      }
    };
    await write();
    cluster.setDown(leader.id, true);
    const isAnother = (): boolean => cluster.leader() !== undefined && cluster.leader() !== leader;
    await cluster.until("another leader", isAnother);
    cluster.setDown(leader.id, false);
    await write();
    await cluster.until("agreement", () => nodes.every((node) => node.read("a") === `${revision}`));
    expect(nodes.map(({ meta }) => meta.revision)).to.deep.equal([revision, revision, revision]);
  });
});
