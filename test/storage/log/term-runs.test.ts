import { expect } from "chai";
import fc from "fast-check";
import { describe, it } from "mocha";
import { AssertionError } from "../../../src/errors/assert.ts";
import type { TermRun } from "../../../src/raft/types.ts";
import { TermRuns } from "../../../src/storage/log/term-runs.ts";

/** The term of every entry by itself. */
class Model {
  start = { index: 10, term: 3 };
  terms: number[] = [];

  get lastIndex(): number {
    return this.start.index + this.terms.length;
  }

  termAt(index: number): number {
    return index === this.start.index ? this.start.term : (this.terms[index - this.start.index - 1] ?? 0);
  }

  compact(index: number): void {
    const term = this.termAt(index);
    this.terms.splice(0, index - this.start.index);
    this.start = { index, term };
  }

  get runs(): TermRun[] {
    const runs: TermRun[] = [];
    for (const [place, term] of this.terms.entries())
      if (runs.at(-1)?.term !== term) runs.push({ term, firstIndex: this.start.index + 1 + place });
    return runs;
  }
}

const step = fc.record({
  kind: fc.constantFrom(
    "append" as const,
    "append" as const,
    "append" as const,
    "truncate" as const,
    "compact" as const,
  ),
  /** Of an append: how much the term rises. Of the others: which entry, counted from the last one. */
  by: fc.nat({ max: 4 }),
});

describe("the runs of terms of the log on disk", () => {
  it("say the term of every entry, whatever is appended, dropped and compacted", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const model = new Model();
        const runs = new TermRuns(model.start);
        for (const { kind, by } of steps) {
          if (kind === "append") {
            const term = model.termAt(model.lastIndex) + Math.max(0, by - 2);
            runs.append({ index: model.lastIndex + 1, term });
            model.terms.push(term);
          } else if (kind === "truncate") {
            const from = Math.max(model.start.index + 1, model.lastIndex + 1 - by);
            runs.truncate(from);
            model.terms.length = from - model.start.index - 1;
          } else {
            const index = Math.max(model.start.index, model.lastIndex - by);
            runs.compact(index);
            model.compact(index);
          }
          expect(runs.toArray()).to.deep.equal(model.runs);
          for (let index = model.start.index; index <= model.lastIndex; index += 1)
            expect(runs.termAt(index)).to.equal(model.termAt(index));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("take no entry behind a gap or of a lower term, and know none that is not there", () => {
    const runs = new TermRuns({ index: 10, term: 3 });
    for (const entry of [
      { index: 12, term: 3 },
      { index: 10, term: 3 },
      { index: 11, term: 2 },
    ])
      expect(() => runs.append(entry)).to.throw(AssertionError);
    runs.append({ index: 11, term: 4 });
    expect(() => runs.append({ index: 12, term: 3 })).to.throw(AssertionError);
    for (const index of [9, 12]) expect(() => runs.termAt(index)).to.throw(AssertionError);
    expect(() => runs.truncate(10)).to.throw(AssertionError);
  });
});
