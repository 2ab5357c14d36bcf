import { expect } from "chai";
import { describe, it } from "mocha";
import {
  createFreshness,
  onAppliedTo,
  onReadAsked,
  onReadGivenUp,
  onReadGranted,
} from "../../../src/actors/raft/freshness.ts";

describe("how fresh this node is", () => {
  it("is the moment of the ask, once its read index is applied", () => {
    const freshness = createFreshness();
    onReadAsked(freshness, 1, 100);
    onReadGranted(freshness, { readId: 1, readIndex: 7 });
    onAppliedTo(freshness, 6);
    expect(freshness.freshAtMs).to.equal(0);
    onAppliedTo(freshness, 7);
    expect(freshness.freshAtMs).to.equal(100);
  });

  it("takes the newest of several asks that are applied", () => {
    const freshness = createFreshness();
    for (const [readId, askedAtMs, readIndex] of [
      [1, 100, 5],
      [2, 110, 5],
      [3, 120, 9],
    ] as const) {
      onReadAsked(freshness, readId, askedAtMs);
      onReadGranted(freshness, { readId, readIndex });
    }
    onAppliedTo(freshness, 8);
    expect(freshness.freshAtMs).to.equal(110);
    onAppliedTo(freshness, 9);
    expect(freshness.freshAtMs).to.equal(120);
  });

  it("never goes back when an older ask is granted later", () => {
    const freshness = createFreshness();
    onReadAsked(freshness, 1, 100);
    onReadAsked(freshness, 2, 200);
    onReadGranted(freshness, { readId: 2, readIndex: 3 });
    onReadGranted(freshness, { readId: 1, readIndex: 3 });
    onAppliedTo(freshness, 3);
    expect(freshness.freshAtMs).to.equal(200);
  });

  it("learns nothing from an ask that was given up", () => {
    const freshness = createFreshness();
    onReadAsked(freshness, 1, 100);
    onReadGivenUp(freshness, 1);
    onReadGranted(freshness, { readId: 1, readIndex: 1 });
    onAppliedTo(freshness, 10);
    expect(freshness.freshAtMs).to.equal(0);
  });
});
