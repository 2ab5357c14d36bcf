import { expect } from "chai";
import { describe, it } from "mocha";
import { BloomFilter } from "../../../src/storage/state/bloom-filter.ts";
import { hashOfKey } from "../../../src/storage/state/key-hash.ts";
import { bytes } from "./support.ts";

function filled(keys: number): BloomFilter {
  const filter = new BloomFilter();
  for (let at = 0; at < keys; at++) filter.add(hashOfKey(bytes(`kusers/${at}`)));
  return filter;
}

/** Of keys that were never added. */
function shareTaken(filter: BloomFilter): number {
  const asked = 20_000;
  let taken = 0;
  for (let at = 0; at < asked; at++) if (filter.mayHold(hashOfKey(bytes(`korders/${at}`)))) taken += 1;
  return taken / asked;
}

describe("the filter of keys", () => {
  it("holds every key that was added, also when it has grown", () => {
    const filter = filled(400_000);
    for (let at = 0; at < 400_000; at++)
      if (!filter.mayHold(hashOfKey(bytes(`kusers/${at}`)))) throw new Error(`users/${at} is lost`);
    expect(filter.size).to.be.within(390_000, 400_000);
  });

  it("takes few others for one of them, however many it holds", () => {
    for (const keys of [1_000, 100_000, 300_000]) expect(shareTaken(filled(keys)), `${keys} keys`).to.be.below(0.02);
    expect(shareTaken(new BloomFilter())).to.equal(0);
  });

  it("takes ten bits a key, and twice that at most", () => {
    for (const keys of [104_857, 300_000, 700_000]) {
      const { bytes: taken, size } = filled(keys);
      expect((taken * 8) / size, `${keys} keys`).to.be.within(9.9, 20.5);
    }
  });

  it("counts a key once", () => {
    const filter = new BloomFilter();
    for (let time = 0; time < 3; time++) filter.add(hashOfKey(bytes("ka")));
    expect(filter.size).to.equal(1);
  });
});

describe("the hash of a key", () => {
  it("sees every byte, and their order", () => {
    const keys = [[], [0], [0, 0], [1, 2], [2, 1], [255], [256 / 2, 0]].map((key) => Uint8Array.from(key));
    expect(new Set(keys.map(hashOfKey)).size).to.equal(keys.length);
  });
});
