import { expect } from "chai";
import fc from "fast-check";
import { describe, it } from "mocha";
import { isMarked, markPeriodMs, type StateMark } from "../../src/kv/mark.ts";
import { emptyMeta } from "../../src/kv/meta.ts";
import { cuts, entries } from "./commands.ts";
import { put, Rows } from "./support.ts";

const unconditional = { kind: "none" } as const;

describe("marks of the state", () => {
  it("are set after the first entry of each period of cluster time that has one", () => {
    const stamps = [0, 5, markPeriodMs - 1, markPeriodMs, markPeriodMs, 3.5 * markPeriodMs, 3.9 * markPeriodMs];
    const marked = stamps.map((time, at) => isMarked(stamps[at - 1] ?? 0, time));
    expect(marked).to.deep.equal([false, false, false, true, false, true, false]);
  });

  it("say how the state stood after their entry, whatever follows it in the batch", () => {
    const log = [put("a", "1"), put("b", "2", unconditional, markPeriodMs), put("a", "3", unconditional, markPeriodMs)];
    const upTo = new Rows();
    upTo.apply(log.slice(0, 2));
    const { marks } = new Rows().apply(log);
    expect(marks).to.deep.equal([{ index: 2, revision: 2, stateHash: upTo.meta.stateHash }]);
  });

  it("are the same however the log is cut into batches", () => {
    fc.assert(
      fc.property(entries, cuts, fc.integer({ min: 1, max: markPeriodMs }), (log, sizes, stepMs) => {
        // Time goes on by a step an entry, so that periods end at all places.
        const stamped = log.map((entry, at) => ({ ...entry, time: at * stepMs }));
        const marksOf = (cut: readonly number[]): StateMark[] => {
          const [rows, marks]: [Rows, StateMark[]] = [new Rows(), []];
          for (let at = 0, turn = 0; at < stamped.length; turn++) {
            const size = cut[turn % cut.length] ?? 1;
            marks.push(...rows.apply(stamped.slice(at, at + size)).marks);
            at += size;
          }
          return marks;
        };
        const marks = marksOf([1]);
        expect(marksOf(sizes)).to.deep.equal(marks);
        const periods = new Set(stamped.map(({ time }) => Math.floor(time / markPeriodMs)));
        expect(marks.length).to.equal(Math.max(0, periods.size - 1));
      }),
      { numRuns: 100 },
    );
  });

  it("go on after a restart where they were: the state keeps the stamp of its last entry", () => {
    const rows = new Rows();
    expect(rows.apply([put("a", "1", unconditional, markPeriodMs)]).marks).to.have.length(1);
    expect(rows.meta.time).to.equal(markPeriodMs);
    expect(rows.apply([put("a", "2", unconditional, 2 * markPeriodMs - 1)]).marks).to.deep.equal([]);
    expect(emptyMeta.time).to.equal(0);
  });
});
