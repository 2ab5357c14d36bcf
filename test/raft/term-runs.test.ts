import { expect } from "chai";
import { describe, it } from "mocha";
import { createRandom, drawBelow } from "../../src/raft/random.ts";
import {
  addTerm,
  compactTerms,
  lastEntryAtOrBelowTerm,
  type TermRuns,
  termAt,
  truncateTerms,
} from "../../src/raft/term-runs.ts";

function runsOf(...terms: readonly number[]): TermRuns {
  const log: TermRuns = { startIndex: 0, startTerm: 0, runs: [], lastIndex: 0 };
  for (const [position, term] of terms.entries()) addTerm(log, { term, index: position + 1 });
  return log;
}

function termsOf(log: TermRuns): (number | null)[] {
  const terms: (number | null)[] = [];
  for (let index = log.startIndex; index <= log.lastIndex + 1; index += 1) terms.push(termAt(log, index));
  return terms;
}

describe("term runs", () => {
  it("know the term of every entry, and of the one before the first", () => {
    expect(termsOf(runsOf(1, 1, 2, 5, 5))).to.deep.equal([0, 1, 1, 2, 5, 5, null]);
    expect(runsOf(1, 1, 2, 5, 5).runs).to.have.length(3);
  });

  it("forget an overwritten tail and a compacted head", () => {
    const log = runsOf(1, 1, 2, 5, 5);
    truncateTerms(log, 5);
    expect(termsOf(log)).to.deep.equal([0, 1, 1, 2, 5, null]);
    compactTerms(log, 2);
    expect(termsOf(log)).to.deep.equal([1, 2, 5, null]);
    compactTerms(log, 4);
    expect(termsOf(log)).to.deep.equal([5, null]);
    expect(termAt(log, 3)).to.equal(null);
    addTerm(log, { term: 6, index: 5 });
    expect(termsOf(log)).to.deep.equal([5, 6, null]);
  });

  it("refuse a gap and a falling term", () => {
    expect(() => addTerm(runsOf(1, 2), { term: 2, index: 4 })).to.throw("gap");
    expect(() => addTerm(runsOf(1, 2), { term: 1, index: 3 })).to.throw("never decrease");
  });

  it("find where logs may meet", () => {
    const log = runsOf(2, 2, 4, 4, 4, 7);
    expect(lastEntryAtOrBelowTerm(log, 6, 9)).to.deep.equal({ index: 6, term: 7 });
    expect(lastEntryAtOrBelowTerm(log, 6, 5)).to.deep.equal({ index: 5, term: 4 });
    expect(lastEntryAtOrBelowTerm(log, 4, 4)).to.deep.equal({ index: 4, term: 4 });
    expect(lastEntryAtOrBelowTerm(log, 6, 3)).to.deep.equal({ index: 2, term: 2 });
    expect(lastEntryAtOrBelowTerm(log, 6, 1)).to.deep.equal({ index: 0, term: 0 });
    expect(lastEntryAtOrBelowTerm(log, 9, 4)).to.deep.equal({ index: 9, term: 0 });
    // The entry before the first counts too.
    compactTerms(log, 5);
    expect(lastEntryAtOrBelowTerm(log, 6, 4)).to.deep.equal({ index: 5, term: 4 });
    expect(lastEntryAtOrBelowTerm(log, 6, 3)).to.deep.equal({ index: 4, term: 0 });
  });

  it("answer as a list of terms would, whatever is done to them", () => {
    const random = createRandom(3);
    for (let round = 0; round < 200; round += 1) {
      const log = runsOf();
      let terms: number[] = [];
      let term = 1;
      for (let change = 0; change < 30; change += 1) {
        const drawn = drawBelow(random, 10);
        if (drawn === 0 && log.lastIndex > log.startIndex) {
          const index = log.startIndex + 1 + drawBelow(random, log.lastIndex - log.startIndex);
          truncateTerms(log, index);
          terms = terms.slice(0, index);
        } else if (drawn === 1 && log.lastIndex > log.startIndex) {
          compactTerms(log, log.startIndex + 1 + drawBelow(random, log.lastIndex - log.startIndex));
        } else {
          if (drawn < 5) term += 1;
          addTerm(log, { term, index: log.lastIndex + 1 });
          terms[log.lastIndex] = term;
        }
      }
      for (let index = Math.max(log.startIndex, 1); index <= log.lastIndex; index += 1) {
        expect(termAt(log, index)).to.equal(terms[index]);
      }
    }
  });
});
