import { expect } from "chai";
import fc from "fast-check";
import { describe, it } from "mocha";
import { formatSpread, spreadOf } from "../../scripts/bench/spread.ts";

function ranks(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at + 1);
}

describe("the spread of a ratio", () => {
  it("has the median in the middle, whatever the order", () => {
    expect(spreadOf([3, 1, 2]).median).to.equal(2);
    expect(spreadOf([4, 1, 2, 3]).median).to.equal(2.5);
  });

  // Of the table of the sign test, two-sided at 0.05: which ranks bound the median.
  for (const [count, from, to] of [
    [1, 1, 1],
    [5, 1, 5],
    [6, 1, 6],
    [8, 1, 8],
    [9, 2, 8],
    [12, 3, 10],
    [20, 6, 15],
    [24, 7, 18],
    [25, 8, 18],
    [50, 18, 33],
    [1_000, 469, 532],
  ] as const) {
    it(`bounds the median of ${count} by ranks ${from} and ${to}`, () => {
      expect(spreadOf(ranks(count)).medianWithin).to.deep.equal({ from, to });
    });
  }

  it("holds the median within its bounds, and half of the values in the middle", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 100, noNaN: true }), { minLength: 1, maxLength: 60 }),
        (values) => {
          const { median, medianWithin, middleHalf } = spreadOf(values);
          const inside = values.filter((value) => value >= middleHalf.from && value <= middleHalf.to).length;
          expect(median).to.be.within(medianWithin.from, medianWithin.to);
          expect(median).to.be.within(middleHalf.from, middleHalf.to);
          // Up to two at each quartile lie outside when it falls between them.
          expect(inside).to.be.at.least(Math.floor(values.length / 2) - 1);
        },
      ),
    );
  });

  it("is written with its bounds", () => {
    expect(formatSpread(spreadOf([0.9, 1, 1.126]))).to.equal("1.00 (0.90–1.13)");
  });

  it("is not a number of nothing", () => {
    expect(spreadOf([]).median).to.satisfy(Number.isNaN);
  });
});
