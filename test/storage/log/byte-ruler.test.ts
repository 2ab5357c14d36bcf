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
