import { expect } from "chai";
import { describe, it } from "mocha";
import type { Message } from "../../src/raft/message.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import type { CoreNode } from "../support/core-node.ts";

type Part = "persist" | "apply";

/** A node's disk or state machine does nothing any more. */
function stop(node: CoreNode, part: Part): void {
  node[part] = () => false;
}

function ledByA(): { readonly cluster: CoreCluster; readonly a: CoreNode } {
  const cluster = new CoreCluster(["a", "b", "c"]);
  const a = cluster.elect("a");
  cluster.tick(1);
  return { cluster, a };
}

describe("a leader whose own part stands still", () => {
  for (const part of ["persist", "apply"] as const) {
    const whose = part === "persist" ? "disk" : "state machine";

    it(`hands over after two election timeouts when its ${whose} does, and not before`, () => {
      const { cluster, a } = ledByA();
      stop(a, part);
      cluster.propose("a", "x");
      cluster.settle();
      cluster.tick(19);
      expect(a.state.role).to.equal("leader");
      cluster.tick(1);
      expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["b"]);
    });

    it(`leads on when the ${whose}s of all stand still: nothing is gained by a change`, () => {
      const { cluster, a } = ledByA();
      for (const node of cluster.nodes) stop(node, part);
      if (part === "apply") for (const node of cluster.nodes) stop(node, "persist");
      cluster.propose("a", "x");
      cluster.settle();
      cluster.tick(100);
      expect(a.state).to.include({ role: "leader", currentTerm: 1, transferee: null });
    });
  }

  it("steps down an election timeout later when nobody takes over", () => {
    const { cluster, a } = ledByA();
    stop(a, "persist");
    const told: Message[] = [];
    cluster.loses = (message) => message.kind === "timeoutNowRequest" && told.push(message) > 0;
    cluster.propose("a", "x");
    cluster.settle();
    cluster.tick(20);
    expect(told.map(({ to }) => to)).to.deep.equal(["b"]);
    cluster.tick(9);
    expect(a.state.role).to.equal("leader");
    expect(a.state.currentTerm).to.equal(1);
    // With the check of its quorum the leader begins to listen anew: whom it heard is known a tick later.
    cluster.tick(2);
    expect(a.state.role).to.equal("follower");
    expect(told, "told once").to.have.length(1);
  });

  it("hands over to the follower that is furthest on", () => {
    const { cluster, a } = ledByA();
    stop(a, "persist");
    cluster.loses = ({ kind, to }) => kind === "appendEntriesRequest" && to === "b";
    cluster.propose("a", "x");
    cluster.settle();
    cluster.tick(20);
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["c"]);
  });

  it("stays when it has nobody to hand over to", () => {
    const cluster = new CoreCluster(["a"]);
    const a = cluster.elect("a");
    cluster.tick(1);
    stop(a, "persist");
    cluster.propose("a", "x");
    cluster.tick(100);
    expect(a.state.role).to.equal("leader");
  });
});

describe("a leader whose own part is slow", () => {
  it("leads on as long as it gets on, however far it is behind", () => {
    const { cluster, a } = ledByA();
    const persist = a.persist.bind(a);
    let writes = 0;
    a.persist = () => writes-- > 0 && persist();
    for (let tick = 0; tick < 60; tick += 1) {
      cluster.propose("a", `${tick}`);
      cluster.settle();
      cluster.propose("a", `${tick} again`);
      writes = 1;
      cluster.tick(1);
      expect(a.state.log.persistedIndex).to.be.below(a.state.log.lastIndex);
    }
    expect(a.state).to.include({ role: "leader", currentTerm: 1 });
  });

  it("counts no standstill while there is nothing to do", () => {
    const { cluster, a } = ledByA();
    cluster.tick(50);
    expect(a.state.stall).to.deep.equal({
      persistedIndex: 1,
      appliedIndex: 1,
      followerMatchIndex: 1,
      stalledTicks: 0,
      transferTried: false,
    });
  });

  it("begins to count anew after each time that it got on", () => {
    const { cluster, a } = ledByA();
    const persist = a.persist.bind(a);
    for (let round = 0; round < 4; round += 1) {
      stop(a, "persist");
      cluster.propose("a", `${round}`);
      cluster.settle();
      cluster.tick(19);
      a.persist = persist;
      cluster.settle();
      cluster.tick(1);
      expect(a.state.stall.stalledTicks).to.equal(0);
    }
    expect(a.state).to.include({ role: "leader", currentTerm: 1 });
  });
});
