/**
 * @module
 * The registry of errors: complete by itself, and the README's table of it word for word.
 */

import { readFileSync } from "node:fs";
import { expect } from "chai";
import { describe, it } from "mocha";
import { BalsaError } from "../../src/errors/balsa-error.ts";
import { type ErrorCode, errorKinds, isErrorCode } from "../../src/errors/codes.ts";

const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");
const codes = Object.keys(errorKinds).filter(isErrorCode);

/** As the README must have it. */
function row(code: ErrorCode): string {
  const { status, title, outcome, advice } = errorKinds[code];
  return `| \`${code}\` | ${status} | ${outcome} | ${title}. | ${advice} |`;
}

describe("the registry of errors", () => {
  it("has a row in the README for every code, and no other", () => {
    const rows = readme.split("\n").filter((line) => /^\| `[A-Z_]+` \|/.test(line));
    expect(rows).to.deep.equal(codes.map(row));
  });

  for (const code of codes) {
    it(`${code} is a refusal or a failure that says what to do`, () => {
      const { status, title, advice } = errorKinds[code];
      expect(status).to.be.within(400, 599);
      expect(title).to.match(/^[A-Z].*[^.]$/);
      expect(advice).to.match(/\.$/);
    });

    it(`${code} gives its outcome to the error that carries it`, () => {
      expect(new BalsaError(code, "why")).to.include({ code, message: "why", outcome: errorKinds[code].outcome });
    });
  }

  it("knows its own codes and no inherited names", () => {
    expect(isErrorCode("NO_LEADER")).to.equal(true);
    expect(isErrorCode("toString")).to.equal(false);
    expect(isErrorCode(404)).to.equal(false);
  });

  it("lets an outcome be less certain than the code", () => {
    expect(new BalsaError("NO_LEADER", "why", "unknown").outcome).to.equal("unknown");
  });
});
