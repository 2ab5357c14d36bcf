import { readFileSync } from "node:fs";
import { expect } from "chai";
import { describe, it } from "mocha";
import { changesOf } from "./mutants.ts";
import { knownSurvivors } from "./survivors.ts";

describe("the list of changes that nothing notices", () => {
  it("names changes that there are, each once, with a reason", () => {
    const names = knownSurvivors.map(({ file, before, after }) => `${file}: ${before} => ${after}`);
    expect(new Set(names).size).to.equal(names.length);
    for (const { file, before, after, why } of knownSurvivors) {
      const built = new URL(`../../src/${file}.js`, import.meta.url);
      const lines = readFileSync(built, "utf8").split("\n");
      const changes = lines.filter((line) => line.trim() === before).flatMap(changesOf);
      expect(
        changes.map((change) => change.trim()),
        `${file}: ${before}`,
      ).to.include(after);
      expect(why).to.not.equal("");
    }
  });
});
