import { readFileSync } from "node:fs";
import { expect } from "chai";
import { describe, it } from "mocha";
import { runCampaign } from "./campaign.ts";
import { changesOf } from "./mutants.ts";
import { allPlanted, altered } from "./planted.ts";
import { simulate } from "./simulation.ts";

/** Fresh ones each time: what fails once is run again by its number. */
const freshSeeds = 200;
/** Three times what they take on a busy core. */
const freshSeedsMsMax = 100_000;

describe("simulated clusters", () => {
  it("keep every invariant, whatever goes wrong, and come right afterwards", async function () {
    this.timeout(120_000);
    const firstSeed = Date.now() % 2 ** 31;
    process.stdout.write(`      first seed ${firstSeed}\n`);
    const { failure, coverage, seeds } = await runCampaign({
      firstSeed,
      seeds: freshSeeds,
      wallMsMax: freshSeedsMsMax,
      repeatEvery: 20,
      onProgress: () => undefined,
    });
    expect(failure, `npm run sim -- --seed ${failure?.seed ?? 0}`).to.equal(null);
    expect(seeds, "seeds run in time").to.equal(freshSeeds);
    expect(coverage.missing()).to.have.lengthOf.below(3);
  });

  it("do the same twice, to the last event", async () => {
    const lines: string[][] = [[], []];
    const results = [];
    for (const seen of lines) results.push(await simulate({ seed: 11, print: (line) => void seen.push(line) }));
    expect(lines[1]).to.deep.equal(lines[0]);
    expect(results[1]).to.deep.equal(results[0]);
  });

  it("never ask the process for its clock, timers or randomness", async () => {
    const running = simulate({ seed: 12 });
    expect(() => Date.now()).to.throw("asked the process itself");
    expect(() => Math.random()).to.throw("asked the process itself");
    expect(() => setTimeout(() => undefined, 1)).to.throw("asked the process itself");
    await running;
    expect(Date.now()).to.be.above(0);
  });
});

describe("what is known to be wrong", () => {
  it("is planted only where its line stands once", () => {
    const bug = { name: "a bug", file: "a file", text: "a < b", replacement: "a <= b" };
    expect(altered("if (a < b)", bug)).to.equal("if (a <= b)");
    expect(() => altered("if (a > b)", bug)).to.throw("0 times");
    expect(() => altered("a < b; a < b", bug)).to.throw("2 times");
  });

  it("has a name of its own, and still its line in what is built", () => {
    expect(new Set(allPlanted.map(({ name }) => name)).size).to.equal(allPlanted.length);
    for (const bug of allPlanted) {
      const built = readFileSync(new URL(`../../src/${bug.file}.js`, import.meta.url), "utf8");
      expect(altered(built, bug), bug.name).to.not.equal(built);
    }
  });

  it("is made of one line by one mechanical change", () => {
    expect(changesOf("    if (a < b && c === 1)")).to.have.members([
      "    if (a <= b && c === 1)",
      "    if (a < b || c === 1)",
      "    if (a < b && c !== 1)",
    ]);
    expect(changesOf("    this.log.push(entry);")).to.deep.equal([""]);
    expect(changesOf("    // a < b")).to.deep.equal([]);
  });
});
