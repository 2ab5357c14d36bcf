import { expect } from "chai";
import { describe, it } from "mocha";
import { isSame } from "./same.ts";

describe("what a node gives against what the model says", () => {
  const given = { kind: "txn", results: [{ kind: "get", item: { key: Buffer.from("a\xff", "latin1"), version: 1 } }] };

  it("is the same with bytes for strings, in any order of names", () => {
    expect(isSame(given, { results: [{ item: { version: 1, key: "a\xff" }, kind: "get" }], kind: "txn" })).to.equal(
      true,
    );
    expect(isSame(null, null)).to.equal(true);
  });

  it("is another with any value, name or length changed", () => {
    const others = [
      { kind: "txn", results: [{ kind: "get", item: { key: "b", version: 1 } }] },
      { kind: "txn", results: [{ kind: "get", item: { key: "a\xff" } }] },
      { kind: "txn", results: [{ kind: "get", item: null }] },
      { kind: "txn", results: [] },
      { kind: "txn", results: { 0: given.results[0] } },
      { kind: "txn" },
      null,
    ];
    for (const other of others) expect(isSame(given, other)).to.equal(false);
    expect(isSame({}, null)).to.equal(false);
    expect(isSame(null, {})).to.equal(false);
  });
});
