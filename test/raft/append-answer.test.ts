import { expect } from "chai";
import { describe, it } from "mocha";
import type { Message } from "../../src/raft/message.ts";
import { becomeProbe, type Progress } from "../../src/raft/progress.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import type { CoreNode } from "../support/core-node.ts";

/** A leads b and c, and all of them hold three entries. */
function ledByA(): { readonly a: CoreNode; readonly ofB: Progress; readonly hear: (message: Message) => void } {
  const cluster = new CoreCluster(["a", "b", "c"]);
  const a = cluster.elect("a");
  for (const text of ["x", "y"]) cluster.propose("a", text);
  cluster.settle();
  const ofB = a.state.progress.find(({ id }) => id === "b");
  if (ofB === undefined) throw new Error("b is a member");
  expect(ofB).to.include({ kind: "replicate", matchIndex: 3 });
  return { a, ofB, hear: (message) => a.step({ kind: "receive", message }) };
}

function matched(matchIndex: number): Message {
  return { kind: "appendEntriesMatched", from: "b", to: "a", term: 1, matchIndex };
}

describe("the answer to an append", () => {
  it("ends the probing of a member though it has nothing new, when it says where the logs are known to meet", () => {
    const { ofB, hear } = ledByA();
    becomeProbe(ofB);
    hear(matched(3));
    expect(ofB).to.include({ kind: "replicate", matchIndex: 3, nextIndex: 4 });
  });

  it("ends no probing when it is of before what is known", () => {
    const { ofB, hear } = ledByA();
    becomeProbe(ofB);
    hear(matched(2));
    expect(ofB).to.include({ kind: "probe", matchIndex: 3 });
  });

  it("changes nothing on the way when it repeats what is known", () => {
    const { a, ofB, hear } = ledByA();
    const before = { ...ofB };
    hear(matched(3));
    expect(ofB).to.deep.equal(before);
    expect(a.collect().messages).to.deep.equal([]);
  });

  it("ends the wait for a snapshot only once it reaches the leader's log", () => {
    const { a, ofB, hear } = ledByA();
    a.snapshot();
    a.collect();
    expect(a.state.log.startIndex).to.equal(3);
    for (const [matchIndex, kind] of [
      [2, "snapshot"],
      [3, "replicate"],
    ] as const) {
      Object.assign(ofB, { kind: "snapshot", matchIndex: 1, nextIndex: 4, pendingSnapshot: 3 });
      hear(matched(matchIndex));
      expect(ofB, `at ${matchIndex}`).to.include({ kind, matchIndex });
    }
  });

  it("lets entries go on at once when a member that was probed meets the log further down", () => {
    const { a, ofB, hear } = ledByA();
    Object.assign(ofB, { matchIndex: 0, nextIndex: 2 });
    becomeProbe(ofB);
    hear(matched(1));
    expect(ofB.kind).to.equal("replicate");
    const sent = a.collect().messages.flatMap((message) => (message.kind === "appendEntriesRequest" ? [message] : []));
    expect(sent.map(({ to, prevLogIndex, entries }) => [to, prevLogIndex, entries.length])).to.deep.equal([
      ["b", 1, 2],
    ]);
  });
});

describe("an append whose entries do not follow each other", () => {
  it("is never taken", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    const entry = (index: number) => ({ kind: "noop", term: 1, index, time: 0 }) as const;
    for (const entries of [[entry(2)], [entry(1), entry(3)]]) {
      const request = { kind: "appendEntriesRequest", from: "a", to: "b", term: 1 } as const;
      const message = { ...request, prevLogIndex: 0, prevLogTerm: 0, entries, leaderCommit: 0 };
      expect(() => b.step({ kind: "receive", message })).to.throw("without a gap");
    }
  });
});
