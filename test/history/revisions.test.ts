import { expect } from "chai";
import { describe, it } from "mocha";
import type { Recorded } from "../../scripts/history/json-lines.ts";
import { revisionBreaches } from "../../scripts/history/revisions.ts";

const common = { process: "c1", node: "n1", key: "a", outcome: "ok" } as const;

function put(value: string, [from, to]: readonly [number, number], modRevision: number): Recorded {
  return { ...common, do: "put", value, from, to, revision: modRevision, modRevision };
}

function get(value: string, [from, to]: readonly [number, number], revision: number, modRevision: number): Recorded {
  return { ...common, do: "get", value, from, to, revision, modRevision };
}

describe("the revisions of a history", () => {
  it("may come in any order while their operations overlap", () => {
    expect(revisionBreaches([put("x", [1, 4], 2), put("y", [2, 3], 1), get("x", [2, 5], 3, 2)])).to.deep.equal([]);
  });

  it("never go back from one key to another", () => {
    const other = { ...get("z", [5, 6], 6, 3), key: "b" };
    expect(revisionBreaches([put("x", [1, 2], 7), other])).to.deep.equal([
      "get of b by c1 on n1 is at revision 6, after 7 was answered",
    ]);
  });

  it("grow with each write", () => {
    expect(revisionBreaches([put("x", [1, 2], 7), get("x", [3, 4], 7, 7), put("y", [5, 6], 7)])).to.deep.equal([
      "put of a by c1 on n1 is at revision 7, after 7 was answered",
    ]);
  });

  it("are one for each value: a write that was applied twice shows", () => {
    expect(revisionBreaches([put("x", [1, 2], 7), get("x", [3, 4], 8, 8)])).to.deep.equal([
      "get of a by c1 on n1 gives the value revision 8, others 7",
    ]);
  });

  it("say nothing where no answer came", () => {
    const lost: Recorded = { ...common, do: "put", value: "y", from: 8, to: 9, outcome: "unknown" };
    expect(revisionBreaches([put("x", [1, 2], 7), lost])).to.deep.equal([]);
  });
});
