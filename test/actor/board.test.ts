import { expect } from "chai";
import { describe, it } from "mocha";
import { Board, boardCells, boardHistograms, createBoardMemory } from "../../src/actor/board.ts";
import { bucketOf } from "../../src/actor/histogram.ts";

describe("the board", () => {
  it("shows to every reader of its memory what one writer wrote", () => {
    const writer = new Board(createBoardMemory());
    const reader = new Board(writer.memory);
    writer.set("commitIndex", 2 ** 53 - 1);
    writer.add("logSyncs", 2);
    writer.add("logSyncs", 3);
    expect(reader.get("commitIndex")).to.equal(2 ** 53 - 1);
    expect(reader.get("logSyncs")).to.equal(5);
  });

  it("keeps every cell and every histogram apart", () => {
    const board = new Board(createBoardMemory());
    for (const [position, cell] of boardCells.entries()) board.set(cell, position + 1);
    for (const [position, histogram] of boardHistograms.entries()) {
      for (let times = 0; times <= position; times++) board.record(histogram, 100);
    }
    for (const [position, cell] of boardCells.entries()) expect(board.get(cell)).to.equal(position + 1);
    for (const [position, histogram] of boardHistograms.entries()) {
      const { counts, sum } = board.histogram(histogram);
      expect(counts[bucketOf(100)]).to.equal(position + 1);
      expect(sum).to.equal((position + 1) * 100);
    }
  });

  it("refuses a name that it does not have", () => {
    const board = new Board(createBoardMemory());
    expect(() => board.get("nonsense" as "term")).to.throw(RangeError, "nonsense");
  });
});
