import { expect } from "chai";
import { describe, it } from "mocha";
import {
  appendToLog,
  compactLog,
  createLog,
  entryBytes,
  type RaftLog,
  sliceLog,
  trimTail,
  truncateLog,
} from "../../src/raft/log.ts";
import { type Entry, emptyConfiguration } from "../../src/raft/types.ts";
import { noSnapshot } from "../support/core-node.ts";

function entry(index: number, term = 1, size = 10): Entry {
  return { kind: "command", term, index, time: index, command: new Uint8Array(size) };
}

function logOf(entries: number): RaftLog {
  const log = createLog({
    hardState: { currentTerm: 1, votedFor: null },
    snapshot: noSnapshot,
    logStart: { index: 0, term: 0 },
    termRuns: [],
    lastIndex: 0,
    lastTime: 0,
    appliedIndex: 0,
    configuration: emptyConfiguration,
  });
  for (let index = 1; index <= entries; index += 1) appendToLog(log, entry(index));
  return log;
}

const indexesOf = (entries: readonly Entry[]): number[] => entries.map(({ index }) => index);

describe("log", () => {
  it("slices by bytes, one entry at least", () => {
    const log = logOf(5);
    const size = entryBytes(entry(1));
    expect(indexesOf(sliceLog(log, 2, 6, 1e6))).to.deep.equal([2, 3, 4, 5]);
    expect(indexesOf(sliceLog(log, 2, 6, 2 * size))).to.deep.equal([2, 3]);
    expect(indexesOf(sliceLog(log, 2, 6, 1))).to.deep.equal([2]);
    expect(indexesOf(sliceLog(log, 2, 4, 1e6))).to.deep.equal([2, 3]);
  });

  it("an overwritten tail takes back what was written and persisted, and never what is committed", () => {
    const log = logOf(5);
    Object.assign(log, { writtenIndex: 5, persistedIndex: 4, commitIndex: 2 });
    truncateLog(log, 4);
    expect(log).to.include({ lastIndex: 3, writtenIndex: 3, persistedIndex: 3 });
    appendToLog(log, entry(4, 2));
    expect(indexesOf(sliceLog(log, 1, 5, 1e6))).to.deep.equal([1, 2, 3, 4]);
    expect(() => truncateLog(log, 2)).to.throw("never overwritten");
  });

  it("the tail is trimmed to its bound, but keeps what is not durable", () => {
    const log = logOf(100);
    const size = entryBytes(entry(1));
    Object.assign(log, { writtenIndex: 100, persistedIndex: 60, commitIndex: 60, emittedIndex: 60 });
    trimTail(log, 10 * size);
    expect(log.tailFirst).to.equal(61);
    expect(log.tailBytes).to.equal(40 * size);
    log.persistedIndex = 100;
    trimTail(log, 10 * size);
    // What is not handed on yet stays up to twice the bound.
    expect(log.tailBytes).to.equal(20 * size);
    Object.assign(log, { commitIndex: 100, emittedIndex: 100 });
    trimTail(log, 10 * size);
    expect(log.tailBytes).to.equal(10 * size);
    expect(indexesOf(sliceLog(log, log.tailFirst, 101, 1e6))).to.have.length(10);
  });

  it("gives dropped entries back in blocks, and finds the others all the same", () => {
    const log = logOf(5000);
    Object.assign(log, { writtenIndex: 5000, persistedIndex: 5000, commitIndex: 5000, emittedIndex: 5000 });
    trimTail(log, 1000);
    expect(log.tail.length).to.be.lessThan(1100);
    expect(indexesOf(sliceLog(log, 5000, 5001, 1))).to.deep.equal([5000]);
    truncateLog(Object.assign(log, { commitIndex: 0 }), 4999);
    appendToLog(log, entry(4999, 2));
    expect(sliceLog(log, 4999, 5000, 1)[0]).to.include({ term: 2, index: 4999 });
  });

  it("an overwritten tail that is longer than what is in memory begins anew", () => {
    const log = logOf(100);
    Object.assign(log, { writtenIndex: 100, persistedIndex: 100 });
    trimTail(log, 100);
    truncateLog(log, 10);
    appendToLog(log, entry(10, 3));
    expect(log).to.include({ lastIndex: 10, tailFirst: 10 });
    expect(sliceLog(log, 10, 11, 1)[0]).to.include({ term: 3 });
    expect(log.tailBytes).to.equal(entryBytes(entry(1)));
  });

  it("compaction drops what is in memory too", () => {
    const log = logOf(10);
    Object.assign(log, { writtenIndex: 10, persistedIndex: 10, commitIndex: 10, emittedIndex: 10, appliedIndex: 10 });
    compactLog(log, 10);
    expect(log).to.include({ startIndex: 10, startTerm: 1, tailFirst: 11, tailBytes: 0 });
    appendToLog(log, entry(11));
    expect(indexesOf(sliceLog(log, 11, 12, 1))).to.deep.equal([11]);
  });
});
