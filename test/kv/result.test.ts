import { expect } from "chai";
import { describe, it } from "mocha";
import { resultFromWire, resultToWire } from "../../src/kv/result.ts";

describe("results on the wire", () => {
  it("come back as they went", () => {
    const results = [
      { kind: "put", modRevision: 4 },
      { kind: "deleted", deleted: 0 },
      { kind: "putAll" },
      { kind: "conditionFailed", modRevision: 0 },
    ] as const;
    for (const result of results) expect(resultFromWire(resultToWire(result))).to.deep.equal(result);
  });

  it("are refused when they are none", () => {
    expect(() => resultFromWire([99, 1])).to.throw(RangeError);
    expect(() => resultFromWire([1])).to.throw(RangeError);
  });
});
