import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { run } from "../../scripts/bench/child.ts";
import { until } from "../../scripts/stage.ts";

/** Whether it still does anything: nobody may have asked yet how it ended. */
function isRunning(pid: number): boolean {
  const state = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).stdout.trim();
  return state !== "" && !state.startsWith("Z");
}

describe("a program that is run", () => {
  it("gives what it says", async () => {
    expect(await run(process.execPath, ["-e", "process.stdout.write('é' + process.cwd())"], "/")).to.equal("é/");
  });

  it("fails with what it says", async () => {
    const failure = await run(process.execPath, ["-e", "console.error('no room'); process.exit(4)"]).catch(String);
    expect(failure).to.match(/ended with 4: no room$/);
  });

  it("fails when it is not there", async () => {
    expect(await run("/nowhere/program", []).catch(String)).to.include("ENOENT");
  });

  it("ends with the process that runs it, and so does what it has started", async () => {
    const directory = mkdtempSync(join(tmpdir(), "balsa-child-"));
    const [written, told] = [join(directory, "written"), join(directory, "told")];
    const module = JSON.stringify(new URL("../../scripts/bench/child.js", import.meta.url).href);
    const script = `
      import { run } from ${module};
      process.on("SIGTERM", () => process.exit(143));
      run("sh", ["-c", "sleep 600 & echo $! $$ > ${written}; mv ${written} ${told}; wait"]);
    `;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "inherit" });
    try {
      expect(await until(10_000, async () => (existsSync(told) ? true : undefined))).to.equal(true);
      const pids = readFileSync(told, "utf8").trim().split(" ").map(Number);
      expect(pids.map(isRunning)).to.deep.equal([true, true]);
      parent.kill("SIGTERM");
      await once(parent, "exit");
      expect(await until(5_000, async () => (pids.some(isRunning) ? undefined : true))).to.equal(true);
    } finally {
      parent.kill("SIGKILL");
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
