import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { renewVoteHold } from "../../src/cluster/vote-hold.ts";
import { StorageError } from "../../src/errors/balsa-error.ts";

describe("the word that earlier processes of a directory have given", () => {
  let directory: string;
  let file: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "balsa-vote-hold-"));
    file = join(directory, "vote-hold");
  });

  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it("is noted before one is given, and not at all without lease reads", async () => {
    await renewVoteHold(file, 0);
    expect(existsSync(file)).to.equal(false);
    await renewVoteHold(file, 1000);
    expect(await readFile(file, "utf8")).to.equal("1000\n");
  });

  it("is waited out by a process that gives another or none, and not by one that gives the same", async () => {
    await writeFile(file, "300\n");
    const startedAtMs = performance.now();
    await renewVoteHold(file, 300);
    expect(performance.now() - startedAtMs).to.be.lessThan(250);
    for (const next of [200, 0]) {
      const before = Number(await readFile(file, "utf8"));
      const fromMs = performance.now();
      await renewVoteHold(file, next);
      expect(performance.now() - fromMs).to.be.at.least(before - 2);
    }
    expect(existsSync(file)).to.equal(false);
  });

  it("that cannot be read is not taken for none", async () => {
    await writeFile(file, "soon\n");
    const failure = await renewVoteHold(file, 1000).catch((cause: unknown) => cause);
    expect(failure).to.be.instanceOf(StorageError);
  });
});
