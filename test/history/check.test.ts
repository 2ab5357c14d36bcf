import { expect } from "chai";
import fc from "fast-check";
import { describe, it } from "mocha";
import { checkHistory, type Verdict } from "../../scripts/history/check.ts";
import type { Operation } from "../../scripts/history/operation.ts";
import { anyValue } from "../../scripts/history/register.ts";
import { Search } from "../../scripts/history/search.ts";
import { stretchOf } from "../../scripts/history/stretch.ts";
import { isLinearizable } from "./brute-force.ts";
import {
  anyTinyHistory,
  append,
  compareAndSet,
  get,
  historyOf,
  linearizableHistory,
  never,
  operation,
  put,
  remove,
} from "./sample.ts";

const yes = "linearizable";
const no = "not linearizable";

interface Case {
  readonly name: string;
  readonly verdict: Verdict;
  readonly operations: readonly Operation[];
}

const cases: readonly Case[] = [
  { name: "nothing at all", verdict: yes, operations: [] },
  { name: "a key that was never put", verdict: yes, operations: [operation(1, 2, get(null))] },
  { name: "a value that nobody put", verdict: no, operations: [operation(1, 2, get("x"))] },
  {
    name: "a read of what was overwritten before it began",
    verdict: no,
    operations: [operation(1, 2, put("x")), operation(3, 4, put("y")), operation(5, 6, get("x"))],
  },
  {
    name: "a read of either of two puts under way",
    verdict: yes,
    operations: [
      operation(1, 9, put("x")),
      operation(2, 9, put("y")),
      operation(3, 4, get("y")),
      operation(5, 6, get("x")),
    ],
  },
  {
    name: "a read that goes back to the older of two puts under way",
    verdict: no,
    operations: [
      ...[operation(1, 9, put("x")), operation(2, 9, put("y"))],
      ...[operation(3, 4, get("x")), operation(5, 6, get("y")), operation(7, 8, get("x"))],
    ],
  },
  {
    name: "operations that touch at one moment, in either order",
    verdict: yes,
    operations: [operation(1, 2, put("x")), operation(2, 3, get(null))],
  },
  {
    name: "a deleted value that is read again",
    verdict: no,
    operations: [operation(1, 2, put("x")), operation(3, 4, remove(true)), operation(5, 6, get("x"))],
  },
  {
    name: "a delete that found nothing where something was",
    verdict: no,
    operations: [operation(1, 2, put("x")), operation(3, 4, remove(false))],
  },
  {
    name: "two deletes at once that both found the one value",
    verdict: no,
    operations: [operation(1, 2, put("x")), operation(3, 6, remove(true)), operation(4, 5, remove(true))],
  },
  {
    name: "two deletes at once of which one found the value",
    verdict: yes,
    operations: [operation(1, 2, put("x")), operation(3, 6, remove(true)), operation(4, 5, remove(false))],
  },
  {
    name: "an unknown put that is seen much later",
    verdict: yes,
    operations: [operation(1, never, put("x")), operation(2, 3, get(null)), operation(8, 9, get("x"))],
  },
  {
    name: "an unknown put that is never seen",
    verdict: yes,
    operations: [operation(1, never, put("x")), operation(2, 3, get(null)), operation(8, 9, get(null))],
  },
  {
    name: "an unknown put that is seen before it was asked",
    verdict: no,
    operations: [operation(1, 2, get("x")), operation(3, never, put("x"))],
  },
  {
    name: "an unknown put that takes effect twice",
    verdict: no,
    operations: [
      ...[operation(1, never, put("x")), operation(2, 3, get("x")), operation(4, 5, put("y"))],
      ...[operation(6, 7, get("y")), operation(8, 9, get("x"))],
    ],
  },
  {
    name: "an unknown delete that explains a loss",
    verdict: yes,
    operations: [operation(1, 2, put("x")), operation(3, never, remove(null)), operation(8, 9, get(null))],
  },
  {
    name: "an acknowledged put that is lost",
    verdict: no,
    operations: [operation(1, 2, put("x")), operation(3, 4, get(null))],
  },
  {
    name: "a compareAndSet that was refused although the value was there",
    verdict: no,
    operations: [operation(1, 2, put("x")), operation(3, 4, compareAndSet("x", "y", false))],
  },
  {
    name: "two compareAndSets from one value, both applied",
    verdict: no,
    operations: [
      operation(1, 2, put("x")),
      operation(3, 6, compareAndSet("x", "y", true)),
      operation(3, 6, compareAndSet("x", "z", true)),
    ],
  },
  {
    name: "an unknown compareAndSet that explains what is read",
    verdict: yes,
    operations: [
      operation(1, 2, put("x")),
      operation(3, never, compareAndSet("x", "y", null)),
      operation(7, 8, get("y")),
    ],
  },
  {
    name: "an unknown compareAndSet whose expected value never was",
    verdict: no,
    operations: [
      operation(1, 2, put("x")),
      operation(3, never, compareAndSet("w", "y", null)),
      operation(7, 8, get("y")),
    ],
  },
  {
    name: "a put of the value that is there already, which is needed later",
    verdict: yes,
    operations: [
      operation(1, 2, put("x")),
      operation(3, 9, put("x")),
      operation(3, 5, put("y")),
      operation(6, 7, get("x")),
    ],
  },
  {
    name: "appends at once, read in one order",
    verdict: yes,
    operations: [operation(1, 4, append("x")), operation(2, 3, append("y")), operation(5, 6, get("yx"))],
  },
  {
    name: "appends one after the other, read in the other order",
    verdict: no,
    operations: [operation(1, 2, append("x")), operation(3, 4, append("y")), operation(5, 6, get("yx"))],
  },
];

/** Puts at once that can be put in any order, and a read that fits none: the search has to try 2^puts of them. */
function costly(puts: number): readonly Operation[] {
  const values = Array.from({ length: puts }, (_, at) => `v${at}`);
  const refused = values.map((value) => operation(101, 102, compareAndSet(value, "never", false)));
  return [
    ...values.map((value) => operation(0, 100, put(value))),
    ...refused,
    operation(101, 102, get("none of them")),
  ];
}

describe("the linearizability checker", () => {
  for (const { name, verdict, operations } of cases) {
    it(`finds ${verdict}: ${name}`, () => {
      expect(checkHistory(historyOf(...operations)).verdict).to.equal(verdict);
      expect(isLinearizable(historyOf(...operations)), "by brute force").to.equal(verdict === yes);
    });
  }

  it("agrees with brute force on tiny histories of any kind", () => {
    const verdicts = { [yes]: 0, [no]: 0, undecided: 0 };
    fc.assert(
      fc.property(anyTinyHistory, (history) => {
        const { verdict } = checkHistory(history);
        verdicts[verdict] += 1;
        expect(verdict).to.equal(isLinearizable(history) ? yes : no);
      }),
      { numRuns: 3_000 },
    );
    expect(Math.min(verdicts[yes], verdicts[no]), "both verdicts are met").to.be.greaterThan(100);
  });

  it("accepts whatever clients of an atomic register can see", () => {
    fc.assert(
      fc.property(linearizableHistory, (history) => {
        expect(checkHistory(history).verdict).to.equal(yes);
      }),
      { numRuns: 500 },
    );
  });

  it("rejects such a history when one read gives what nobody wrote, and names that read", () => {
    fc.assert(
      fc.property(linearizableHistory, fc.nat(), (history, pick) => {
        const reads = history.operations.filter(({ action, to }) => action.kind === "get" && to !== never);
        const chosen = reads[pick % reads.length];
        fc.pre(chosen !== undefined);
        const wrong = { ...chosen, action: get("never written") };
        const operations = history.operations.map((other) => (other === chosen ? wrong : other));
        const { verdict, violation } = checkHistory({ ...history, operations });
        expect(verdict).to.equal(no);
        expect(violation?.key).to.equal(chosen.key);
        expect(violation?.stretch.operations).to.deep.include(wrong);
      }),
      { numRuns: 300 },
    );
  });

  it("rejects a register that one after the other has used when one read is of an older value", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 60 }), fc.nat(), fc.nat(), (puts, pick, back) => {
        const at = 1 + (pick % (puts - 1));
        const stale = back % at;
        const operations = Array.from({ length: puts }, (_, turn) => [
          operation(4 * turn, 4 * turn + 1, put(`v${turn}`)),
          operation(4 * turn + 2, 4 * turn + 3, get(`v${turn === at ? stale : turn}`)),
        ]).flat();
        const { verdict, violation } = checkHistory(historyOf(...operations));
        expect(verdict).to.equal(no);
        expect(violation?.stretch.operations.map(({ action }) => action)).to.deep.equal([
          put(`v${at}`),
          get(`v${stale}`),
        ]);
      }),
    );
  });

  it("says undecided when its budget is too small, and which key", () => {
    const history = historyOf(...costly(12));
    const { verdict, undecidedKeys } = checkHistory(history, { configurationsMax: 100 });
    expect([verdict, undecidedKeys]).to.deep.equal(["undecided", ["a"]]);
    expect(checkHistory(history).verdict).to.equal(no);
  });

  it("finds the one bad key although another would cost far more", () => {
    const bad = [operation(0, 1, put("x"), "bad"), operation(2, 3, get("y"), "bad")];
    const { verdict, violation } = checkHistory(historyOf(...costly(24), ...bad), { configurationsMax: 1e6 });
    expect([verdict, violation?.key]).to.deep.equal([no, "bad"]);
  });

  it("takes many puts of unknown outcome that nobody has seen", () => {
    const lost = Array.from({ length: 40 }, (_, at) => operation(at, never, put(`lost ${at}`)));
    const deletes = Array.from({ length: 10 }, (_, at) => operation(at, never, remove(null)));
    const known = [operation(50, 51, put("x")), operation(52, 53, get("x")), operation(54, 55, get("y"))];
    const { verdict, configurations } = checkHistory(historyOf(...lost, ...deletes, ...known));
    expect(verdict).to.equal(no);
    expect(configurations).to.be.lessThan(10_000);
  });

  it("takes a key of tens of thousands of operations, with unknown ones that stay open", () => {
    const operations = Array.from({ length: 20_000 }, (_, at) => [
      operation(3 * at, 3 * at + 4, put(`v${at}`)),
      ...(at % 1_000 === 0 ? [operation(3 * at, never, put(`lost ${at}`))] : []),
    ]).flat();
    operations.push(operation(100_000, 100_001, get("v19999")));
    expect(checkHistory(historyOf(...operations)).verdict).to.equal(yes);
  });
});

describe("the stretch of a history that has no order", () => {
  it("has no order by itself, whatever surrounds it", () => {
    fc.assert(
      fc.property(anyTinyHistory, (history) => {
        fc.pre(!isLinearizable(history));
        const { operations, optional, fromBeginning } = stretchOf(history.operations, history.initial);
        const search = new Search([...operations, ...optional], fromBeginning ? null : anyValue);
        expect(search.advance(1_000_000)).to.equal("no order");
        expect(operations.every((kept) => history.operations.includes(kept))).to.equal(true);
      }),
      { numRuns: 500 },
    );
  });

  it("is the few operations that contradict each other, out of hundreds", () => {
    const before = Array.from({ length: 200 }, (_, at) => operation(3 * at, 3 * at + 5, put(`v${at}`)));
    const bad = [operation(700, 701, put("x")), operation(702, 703, put("y")), operation(704, 705, get("x"))];
    const after = Array.from({ length: 200 }, (_, at) => operation(3 * at + 800, 3 * at + 805, put(`w${at}`)));
    const stretch = stretchOf([...before, ...bad, ...after], null);
    expect(stretch.operations.map(({ action }) => action)).to.deep.equal([put("y"), get("x")]);
    expect(stretch.longestOrder.map(({ action }) => action)).to.deep.equal([put("y")]);
    expect(stretch.optional).to.deep.equal([]);
    expect(stretch.fromBeginning).to.equal(false);
  });
});
