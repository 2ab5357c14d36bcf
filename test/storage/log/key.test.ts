import { expect } from "chai";
import { describe, it } from "mocha";
import {
  allEntries,
  deadRanges,
  entryKey,
  firstLane,
  hardStateKey,
  type KeyRange,
  keyAfter,
  type Lane,
  laneRange,
  lastLane,
  nextLane,
  startKey,
} from "../../../src/storage/log/key.ts";

const largest = Number.MAX_SAFE_INTEGER;

function isIn({ from, to }: KeyRange, key: Buffer): boolean {
  return Buffer.compare(key, from) >= 0 && Buffer.compare(key, to) < 0;
}

describe("the keys of the log's rows", () => {
  it("give every life of the log a lane of its own, until all have been used", () => {
    const lanes: Lane[] = [firstLane];
    for (let lane = nextLane(firstLane); lane !== firstLane; lane = nextLane(lane)) lanes.push(lane);
    expect(lanes).to.deep.equal(Array.from({ length: lastLane - firstLane + 1 }, (_, place) => firstLane + place));
  });

  it("sort by lane, then by index, up to the largest", () => {
    const indexes = [0, 1, 255, 256, 2 ** 32 - 1, 2 ** 32, largest];
    const keys = [firstLane, firstLane + 1, lastLane].flatMap((lane) => indexes.map((index) => entryKey(lane, index)));
    expect([...keys].sort((one, other) => Buffer.compare(one, other))).to.deep.equal(keys);
    expect(keyAfter(entryKey(firstLane, 255), 3)).to.deep.equal(entryKey(firstLane, 258));
  });

  it("are followed by a key above them, however damaged", () => {
    const whole = entryKey(firstLane, 7);
    const others = [whole.subarray(0, 1), whole.subarray(0, 5), Buffer.concat([whole, Buffer.of(1, 2)])];
    for (const key of [whole, ...others, Buffer.alloc(9, firstLane), Buffer.alloc(9, lastLane)]) {
      const after = keyAfter(key, 8192);
      expect(Buffer.compare(after, key), key.toString("hex")).to.equal(1);
      expect(Buffer.compare(after, allEntries.to)).to.be.at.most(0);
    }
  });

  it("put the entries of a lane, and of all lanes, into one range, and no meta row", () => {
    for (const lane of [firstLane, 0x80, lastLane]) {
      for (const index of [0, largest]) {
        expect(isIn(laneRange(lane), entryKey(lane, index))).to.equal(true);
        expect(isIn(allEntries, entryKey(lane, index))).to.equal(true);
      }
    }
    expect(isIn(laneRange(0x80), entryKey(0x7f, largest))).to.equal(false);
    expect(isIn(laneRange(0x80), entryKey(0x81, 0))).to.equal(false);
    for (const key of [hardStateKey, startKey]) expect(isIn(allEntries, key)).to.equal(false);
  });

  it("tell which rows are dead: those of other lanes, and those up to the start", () => {
    const isDead = (key: Buffer): boolean => deadRanges(0x80, 100).some((range) => isIn(range, key));
    const dead = [entryKey(firstLane, largest), entryKey(0x80, 100), entryKey(0x81, 0), entryKey(lastLane, largest)];
    for (const key of dead) expect(isDead(key), key.toString("hex")).to.equal(true);
    for (const key of [entryKey(0x80, 101), entryKey(0x80, largest), hardStateKey, startKey])
      expect(isDead(key), key.toString("hex")).to.equal(false);
  });
});
