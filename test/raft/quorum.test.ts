import { expect } from "chai";
import { describe, it } from "mocha";
import { majorityReached, majorityVote, quorumReached, quorumVote } from "../../src/raft/quorum.ts";

const reached = (numbers: Record<string, number>) => (id: string) => numbers[id];
const votes = (given: Record<string, boolean>): Map<string, boolean> => new Map(Object.entries(given));

describe("quorum", () => {
  it("gives what a majority has reached, a silent node counting as 0", () => {
    expect(majorityReached(["a"], reached({ a: 7 }))).to.equal(7);
    expect(majorityReached(["a", "b"], reached({ a: 7 }))).to.equal(0);
    expect(majorityReached(["a", "b", "c"], reached({ a: 7, b: 5, c: 9 }))).to.equal(7);
    expect(majorityReached(["a", "b", "c", "d"], reached({ a: 7, b: 5, c: 9, d: 8 }))).to.equal(7);
    expect(majorityReached(["a", "b", "c", "d", "e"], reached({ a: 1, c: 9, d: 8 }))).to.equal(1);
  });

  it("nobody to ask has reached everything and refuses nothing", () => {
    expect(majorityReached([], reached({}))).to.equal(Number.POSITIVE_INFINITY);
    expect(majorityVote([], votes({}))).to.equal("won");
  });

  it("counts votes: won and lost as soon as that is certain", () => {
    expect(majorityVote(["a", "b", "c"], votes({ a: true }))).to.equal("pending");
    expect(majorityVote(["a", "b", "c"], votes({ a: true, b: true }))).to.equal("won");
    expect(majorityVote(["a", "b", "c"], votes({ a: true, b: false, c: false }))).to.equal("lost");
    expect(majorityVote(["a", "b"], votes({ a: false }))).to.equal("lost");
    expect(majorityVote(["a", "b", "c"], votes({ x: true, y: true }))).to.equal("pending");
  });

  it("a joint quorum is one of both halves, never a majority of their union", () => {
    const halves = { voters: ["d", "e", "f"], votersOutgoing: ["a", "b", "c"] };
    expect(quorumReached(halves, reached({ d: 9, e: 9, f: 9, a: 9 }))).to.equal(0);
    expect(quorumReached(halves, reached({ d: 9, e: 8, a: 7, b: 6 }))).to.equal(6);
    expect(quorumVote(halves, votes({ d: true, e: true, f: true, a: true }))).to.equal("pending");
    expect(quorumVote(halves, votes({ d: true, e: true, a: false, b: false }))).to.equal("lost");
    expect(quorumVote(halves, votes({ d: true, e: true, a: true, b: true }))).to.equal("won");
  });
});
