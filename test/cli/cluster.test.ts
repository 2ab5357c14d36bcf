/**
 * @module
 * `balsa cluster` as a user starts, signals and continues it.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { after, afterEach, before, describe, it } from "mocha";
import { binary } from "../../scripts/node-process.ts";
import { freePortRow } from "../../scripts/ports.ts";
import { runCli } from "./run-cli.ts";

/** One that runs, and all that it has printed. */
class Running {
  stdout = "";
  stderr = "";
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;

  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, [binary, "cluster", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stdout?.on("data", (chunk: Buffer) => void (this.stdout += chunk.toString()));
    this.#child.stderr?.on("data", (chunk: Buffer) => void (this.stderr += chunk.toString()));
    this.#ended = new Promise((resolve) => {
      this.#child.once("close", (code) => resolve(code));
    });
  }

  /** Rejects with what it said when it ends before; the test's time limit is the limit. */
  async until(seen: () => boolean): Promise<void> {
    while (!seen()) {
      if (this.#child.exitCode !== null) throw new Error(`it ended with ${this.#child.exitCode}: ${this.stderr}`);
      await new Promise(setImmediate);
    }
  }

  async ready(): Promise<void> {
    await this.until(() => /^try it: /m.test(this.stdout));
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#child.exitCode === null) this.#child.kill(signal);
  }

  async end(): Promise<number | null> {
    this.signal("SIGTERM");
    return await this.#ended;
  }
}

describe("balsa cluster", function () {
  this.timeout(60_000);
  let directory = "";
  let ports: readonly string[] = [];
  let httpPort = 0;
  let running: Running | undefined;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "balsa-launcher-"));
    httpPort = await freePortRow(3);
    ports = ["--http-port", String(httpPort), "--raft-port", String(await freePortRow(3))];
  });

  // Its nodes see it go and end too.
  afterEach(() => running?.signal("SIGKILL"));
  after(() => rmSync(directory, { recursive: true, force: true }));

  async function start(nodes: number, ...extra: readonly string[]): Promise<Running> {
    running = new Running(["--nodes", String(nodes), "--data", join(directory, "data"), ...ports, ...extra]);
    await running.ready();
    return running;
  }

  it("begins, names each node's lines, and ends all nodes at a signal with exit 0", async () => {
    const cluster = await start(1);
    expect(cluster.stdout).to.include(`cluster ready http://127.0.0.1:${httpPort}\n`);
    expect((await fetch(`http://127.0.0.1:${httpPort}/key/a`, { method: "PUT", body: "kept" })).status).to.equal(204);
    const pid = Number(/^n1 \| started, pid (\d+)/m.exec(cluster.stderr)?.[1]);
    expect(await cluster.end()).to.equal(0);
    expect(() => process.kill(pid, 0)).to.throw("ESRCH");
    for (const line of cluster.stderr.split("\n").filter((text) => text.includes('{"time"'))) {
      expect(line).to.match(/^n1 \| \{"time":.*"node":"n1",.*\}$/);
    }
  });

  it("continues with more nodes, hands its config file and SIGUSR2 on to them", async () => {
    const config = join(directory, "config.json");
    writeFileSync(config, JSON.stringify({ "slow-request": "0", "log-format": "pretty", endpoints: "unused" }));
    const cluster = await start(3, "--config", config);
    expect(await (await fetch(`http://127.0.0.1:${httpPort + 2}/key/a`)).text()).to.equal("kept");
    expect(cluster.stderr).to.match(/^n2 \| \d\d:\d\d:\d\d\.\d{3} info {2}n2 main {4}ready( |$)/m);
    cluster.signal("SIGUSR2");
    await cluster.until(() => cluster.stderr.match(/^n\d \|.*level debug and above/gm)?.length === 3);
    expect(await cluster.end()).to.equal(0);
  });

  it("continues with fewer as long as they are a majority, and says what becomes of the others", async () => {
    const cluster = await start(2);
    expect(cluster.stderr).to.match(/^balsa: n3 has begun in this directory.*counts as a member that is down/m);
    expect(cluster.stderr).to.match(/^balsa: 2 nodes survive the loss of 0, as 1 does/m);
    expect(await (await fetch(`http://127.0.0.1:${httpPort}/key/a`)).text()).to.equal("kept");
    expect(await cluster.end()).to.equal(0);
  });

  it("continues at other ports, all of them changed at once", async () => {
    httpPort = await freePortRow(3);
    ports = ["--http-port", String(httpPort), "--raft-port", String(await freePortRow(3))];
    const cluster = await start(3);
    expect(await (await fetch(`http://127.0.0.1:${httpPort + 1}/key/a`)).text()).to.equal("kept");
    expect(await cluster.end()).to.equal(0);
  });

  it("refuses to continue with so few that they could not elect a leader", async () => {
    const used = join(directory, "used");
    for (const id of ["n1", "n2", "n3", "n4", "n5"]) {
      mkdirSync(join(used, id), { recursive: true });
      writeFileSync(join(used, id, "identity.json"), "");
    }
    const { code, stderr } = await runCli(["cluster", "--nodes", "2", "--data", used, ...ports]);
    expect(code).to.equal(1);
    expect(stderr).to.match(/^balsa: 5 nodes have begun.*2 of them are no majority.*--nodes 5.*remove n3, n4, n5.*\n$/);
  });
});
