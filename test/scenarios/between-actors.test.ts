/**
 * @module
 * What the actors of one node would get wrong between them if they met in another order. Answers that an installed
 * snapshot overtakes: `test/actors/ingress/turn.test.ts`; a state that is swapped under a reader, and values with the
 * revision of another moment: `test/storage` and `test/actors/store`.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import { SteppedRaft, snapshotAt } from "../actors/support/stepped-raft.ts";
import { CoreCluster } from "../support/core-cluster.ts";

const heartbeat = {
  kind: "heartbeatRequest",
  from: "n2",
  to: "n1",
  term: 1,
  leaderCommit: 0,
  readRound: 0,
} as const;

describe("ticks that fire before the sockets are read, after a pause", () => {
  it("count as one, and after what the leader has said meanwhile", async () => {
    const raft = await SteppedRaft.start(snapshotAt(5));
    await raft.hear(heartbeat);
    const ticks = Array.from({ length: 50 }, () => ({ kind: "tick" }) as const);
    await raft.turn(...ticks, { kind: "fromPeer", message: heartbeat, entries: undefined }, ...ticks);
    expect(raft.core).to.include({ role: "follower", leaderId: "n2", currentTerm: 1, electionElapsedTicks: 1 });
  });
});

describe("an entry that others have committed and the own disk has not written", () => {
  it("is not handed to the state machine before it is: the state never outruns its own log", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    const a = cluster.elect("a");
    cluster.propose("a", "x");
    cluster.turn(a);
    for (let round = 0; round < 3; round += 1) {
      for (const message of cluster.network.splice(0)) cluster.deliver(message);
      for (const id of ["b", "c"]) {
        cluster.work(cluster.node(id));
        cluster.turn(cluster.node(id));
      }
      cluster.turn(a);
    }
    const { log } = a.state;
    expect(log.commitIndex).to.equal(log.lastIndex);
    expect(log.persistedIndex).to.be.lessThan(log.lastIndex);
    expect(a.applying).to.deep.equal([]);
    a.persist();
    cluster.turn(a);
    expect(a.applying.map(({ index }) => index)).to.deep.equal([log.lastIndex]);
  });
});
