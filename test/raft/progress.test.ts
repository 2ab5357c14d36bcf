import { expect } from "chai";
import { describe, it } from "mocha";
import { addInflight, createInflights, freeInflightsTo, inflightMessages, isFull } from "../../src/raft/inflights.ts";
import {
  advanceMatch,
  becomeProbe,
  becomeReplicate,
  becomeSnapshot,
  createProgress,
  isPaused,
  noteSent,
  type Progress,
  stepBack,
  wantsCommit,
} from "../../src/raft/progress.ts";

const window = { messagesMax: 2, bytesMax: 1000 };

function replicating(matchIndex: number): Progress {
  const progress = createProgress("b", 1, window);
  advanceMatch(progress, matchIndex);
  becomeReplicate(progress);
  return progress;
}

describe("inflights", () => {
  it("are full by messages or by bytes, and freed up to an index", () => {
    const inflights = createInflights({ messagesMax: 3, bytesMax: 100 });
    addInflight(inflights, 5, 40);
    addInflight(inflights, 9, 40);
    expect(isFull(inflights)).to.equal(false);
    addInflight(inflights, 12, 40);
    expect(isFull(inflights)).to.equal(true);
    freeInflightsTo(inflights, 8);
    expect(inflightMessages(inflights)).to.equal(2);
    expect(inflights.bytes).to.equal(80);
    expect(isFull(inflights)).to.equal(false);
  });

  it("take no more memory than their window, however long they run", () => {
    const inflights = createInflights({ messagesMax: 4, bytesMax: 1e9 });
    for (let index = 1; index <= 1000; index += 1) {
      addInflight(inflights, index, 1);
      if (index > 3) freeInflightsTo(inflights, index - 3);
    }
    expect(inflights.lastIndexes.length).to.be.at.most(8);
    expect(inflights.bytes).to.equal(3);
  });

  it("are full at their bounds, not only above them", () => {
    const inflights = createInflights({ messagesMax: 2, bytesMax: 100 });
    addInflight(inflights, 1, 99);
    expect(isFull(inflights)).to.equal(false);
    addInflight(inflights, 2, 0);
    expect(isFull(inflights)).to.equal(true);
    const byBytes = createInflights({ messagesMax: 9, bytesMax: 100 });
    addInflight(byBytes, 1, 100);
    expect(isFull(byBytes)).to.equal(true);
  });

  it("know the bytes of each append that is freed, whatever was freed before", () => {
    const inflights = createInflights({ messagesMax: 4, bytesMax: 1e9 });
    for (let index = 1; index <= 100; index += 1) {
      addInflight(inflights, index, index);
      freeInflightsTo(inflights, index - 2);
      expect(inflights.bytes).to.equal(index === 1 ? 1 : 2 * index - 1);
    }
    expect(inflightMessages(inflights)).to.equal(2);
    freeInflightsTo(inflights, 1000);
    expect(inflightMessages(inflights)).to.equal(0);
    expect(inflights.bytes).to.equal(0);
  });
});

describe("progress", () => {
  it("a probe waits for its answer; a pipeline for its window", () => {
    const progress = createProgress("b", 5, window);
    noteSent(progress, 1, 10);
    expect(isPaused(progress)).to.equal(true);
    expect(progress.nextIndex).to.equal(5);
    const pipeline = replicating(4);
    noteSent(pipeline, 2, 10);
    expect(isPaused(pipeline)).to.equal(false);
    noteSent(pipeline, 3, 10);
    expect(isPaused(pipeline)).to.equal(true);
    expect(pipeline.nextIndex).to.equal(10);
  });

  it("matchIndex never goes back, whatever the order of answers", () => {
    const progress = replicating(4);
    expect(advanceMatch(progress, 7)).to.equal(true);
    expect(advanceMatch(progress, 6)).to.equal(false);
    expect(progress.matchIndex).to.equal(7);
  });

  it("an old rejection changes nothing", () => {
    const pipeline = replicating(8);
    expect(stepBack(pipeline, 7, 3)).to.equal(false);
    expect(pipeline.nextIndex).to.equal(9);
    const probe = createProgress("b", 9, window);
    expect(stepBack(probe, 5, 3)).to.equal(false);
    expect(probe.nextIndex).to.equal(9);
  });

  it("a rejected probe goes back to the hint, never to what is known to match", () => {
    const probe = createProgress("b", 9, window);
    expect(stepBack(probe, 8, 3)).to.equal(true);
    expect(probe.nextIndex).to.equal(4);
    advanceMatch(probe, 2);
    expect(stepBack(probe, 3, 0)).to.equal(true);
    expect(probe.nextIndex).to.equal(3);
  });

  it("after a snapshot the log goes on behind it", () => {
    const progress = createProgress("b", 2, window);
    becomeSnapshot(progress, 20);
    expect(progress).to.include({ pendingSnapshot: 20, nextIndex: 21, sentCommit: 20 });
    expect(isPaused(progress)).to.equal(true);
    becomeProbe(progress);
    expect(progress.nextIndex).to.equal(21);
    expect(progress.pendingSnapshot).to.equal(0);
  });

  it("an answer that repeats what is known says nothing new", () => {
    const progress = replicating(4);
    expect(advanceMatch(progress, 4)).to.equal(false);
    expect(advanceMatch(progress, 5)).to.equal(true);
  });

  it("whose appends are lost has been told of no commit above what is known to be there", () => {
    const progress = replicating(4);
    noteSent(progress, 3, 10);
    progress.sentCommit = 7;
    becomeProbe(progress);
    expect(progress).to.include({ nextIndex: 5, sentCommit: 4 });
    expect(wantsCommit(progress, 7)).to.equal(false);
    progress.nextIndex = 8;
    expect(wantsCommit(progress, 7)).to.equal(true);
  });

  it("tells whether a message without entries would say something new", () => {
    const progress = replicating(4);
    noteSent(progress, 1, 1);
    progress.sentCommit = 3;
    expect(wantsCommit(progress, 4)).to.equal(true);
    expect(wantsCommit(progress, 3)).to.equal(false);
  });
});
