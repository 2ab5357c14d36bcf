import { expect } from "chai";
import { describe, it } from "mocha";
import { bucketOf, histogramBounds } from "../../src/actor/histogram.ts";

describe("the buckets of a distribution", () => {
  it("have two ticks as an exact bound", () => {
    expect(histogramBounds).to.include(200_000);
  });

  it("ascend without repetition", () => {
    for (let at = 1; at < histogramBounds.length; at++) {
      expect(histogramBounds[at]).to.be.greaterThan(histogramBounds[at - 1] ?? Number.POSITIVE_INFINITY);
    }
  });

  it("take a bound itself into the bucket below it, and what is above all into the last", () => {
    const at = histogramBounds.indexOf(200_000);
    expect(bucketOf(200_000)).to.equal(at);
    expect(bucketOf(200_001)).to.equal(at + 1);
    expect(bucketOf(0)).to.equal(0);
    expect(bucketOf(1e12)).to.equal(histogramBounds.length);
  });
});
