/**
 * @module
 * `balsa serve` as a process: what it prints, how it ends, and which directories it refuses.
 */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { after, afterEach, before, describe, it } from "mocha";
import { NodeProcess } from "../../scripts/node-process.ts";
import { freePorts } from "../../scripts/ports.ts";
import { runCli } from "./run-cli.ts";

const closeMsMax = 10_000;

describe("balsa serve", function () {
  this.timeout(30_000);
  let directory = "";
  let addresses: readonly string[] = [];
  const started: NodeProcess[] = [];

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "balsa-serve-"));
    const [http, raft] = await freePorts(2);
    addresses = ["--http", `127.0.0.1:${http}`, "--raft", `127.0.0.1:${raft}`];
  });

  afterEach(async () => {
    for (const node of started) node.signal("SIGKILL");
    await Promise.all(started.splice(0).map((node) => node.ended));
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  function start(id: string, extra: readonly string[], log: string[] = []): NodeProcess {
    const args = ["--id", id, "--data", join(directory, "n1"), ...addresses, ...extra];
    const node = new NodeProcess({ id, args, onLog: (line) => log.push(line) });
    started.push(node);
    return node;
  }

  it("says ready, answers, logs JSON, and closes in order at SIGTERM with exit 0", async () => {
    const log: string[] = [];
    const node = start("n1", ["--bootstrap", "--log-level", "debug"], log);
    const ready = await node.ready;
    expect(ready).to.include({ id: "n1", http: `http://${addresses[1]}`, raft: addresses[3] });
    expect((await fetch(`${ready.http}/readyz`)).status).to.equal(200);
    expect((await fetch(`${ready.http}/key/a`, { method: "PUT", body: "kept" })).status).to.equal(204);
    const askedAt = performance.now();
    expect(await node.stop(closeMsMax)).to.deep.equal({ code: 0, signal: null });
    expect(performance.now() - askedAt).to.be.below(closeMsMax);
    const lines = log.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    for (const line of lines) expect(line).to.include.keys("time", "level", "node", "actor", "message");
    for (const line of lines.slice(lines.findIndex(({ message }) => message === "ready"))) {
      expect(line, "once it is ready").to.include.keys("term", "index");
      expect(line["term"]).to.be.above(0);
    }
  });

  it("continues on its directory without flags, and with the flag it began with", async () => {
    for (const flags of [[], ["--bootstrap"]]) {
      const node = start("n1", flags);
      const { http } = await node.ready;
      expect(await (await fetch(`${http}/key/a`)).text()).to.equal("kept");
      await node.stop(closeMsMax);
    }
  });

  it("refuses the directory of another node, in one line", async () => {
    const args = ["--id", "n2", "--data", join(directory, "n1"), "--http", "127.0.0.1:0", "--raft", "127.0.0.1:0"];
    const { code, stderr } = await runCli(["serve", ...args]);
    expect(code).to.equal(1);
    expect(stderr).to.match(/^balsa: .*n1.*\n$/);
  });

  it("refuses a directory that a running node holds, and leaves that node alone", async () => {
    const node = start("n1", []);
    const { http } = await node.ready;
    const args = ["--id", "n1", "--data", join(directory, "n1"), "--http", "127.0.0.1:0", "--raft", "127.0.0.1:0"];
    const { code, stderr } = await runCli(["serve", ...args]);
    expect(code).to.equal(1);
    expect(stderr).to.match(/^balsa: .*(another process|lock).*\n$/im);
    expect((await fetch(`${http}/readyz`)).status).to.equal(200);
  });

  it("refuses to join where nobody answers, in one line", async () => {
    const args = ["--id", "n3", "--data", join(directory, "n3"), "--http", "127.0.0.1:0", "--raft", "127.0.0.1:0"];
    const [port] = await freePorts(1);
    const { code, stderr } = await runCli(["serve", ...args, "--join", `http://127.0.0.1:${port}`]);
    expect(code).to.equal(1);
    expect(stderr).to.match(/^balsa: nobody answers at http:\/\/127\.0\.0\.1:\d+.*\n$/);
    expect(existsSync(join(directory, "n3")), "an empty directory is not left behind").to.equal(false);
  });

  it("blocks an actor when its parent says so over IPC, and then goes on", async () => {
    const stallMs = 700;
    const args = ["--id", "n1", "--data", join(directory, "n1"), ...addresses];
    const node = new NodeProcess({ id: "n1", args, env: { BALSA_FAULTS: "ipc" }, onLog: () => undefined });
    started.push(node);
    const { http } = await node.ready;
    node.stall("ingress", stallMs);
    // Answers from before the thread was blocked come at once; the one that waits for it does not.
    let waitedMs = 0;
    for (const deadline = performance.now() + 10 * stallMs; waitedMs < stallMs / 2 && performance.now() < deadline; ) {
      const askedAt = performance.now();
      await fetch(`${http}/livez`);
      waitedMs = performance.now() - askedAt;
    }
    expect(waitedMs).to.be.within(stallMs / 2, 10 * stallMs);
  });
});
