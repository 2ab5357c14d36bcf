import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { buildOf } from "../../scripts/bench/build.ts";

const lock = JSON.stringify({ name: "other", version: "1.0.0", lockfileVersion: 3, packages: {} });

describe("another build to compare with", () => {
  let root: string;
  let directory: string;

  function git(...args: readonly string[]): void {
    const who = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"];
    execFileSync("git", ["-C", root, ...who, ...args], { stdio: "ignore" });
  }

  /** The build writes `says` where its command line is to be. */
  function commit(says: string): void {
    const build = `node -e "require('fs').mkdirSync('dist');require('fs').writeFileSync('dist/main.js','${says}')"`;
    const description = { name: "other", version: "1.0.0", bin: { balsa: "dist/main.js" }, scripts: { build } };
    writeFileSync(join(root, "package.json"), JSON.stringify(description));
    git("add", "--all");
    git("commit", "-m", `Say ${says}`);
  }

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "balsa-build-"));
    directory = join(root, "elsewhere");
    mkdirSync(join(root, "node_modules"));
    writeFileSync(join(root, "node_modules/mark"), "");
    writeFileSync(join(root, "package-lock.json"), lock);
    writeFileSync(join(root, ".gitignore"), "node_modules\n");
    git("init", "--quiet", "--initial-branch", "trunk");
    commit("one");
    commit("two");
  });

  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it("is made of a revision, with the packages that are here, and touches nothing else", async () => {
    const { name, binary } = await buildOf("HEAD~1", { root, directory });
    expect(name).to.match(/^[0-9a-f]{7,} Say one$/);
    expect(readFileSync(binary, "utf8")).to.equal("one");
    expect(existsSync(join(directory, "node_modules/mark"))).to.equal(true);
    expect(existsSync(join(root, "dist"))).to.equal(false);
    expect(
      execFileSync("git", ["-C", root, "worktree", "list"], { encoding: "utf8" }).trim().split("\n"),
    ).to.have.length(1);
  });

  it("has packages of its own when it wants others", async () => {
    writeFileSync(join(root, "package-lock.json"), lock.replaceAll("1.0.0", "1.0.1"));
    const { binary } = await buildOf("trunk", { root, directory });
    expect(readFileSync(binary, "utf8")).to.equal("two");
    const packages = lstatSync(join(directory, "node_modules"), { throwIfNoEntry: false });
    expect(packages?.isSymbolicLink() ?? false).to.equal(false);
  }).timeout(60_000);

  it("is taken as it is from a directory", async () => {
    mkdirSync(join(root, "dist"));
    writeFileSync(join(root, "dist/main.js"), "");
    const { name, binary } = await buildOf(root, { root, directory });
    expect({ name, binary }).to.deep.equal({ name: `the build in ${root}`, binary: join(root, "dist/main.js") });
    expect(existsSync(directory)).to.equal(false);
  });

  it("is refused when a directory holds none, and when there is no such revision", async () => {
    const refusal = async (against: string): Promise<string> =>
      buildOf(against, { root, directory }).then(String, ({ message }: Error) => message);
    expect(await refusal(root)).to.include("is not built: run");
    expect(await refusal("nowhere")).to.include("no revision of the repository");
    expect(await refusal("--all")).to.include("no revision of the repository");
  });

  it("says what the build said when it fails", async () => {
    writeFileSync(join(root, "package.json"), JSON.stringify({ scripts: { build: "echo it is broken; exit 3" } }));
    git("commit", "--all", "-m", "Break it");
    const refusal = await buildOf("HEAD", { root, directory }).then(String, ({ message }: Error) => message);
    expect(refusal).to.include("npm run build ended with 3").and.include("it is broken");
  });
});
