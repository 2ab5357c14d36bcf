import { expect } from "chai";
import { describe, it } from "mocha";
import { parseOptions } from "../../scripts/bench/options.ts";

describe("the bench's command line", () => {
  it("names no other build: yardsticks", () => {
    expect(parseOptions([])).to.equal(null);
  });

  it("names another build, and the rest has defaults", () => {
    const options = { against: "HEAD~3", all: false, pairs: 24, atLeast: undefined };
    expect(parseOptions(["--against", "HEAD~3"])).to.deep.equal(options);
  });

  it("says everything", () => {
    const args = ["--against=../other", "--all", "--pairs", "40", "--at-least", "0.85"];
    expect(parseOptions(args)).to.deep.equal({ against: "../other", all: true, pairs: 40, atLeast: 0.85 });
  });

  for (const [args, why] of [
    [["--against"], /argument missing/],
    [["--against", ""], /a revision or a directory/],
    [["--all"], /--all belongs to --against/],
    [["--pairs", "3"], /--pairs belongs to --against/],
    [["--against", "a", "--pairs", "0"], /a whole number from 1/],
    [["--against", "a", "--pairs", "1001"], /a whole number from 1/],
    [["--against", "a", "--pairs", "2.5"], /a whole number from 1/],
    [["--against", "a", "--at-least", "-1"], /argument is ambiguous/],
    [["--against", "a", "--at-least", "0"], /a ratio such as/],
    [["--against", "a", "--at-least", "85%"], /a ratio such as/],
    [["--agianst", "a"], /Unknown option/],
    [["HEAD"], /Unexpected argument/],
  ] as const) {
    it(`refuses ${JSON.stringify(args)}`, () => {
      expect(() => parseOptions(args)).to.throw(why);
    });
  }
});
