import { expect } from "chai";
import fc from "fast-check";
import { describe, it } from "mocha";
import { AssertionError } from "../../../src/errors/assert.ts";
import { RecordStarts } from "../../../src/storage/log/record-starts.ts";

interface Extent {
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
}

const startIndex = 10;

const step = fc.record({
  kind: fc.constantFrom("append" as const, "append" as const, "drop" as const, "compact" as const),
  /** Of an append: entries and bytes. Of the others: which record, and where in it, counted from the end. */
  by: fc.integer({ min: 1, max: 6 }),
});

function startsOf(records: readonly Extent[]): RecordStarts {
  const starts = new RecordStarts((records[0]?.first ?? 1) - 1);
  for (const { last, bytes } of records) starts.append(last, bytes);
  return starts;
}

describe("where the records of the log begin", () => {
  it("is known of every entry, whatever is appended, dropped and compacted", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const starts = new RecordStarts(startIndex);
        let start = startIndex;
        let records: Extent[] = [];
        for (const { kind, by } of steps) {
          const end = records.at(-1)?.last ?? start;
          const chosen = records.at(-by);
          if (kind === "append") {
            records.push({ first: end + 1, last: end + by, bytes: by * 7 });
            starts.append(end + by, by * 7);
          } else if (kind === "drop" && chosen !== undefined) {
            const dropped = records.filter(({ first }) => first >= chosen.first).map(({ first }) => first);
            expect(starts.dropFrom(chosen.first)).to.deep.equal(dropped);
            records = records.filter(({ first }) => first < chosen.first);
          } else if (kind === "compact") {
            const index = Math.max(start + 1, end - by);
            if (index > end) continue;
            const whole = records.filter(({ last }) => last <= index);
            const to = whole.at(-1)?.last ?? start;
            expect(starts.endAtOrBelow(index)).to.equal(to);
            starts.compact(to);
            start = to;
            records = records.filter(({ last }) => last > to);
          }
          expect(starts.bytes).to.equal(records.reduce((sum, { bytes }) => sum + bytes, 0));
          for (const { first, last } of records) {
            for (let index = first; index <= last; index += 1) {
              expect(starts.firstOf(index)).to.equal(first);
              expect(starts.has(index)).to.equal(index === first);
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("is known of no entry that no record holds", () => {
    const starts = startsOf([
      { first: 11, last: 13, bytes: 1 },
      { first: 14, last: 14, bytes: 1 },
    ]);
    for (const index of [10, 15]) {
      expect(() => starts.firstOf(index)).to.throw(AssertionError);
      expect(starts.has(index)).to.equal(false);
    }
    expect(starts.endAtOrBelow(14)).to.equal(14);
    expect(new RecordStarts(10).endAtOrBelow(10)).to.equal(10);
  });

  it("changes by whole records only", () => {
    const starts = startsOf([{ first: 1, last: 3, bytes: 1 }]);
    expect(() => starts.append(3, 1)).to.throw(AssertionError);
    expect(() => starts.dropFrom(2)).to.throw(AssertionError);
    expect(() => starts.dropFrom(4)).to.throw(AssertionError);
    expect(() => starts.compact(2)).to.throw(AssertionError);
    expect(starts.dropFrom(1)).to.deep.equal([1]);
    starts.append(2, 5);
    expect([starts.firstOf(2), starts.bytes]).to.deep.equal([1, 5]);
  });
});
