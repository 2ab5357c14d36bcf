import { expect } from "chai";
import { describe, it } from "mocha";
import { renderComparison, type Slice } from "../../scripts/bench/comparison.ts";

function slice(perSecond: number, more: Partial<Slice> = {}): Slice {
  return { answered: perSecond, perSecond, p50Ms: 1, p99Ms: 4, failed: 0, processorMs: [100, 50, 50], ...more };
}

function pairsOf(...rates: readonly (readonly [number, number])[]): readonly (readonly [Slice, Slice])[] {
  return rates.map(([one, other]) => [slice(one), slice(other)] as const);
}

describe("the comparison of two builds", () => {
  it("takes the ratio of each pair, and of these the median", () => {
    // The machine is half as fast in the third pair: of the rates by themselves the ratio would be 2.
    const pairs = pairsOf([900, 1_000], [900, 1_000], [450, 500], [2_000, 1_000]);
    const { text } = renderComparison([{ name: "put", pairs }], undefined);
    expect(text).to.match(/^ {2}put +900 +1 000 +0\.90 \(0\.90–2\.00\)/m);
  });

  it("tells the processor time an answer of each node and of all", () => {
    const dear = slice(1_000, { processorMs: [240, 80, 80] });
    const { text } = renderComparison([{ name: "put", pairs: [[slice(1_000), dear]] }], undefined);
    expect(text).to.match(/put: this +100 +50, 50 +200 +0\.50 \(0\.50–0\.50\)/);
    expect(text).to.match(/the other +240 +80, 80 +400$/m);
  });

  it("does not pretend to know processor times that the system does not tell", () => {
    const unknown = slice(1_000, { processorMs: [Number.NaN, Number.NaN, Number.NaN] });
    expect(renderComparison([{ name: "put", pairs: [[unknown, unknown]] }], undefined).text).to.match(/\? +\?, \? +\?/);
  });

  it("holds when every median is at least what was asked for", () => {
    const comparison = renderComparison([{ name: "put", pairs: pairsOf([850, 1_000]) }], 0.85);
    expect(comparison.holds).to.equal(true);
    expect(comparison.text).to.include("each is at least 0.85 times as fast");
  });

  it("does not hold when one is less, and names it", () => {
    const compared = [
      { name: "put, new keys", pairs: pairsOf([1_000, 1_000]) },
      { name: "put over 10 keys", pairs: pairsOf([840, 1_000], [849, 1_000], [2_000, 1_000]) },
    ];
    const comparison = renderComparison(compared, 0.85);
    expect(comparison.holds).to.equal(false);
    expect(comparison.text).to.match(/less than 0\.85 times as fast: put over 10 keys$/m);
  });

  it("does not hold when nothing was measured, or requests failed", () => {
    expect(renderComparison([{ name: "put", pairs: [] }], 0.85).holds).to.equal(false);
    const failing = [[slice(1_000, { failed: 3 }), slice(1_000)]] as const;
    const comparison = renderComparison([{ name: "put", pairs: failing }], undefined);
    expect(comparison.holds).to.equal(false);
    expect(comparison.text).to.include("3 requests failed");
  });
});
