import { expect } from "chai";
import { describe, it } from "mocha";
import { collect } from "../../src/raft/collect.ts";
import type { Entry } from "../../src/raft/types.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { bytesOfText } from "../support/core-node.ts";

describe("what is handed to the state machine", () => {
  /** A leader alone that has committed 21 entries, of which only the newest are in memory. */
  function withTailOnDisk(): CoreCluster {
    const cluster = new CoreCluster(["a"], { applyingBytesMax: 120, tailBytesMax: 100 });
    cluster.elect("a");
    for (let text = 0; text < 20; text += 1) cluster.propose("a", `${text}`);
    const a = cluster.node("a");
    cluster.turn(a);
    while (a.persist());
    cluster.turn(a);
    return cluster;
  }

  it("is read back as far as it is committed and not in memory, and no further", () => {
    const cluster = withTailOnDisk();
    const a = cluster.node("a");
    const { log } = a.state;
    expect(log.commitIndex).to.equal(21);
    expect(log.tailFirst).to.be.within(10, 20);
    a.apply();
    cluster.turn(a);
    expect(a.reads.map(({ from, to }) => [from, to])).to.deep.equal([[log.emittedIndex + 1, log.tailFirst]]);
    const read = a.reads[0];
    cluster.turn(a);
    expect(a.reads, "asked once").to.deep.equal([read]);
    cluster.settle();
    expect(a.commands).to.deep.equal(Array.from({ length: 20 }, (_, text) => `${text}`));
  });

  it("waits for more while fewer than 128 are ready, and no longer", () => {
    for (const [ready, handedOn] of [
      [127, 0],
      [128, 128],
    ] as const) {
      const cluster = new CoreCluster(["a", "b"]);
      const a = cluster.elect("a");
      cluster.isolate("b");
      for (let text = 0; text <= ready; text += 1) cluster.propose("a", `${text}`);
      cluster.settle();
      // As if all but the last were committed.
      a.state.log.commitIndex = a.state.log.lastIndex - 1;
      expect(collect(a.state, { patient: true }).apply).to.have.length(handedOn);
    }
  });

  it("waits for more while the disk writes others and fewer than 512 are ready, and no longer", () => {
    for (const [ready, handedOn, handedOnThen] of [
      [511, 0, 511],
      [512, 512, 0],
    ] as const) {
      const cluster = new CoreCluster(["a", "b"]);
      const a = cluster.elect("a");
      cluster.isolate("b");
      for (let text = 0; text < ready; text += 1) cluster.propose("a", `${text}`);
      cluster.settle();
      a.state.log.commitIndex = a.state.log.lastIndex;
      cluster.propose("a", "that is being written");
      const { append, apply } = collect(a.state, { patient: true });
      expect(apply).to.have.length(handedOn);
      if (append === null) throw new Error("it is written");
      a.appends.push(append);
      a.persist();
      expect(collect(a.state, { patient: true }).apply).to.have.length(handedOnThen);
    }
  });

  it("waits for more only while all of it is in memory, and is never read back for having waited", () => {
    const cluster = new CoreCluster(["a", "b"], { tailBytesMax: 1000 });
    const a = cluster.elect("a");
    cluster.isolate("b");
    for (let text = 0; text < 100; text += 1) {
      cluster.propose("a", `${text}`.padEnd(100));
      const { append, apply, readEntries } = collect(a.state, { patient: true });
      if (append === null) throw new Error("it is written");
      a.appends.push(append);
      a.persist();
      const last = apply.at(-1);
      if (last !== undefined) a.step({ kind: "applied", index: last.index });
      // As if all were committed but the newest.
      a.state.log.commitIndex = a.state.log.lastIndex - 1;
      expect(readEntries).to.deep.equal([]);
      expect(a.state.log.tailBytes).to.be.below(2000);
    }
    expect(a.state.log.appliedIndex).to.be.above(80);
  });

  it("goes back into its bound as it is applied, entry by entry", () => {
    const cluster = withTailOnDisk();
    const a = cluster.node("a");
    const handedOn = a.applying.length;
    expect(handedOn).to.be.within(2, 5);
    const [first] = a.applying;
    if (first === undefined) throw new Error("something was handed on");
    const { bytes } = a.state.applying;
    a.step({ kind: "applied", index: first.index });
    expect(a.state.applying.bytes, "a chunk counts until all of it is applied").to.equal(bytes);
    a.step({ kind: "applied", index: first.index + handedOn - 1 });
    expect(a.state.applying).to.deep.include({ bytes: 0, chunks: [] });
  });

  it("is nothing of what was read before a tail was overwritten", () => {
    const cluster = withTailOnDisk();
    const a = cluster.node("a");
    a.apply();
    cluster.turn(a);
    const [ask] = a.reads.splice(0);
    if (ask === undefined) throw new Error("it was asked for");
    // The log says that it starts above by now.
    a.step({ kind: "entriesRead", from: ask.from, entries: [] });
    cluster.turn(a);
    expect(a.applying).to.deep.equal([]);
    expect(a.reads, "it is asked again").to.have.length(1);
  });
});

describe("what was read back for the state machine and held back", () => {
  it("is read again when a leader has overwritten its end meanwhile", () => {
    const b = new CoreCluster(["a", "b", "c"]).node("b");
    const entryOf = (term: number, index: number): Entry => {
      return { kind: "command", term, index, time: 0, command: bytesOfText(`${term}@${index}`) };
    };
    b.crash();
    b.disk.entries = [1, 2, 3].map((index) => entryOf(1, index));
    b.disk.hardState = { currentTerm: 1, votedFor: null };
    b.restart();
    b.collect();
    const append = (term: number, entries: readonly Entry[], leaderCommit: number): void => {
      const request = {
        kind: "appendEntriesRequest",
        from: "a",
        to: "b",
        term,
        prevLogIndex: 1,
        prevLogTerm: 1,
      } as const;
      b.step({ kind: "receive", message: { ...request, entries, leaderCommit } });
    };
    append(1, [], 1);
    b.collect();
    // As if the state machine had no room.
    const { applying, options } = b.state;
    applying.bytes = options.applyingBytesMax;
    // The answer to the look through the log that was found at the start: all three.
    b.read();
    b.collect();
    append(
      2,
      [2, 3, 4].map((index) => entryOf(2, index)),
      3,
    );
    b.collect();
    while (b.persist());
    applying.bytes = 0;
    for (let round = 0; round < 5; round += 1) {
      b.collect();
      while (b.read());
      b.apply();
    }
    expect(b.commands).to.deep.equal(["1@1", "2@2", "2@3"]);
  });
});
