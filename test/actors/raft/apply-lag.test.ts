import { expect } from "chai";
import { describe, it } from "mocha";
import { Board, createBoardMemory } from "../../../src/actor/board.ts";
import { ApplyLag } from "../../../src/actors/raft/apply-lag.ts";

function measured(board: Board): { count: number; sum: number } {
  const { counts, sum } = board.histogram("applyLag");
  return { count: counts.reduce((total, count) => total + count, 0), sum };
}

describe("how long the store takes", () => {
  it("is counted once a batch, from its handing on to the answer that covers it", () => {
    const board = new Board(createBoardMemory());
    const lag = new ApplyLag(board);
    lag.onHandedOn(5, 100);
    lag.onHandedOn(9, 101);
    lag.onHandedOn(12, 102);
    lag.onApplied(4, 103);
    expect(measured(board)).to.deep.equal({ count: 0, sum: 0 });
    lag.onApplied(10, 104);
    expect(measured(board)).to.deep.equal({ count: 2, sum: 7000 });
    lag.onApplied(12, 105);
    expect(measured(board)).to.deep.equal({ count: 3, sum: 10_000 });
  });

  it("is not that of what an installed snapshot has replaced", () => {
    const board = new Board(createBoardMemory());
    const lag = new ApplyLag(board);
    lag.onHandedOn(5, 100);
    lag.onReplaced();
    lag.onHandedOn(12, 200);
    lag.onApplied(12, 201);
    expect(measured(board)).to.deep.equal({ count: 1, sum: 1000 });
  });

  it("is timed for a bounded number of batches at a time", () => {
    const board = new Board(createBoardMemory());
    const lag = new ApplyLag(board);
    for (let index = 1; index <= 5000; index += 1) lag.onHandedOn(index, 0);
    lag.onApplied(5000, 0);
    expect(measured(board).count).to.equal(1024);
  });
});
