import { expect } from "chai";
import fc from "fast-check";
import { describe, it } from "mocha";
import { RangeTree } from "../../src/http/range-tree.ts";
import { isInRange, type KeyRange, rangeOfPrefix } from "../../src/kv/transaction.ts";

const key = fc.uint8Array({ maxLength: 3, max: 3 });
const range: fc.Arbitrary<KeyRange> = fc.oneof(
  fc.record({ from: key, to: fc.option(key) }),
  key.map((prefix) => rangeOfPrefix(prefix)),
);
const step = fc.record({ range, value: fc.nat(5), adds: fc.boolean() });

function nameOf({ from, to }: KeyRange): string {
  return `${from.join()}-${to?.join()}`;
}

describe("a tree of ranges", () => {
  it("finds what a look at every range finds", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.array(key, { maxLength: 20 }), (steps, keys) => {
        const tree = new RangeTree<string>();
        const all = new Map<string, KeyRange>();
        for (const { range: asked, value, adds } of steps) {
          const name = `${nameOf(asked)}:${value}`;
          if (adds) tree.add(asked, name);
          else tree.remove(asked, name);
          if (adds) all.set(name, asked);
          else all.delete(name);
        }
        for (const each of keys) {
          const found: string[] = [];
          tree.collect(each, found);
          const wanted = [...all].filter(([, asked]) => isInRange(each, asked)).map(([name]) => name);
          expect(tree.holds(each)).to.equal(wanted.length > 0);
          expect(found.sort()).to.deep.equal(wanted.sort());
        }
      }),
    );
  });

  it("leaves a prefix as it was, also in a Buffer", () => {
    const prefix = Buffer.from("ab");
    const { from, to } = rangeOfPrefix(prefix);
    expect([prefix, from, to].map(String)).to.deep.equal(["ab", "ab", "97,99"]);
  });
});
