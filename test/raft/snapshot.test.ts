import { expect } from "chai";
import { describe, it } from "mocha";
import { becomeSnapshot, type Progress } from "../../src/raft/progress.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { type CoreNode, noSnapshot } from "../support/core-node.ts";

/** Alone, with eleven entries applied. */
function withElevenEntries(trailingEntries: number): CoreNode {
  const cluster = new CoreCluster(["a"], { trailingEntries });
  const a = cluster.elect("a");
  for (let text = 0; text < 10; text += 1) cluster.propose("a", `${text}`);
  cluster.settle();
  expect(a.state.log.appliedIndex).to.equal(11);
  return a;
}

describe("a snapshot that was taken", () => {
  it("lets all go that it covers but the trailing entries, and nothing when there is nothing more to go", () => {
    for (const [trailingEntries, compactTo] of [
      [0, 11],
      [3, 8],
      [10, 1],
      [11, null],
      [100, null],
    ] as const) {
      const a = withElevenEntries(trailingEntries);
      a.snapshot();
      expect(a.collect().compactTo, `${trailingEntries} trail`).to.equal(compactTo);
      expect(a.state.log.startIndex).to.equal(compactTo ?? 0);
      expect(a.state.snapshot.lastIncludedIndex).to.equal(11);
    }
  });

  it("is nothing new when one as new is known", () => {
    const a = withElevenEntries(0);
    const newest = a.snapshot();
    a.collect();
    for (const lastIncludedIndex of [11, 5]) {
      a.step({ kind: "snapshotTaken", snapshot: { ...newest, lastIncludedIndex, lastIncludedTime: 77 } });
      expect(a.collect().compactTo).to.equal(null);
      expect(a.state.snapshot).to.equal(newest);
    }
  });
});

describe("a snapshot that arrives", () => {
  it("is a word of the leader, whom a candidate follows and a follower waits for", () => {
    for (const isCandidate of [true, false]) {
      const b = new CoreCluster(["a", "b", "c"], { preVote: false }).node("b");
      if (isCandidate) b.step({ kind: "campaign" });
      for (let tick = 0; tick < 5; tick += 1) b.step({ kind: "tick" });
      const snapshot = { ...noSnapshot, lastIncludedIndex: 4, lastIncludedTerm: 1 };
      const term = b.state.currentTerm;
      b.step({ kind: "receive", message: { kind: "installSnapshotRequest", from: "a", to: "b", term, snapshot } });
      expect(b.state).to.include({ role: "follower", leaderId: "a", electionElapsedTicks: 0, installing: snapshot });
    }
  });
});

describe("a snapshot that was sent", () => {
  function sendingToB(): { readonly a: CoreNode; readonly ofB: Progress } {
    const cluster = new CoreCluster(["a", "b", "c"]);
    const a = cluster.elect("a");
    const ofB = a.state.progress.find(({ id }) => id === "b");
    if (ofB === undefined) throw new Error("b is a member");
    becomeSnapshot(ofB, 1);
    return { a, ofB };
  }

  it("is followed by what is behind it when it has arrived, and by a probe from before it when it has not", () => {
    for (const [delivered, expected] of [
      [true, { kind: "probe", nextIndex: 2, installing: true, paused: true }],
      [false, { kind: "probe", nextIndex: 2, installing: false, paused: true }],
    ] as const) {
      const { a, ofB } = sendingToB();
      a.step({ kind: "snapshotSent", to: "b", delivered });
      expect(ofB).to.include(expected);
      expect(ofB.pendingSnapshot).to.equal(0);
    }
    const { a, ofB } = sendingToB();
    Object.assign(ofB, { matchIndex: 0, pendingSnapshot: 9 });
    a.step({ kind: "snapshotSent", to: "b", delivered: false });
    expect(ofB.nextIndex, "nothing of it is there").to.equal(1);
  });

  it("changes nothing for a member that was not sent one, and for who is none", () => {
    const { a, ofB } = sendingToB();
    const before = JSON.stringify(a.state.progress);
    for (const to of ["c", "z"]) a.step({ kind: "snapshotSent", to, delivered: true });
    expect(JSON.stringify(a.state.progress)).to.equal(before);
    expect(ofB.kind).to.equal("snapshot");
  });
});
