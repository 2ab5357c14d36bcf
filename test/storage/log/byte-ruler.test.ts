import { expect } from "chai";
import { describe, it } from "mocha";
import { ByteRuler } from "../../../src/storage/log/byte-ruler.ts";

function rulerOf(entries: number, bytesOf: (index: number) => number, startIndex = 0): ByteRuler {
  const ruler = new ByteRuler(startIndex);
  for (let index = startIndex + 1; index <= startIndex + entries; index += 1) ruler.append(bytesOf(index));
  return ruler;
}

describe("the ruler of the log's bytes", () => {
  it("counts every entry exactly", () => {
    expect(new ByteRuler(7).bytes).to.equal(0);
    expect(rulerOf(1000, (index) => index).bytes).to.equal(500_500);
    expect(rulerOf(10, () => 5, 100).bytes).to.equal(50);
  });

  it("drops a tail, its first entry too, and nothing when there is none", () => {
    for (const [from, left] of [
      [1001, 1000],
      [1000, 999],
      [513, 512],
      [512, 511],
      [1, 0],
    ] as const) {
      const ruler = rulerOf(1000, () => 10);
      ruler.truncate(from);
      expect(ruler.bytes, `from ${from}`).to.equal(left * 10);
      ruler.append(7);
      expect(ruler.bytes).to.equal(left * 10 + 7);
    }
  });

  it("measures what came in the place of a tail, and not what was dropped", () => {
    const ruler = rulerOf(1024, () => 10);
    ruler.truncate(512);
    ruler.append(23_050);
    for (let index = 513; index <= 1024; index += 1) ruler.append(100);
    const whole = 5110 + 23_050 + 51_200;
    expect(ruler.bytes).to.equal(whole);
    // From 2 560 at the sample of 256 to 28 160 at that of 512, which is of the new tail.
    ruler.compact(400);
    expect(ruler.bytes).to.equal(whole - (2560 + 14_400));
    ruler.compact(600);
    expect(ruler.bytes).to.equal(424 * 100);
  });

  it("moves its start", () => {
    for (const start of [0, 1, 255, 256, 257, 999, 1000]) {
      const ruler = rulerOf(1000, () => 10);
      ruler.compact(start);
      expect(ruler.bytes, `start ${start}`).to.equal((1000 - start) * 10);
      if (start === 1000) continue;
      ruler.truncate(1000);
      expect(ruler.bytes).to.equal((999 - start) * 10);
    }
  });

  it("takes nothing when everything is compacted, wherever the log ends", () => {
    for (const last of [0, 255, 256, 257, 512]) {
      const ruler = rulerOf(last, () => 10);
      ruler.compact(last);
      expect(ruler.bytes, `last ${last}`).to.equal(0);
      ruler.append(7);
      expect(ruler.bytes).to.equal(7);
    }
  });

  it("is exact at a sample though its neighbours are of other sizes", () => {
    for (const [start, above] of [
      [256, 256 * 2 + 512 * 3],
      [512, 512 * 3],
      [768, 256 * 3],
    ] as const) {
      const ruler = rulerOf(1024, (index) => (index <= 256 ? 1 : index <= 512 ? 2 : 3));
      ruler.compact(start);
      expect(ruler.bytes, `start ${start}`).to.equal(above);
    }
  });

  it("is exact at every 256th entry, and follows a straight line between", () => {
    // The first of each 256 is large, the others take nothing.
    const large = (index: number): number => (index % 256 === 1 ? 25_600 : 0);
    const at256 = rulerOf(1024, large);
    at256.compact(512);
    expect(at256.bytes).to.equal(2 * 25_600);
    const between = rulerOf(1024, large);
    between.compact(512 + 64);
    expect(between.bytes).to.equal(2 * 25_600 - 64 * 100);
    between.truncate(769 + 128);
    expect(between.bytes).to.equal(25_600 - 64 * 100 + 128 * 100);
  });
});
