import { expect } from "chai";
import { describe, it } from "mocha";
import type { ConfigurationEntry, Entry } from "../../src/raft/types.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { bytesOfText, type CoreNode, memberOf } from "../support/core-node.ts";

function command(term: number, index: number): Entry {
  return { kind: "command", term, index, time: 0, command: bytesOfText(`${index}`) };
}

function change(term: number, index: number, nodeId = "d"): ConfigurationEntry {
  const step = { kind: "update", nodeId, member: memberOf(nodeId) } as const;
  return { kind: "configuration", term, index, time: 0, change: { steps: [step], transition: "auto" } };
}

function noop(term: number, index: number): Entry {
  return { kind: "noop", term, index, time: 0 };
}

/** One of three voters, which comes back with that log and nothing applied. */
function restarted(entries: readonly Entry[], appendBytesMax = 1 << 16): CoreNode {
  const b = new CoreCluster(["a", "b", "c"], { appendBytesMax }).node("b");
  b.crash();
  b.disk.entries = [...entries];
  b.disk.hardState = { currentTerm: entries.at(-1)?.term ?? 0, votedFor: null };
  b.restart();
  b.collect();
  return b;
}

function overwrite(b: CoreNode, prevLogIndex: number, entries: readonly Entry[]): void {
  const term = 2;
  const message = { kind: "appendEntriesRequest", from: "a", to: "b", term, prevLogIndex, prevLogTerm: 1 } as const;
  b.step({ kind: "receive", message: { ...message, entries, leaderCommit: 0 } });
}

function commitAfterScan(b: CoreNode): number {
  while (b.read()) b.collect();
  b.collect();
  expect(b.state.bootScan).to.equal(null);
  return b.state.log.commitIndex;
}

describe("the scan of a log that was found at the start", () => {
  it("takes all changes but the last for committed", () => {
    expect(commitAfterScan(restarted([noop(1, 1), command(1, 2)]))).to.equal(0);
    expect(commitAfterScan(restarted([noop(1, 1), change(1, 2), command(1, 3)]))).to.equal(0);
    expect(commitAfterScan(restarted([noop(1, 1), change(1, 2), command(1, 3), change(1, 4)]))).to.equal(2);
    expect(commitAfterScan(restarted([noop(1, 1), change(1, 2), change(1, 3), change(1, 4)]))).to.equal(3);
  });

  it("and the last too when a leader has taken its leave behind it", () => {
    const b = restarted([noop(1, 1), change(1, 2), noop(1, 3), command(1, 4)]);
    expect(commitAfterScan(b)).to.equal(2);
    expect(b.state.farewellIndex).to.equal(3);
    // The first entry of a term is no farewell.
    const c = restarted([noop(1, 1), change(1, 2), noop(2, 3)]);
    expect(commitAfterScan(c)).to.equal(0);
    expect(c.state.farewellIndex).to.equal(0);
  });

  it("reads the whole log, a bounded piece at a time", () => {
    const entries = Array.from({ length: 30 }, (_, at) => (at % 10 === 5 ? change(1, at + 1) : command(1, at + 1)));
    const b = restarted(entries, 1);
    const asked: number[] = [];
    for (let [ask] = b.reads; ask !== undefined; [ask] = b.reads) {
      asked.push(ask.from);
      b.reads = [{ ...ask, to: Math.min(ask.to, ask.from + 4) }];
      b.read();
      b.collect();
    }
    expect(asked.slice(0, 3)).to.deep.equal([1, 5, 9]);
    expect(commitAfterScan(b)).to.equal(16);
  });

  it("looks at the last entry, too, when that is a piece by itself", () => {
    const b = restarted([noop(1, 1), change(1, 2), change(1, 3)], 1);
    b.reads = [{ from: 1, to: 3, bytesMax: 1 }];
    b.read();
    b.collect();
    expect(b.reads.map(({ from, to }) => [from, to])).to.deep.equal([[3, 4]]);
    expect(commitAfterScan(b)).to.equal(2);
  });

  it("asks once, and again when the log had no answer", () => {
    const b = restarted([noop(1, 1), change(1, 2), change(1, 3)]);
    b.collect();
    expect(b.reads).to.have.length(1);
    b.reads = [];
    b.step({ kind: "entriesRead", from: 1, entries: [] });
    b.collect();
    expect(b.reads.map(({ from, to }) => [from, to])).to.deep.equal([[1, 4]]);
    expect(commitAfterScan(b)).to.equal(2);
  });

  it("begins above what is applied", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    b.crash();
    b.disk.entries = [change(1, 1), change(1, 2), change(1, 3)];
    b.disk.hardState = { currentTerm: 1, votedFor: null };
    b.disk.appliedIndex = 1;
    b.restart();
    b.collect();
    expect(b.reads.map(({ from, to }) => [from, to])).to.deep.equal([[2, 4]]);
    expect(commitAfterScan(b)).to.equal(2);
  });

  it("keeps its node from campaigning until it is over", () => {
    const b = restarted([noop(1, 1), command(1, 2)]);
    for (let tick = 0; tick < 40; tick += 1) b.step({ kind: "tick" });
    b.step({ kind: "campaign" });
    expect(b.state.role).to.equal("follower");
    commitAfterScan(b);
    b.step({ kind: "campaign" });
    expect(b.state.role).to.equal("preCandidate");
  });

  it("forgets the changes that a leader overwrites meanwhile, and does not look at what the leader sent", () => {
    const b = restarted([noop(1, 1), change(1, 2), command(1, 3), change(1, 4), command(1, 5)]);
    b.read();
    overwrite(b, 3, [change(2, 4), command(2, 5)]);
    b.collect();
    expect(b.state.bootScan).to.equal(null);
    expect(b.reads).to.deep.equal([]);
    // Of what was there at the start one change is left, which nothing proves.
    expect(b.state.log.commitIndex).to.equal(0);
  });

  it("forgets the last change when that alone is overwritten", () => {
    const b = restarted([noop(1, 1), change(1, 2), change(1, 3)]);
    b.read();
    overwrite(b, 2, [command(2, 3)]);
    b.collect();
    expect(b.state).to.deep.include({ bootScan: null });
    expect(b.state.log.commitIndex).to.equal(0);
  });

  it("still looks at all that is left when a leader overwrites what it has not come to", () => {
    const b = restarted([noop(1, 1), change(1, 2), command(1, 3), change(1, 4), command(1, 5)], 1);
    b.reads = [{ from: 1, to: 3, bytesMax: 1 }];
    b.read();
    b.collect();
    b.reads = [];
    overwrite(b, 4, [command(2, 5)]);
    b.step({ kind: "entriesRead", from: 3, entries: [command(1, 3)] });
    b.collect();
    expect(b.reads.map(({ from, to }) => [from, to])).to.deep.equal([[4, 5]]);
    expect(commitAfterScan(b)).to.equal(2);
  });

  it("forgets a farewell that is overwritten, and not what it has proved", () => {
    const b = restarted([noop(1, 1), change(1, 2), change(1, 3), noop(1, 4)]);
    b.read();
    expect(b.state.farewellIndex).to.equal(4);
    overwrite(b, 3, [command(2, 4)]);
    b.collect();
    expect(b.state).to.include({ bootScan: null, farewellIndex: 0 });
    expect(b.state.log.commitIndex).to.equal(3);
  });

  it("does not take an answer from before the overwriting", () => {
    const b = restarted([noop(1, 1), change(1, 2), change(1, 3)]);
    overwrite(b, 1, [command(2, 2)]);
    b.collect();
    b.step({ kind: "entriesRead", from: 1, entries: [noop(1, 1), change(1, 2), change(1, 3)] });
    b.collect();
    expect(b.state.log.commitIndex).to.equal(0);
  });
});
