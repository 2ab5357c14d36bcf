/**
 * @module
 * The binary without a running node: what it refuses, in which words, and its exit codes.
 */

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { after, before, describe, it } from "mocha";
import { runCli } from "./run-cli.ts";

let directory = "";

interface Refusal {
  readonly args: readonly string[];
  readonly code: 1 | 2;
  readonly says: RegExp;
}

function serve(...args: readonly string[]): readonly string[] {
  return ["serve", "--id", "n1", "--http", "127.0.0.1:0", "--raft", "127.0.0.1:0", ...args];
}

function addressRefusals(data: readonly string[]): Readonly<Record<string, Refusal>> {
  return {
    "an address without a port": {
      args: serve(...data, "--bootstrap", "--http", "localhost"),
      code: 2,
      says: /not host:port/,
    },
    "a port out of range": {
      args: serve(...data, "--bootstrap", "--raft", "127.0.0.1:65536"),
      code: 2,
      says: /not host:port/,
    },
    "an address outside loopback": {
      args: serve(...data, "--bootstrap", "--http", "0.0.0.0:0"),
      code: 2,
      says: /outside loopback.*--insecure/,
    },
    "one address for both": {
      args: ["serve", "--id", "n1", ...data, "--bootstrap", "--http", "127.0.0.1:8091", "--raft", "127.0.0.1:8091"],
      code: 2,
      says: /^balsa: --http and --raft are the same address, 127\.0\.0\.1:8091\n$/,
    },
    "an address that nobody could be told": {
      args: serve(...data, "--bootstrap", "--insecure", "--http", "0.0.0.0:8091"),
      code: 2,
      says: /--http 0\.0\.0\.0:8091 means every address.*--advertise-http host:port/,
    },
    "an advertised address that nobody could dial": {
      args: serve(...data, "--bootstrap", "--advertise-raft", "[::]:9091"),
      code: 2,
      says: /--advertise-raft \[::\]:9091 means every address/,
    },
    "one advertised address for both": {
      args: serve(...data, "--bootstrap", "--advertise-http", "a:80", "--advertise-raft", "a:80"),
      code: 2,
      says: /--advertise-http and --advertise-raft are the same address, a:80/,
    },
  };
}

function refusals(): Readonly<Record<string, Refusal>> {
  const data = ["--data", join(directory, "fresh")];
  return {
    ...addressRefusals(data),
    "no command": { args: [], code: 2, says: /Usage: balsa/ },
    "an unknown command": { args: ["kyes"], code: 2, says: /unknown command 'kyes'/ },
    "an unknown flag": { args: ["get", "a", "--nope"], code: 2, says: /unknown option '--nope'/ },
    "a missing key": { args: ["get"], code: 2, says: /missing required argument 'key'/ },
    "an empty key": { args: ["get", ""], code: 2, says: /at least one byte/ },
    "too many arguments": { args: ["del", "a", "b"], code: 2, says: /too many arguments/ },
    "an unknown format": { args: ["get", "a", "-o", "xml"], code: 2, says: /simple, table, json/ },
    "an endpoint that is none": { args: ["get", "a", "--endpoints", "ftp://a"], code: 2, says: /not an endpoint/ },
    "serve without an id": { args: ["serve", ...data], code: 2, says: /--id is required \(or BALSA_ID\)/ },
    "serve without a directory": { args: serve(), code: 2, says: /--data is required/ },
    "an id with a slash": { args: ["serve", "--id", "a/b", ...data], code: 2, says: /--id: "a\/b" is not/ },
    "an empty directory": { args: serve(...data), code: 2, says: /--bootstrap to begin.*--join http:\/\/127/ },
    "both ways to begin": {
      args: serve(...data, "--bootstrap", "--join", "http://127.0.0.1:1"),
      code: 2,
      says: /exclude each other/,
    },
    "a learner that joins nothing": { args: serve(...data, "--bootstrap", "--learner"), code: 2, says: /with --join/ },
    "a join that is no URL": { args: serve(...data, "--join", "127.0.0.1:1"), code: 2, says: /not a URL as http/ },
    "a tick out of range": {
      args: serve(...data, "--bootstrap", "--tick-ms", "1"),
      code: 2,
      says: /--tick-ms: 1 is not/,
    },
    "a largest value that does not fit between nodes": {
      args: serve(...data, "--bootstrap", "--value-bytes-max", "8388609"),
      code: 2,
      says: /--value-bytes-max: 8388609 is not between 1 and 8388608/,
    },
    "a file for a directory": {
      args: ["serve", "--id", "n1", "--bootstrap", "--data", join(directory, "file")],
      code: 1,
      says: /cannot be written: it is no directory/,
    },
    "a directory below a file": {
      args: ["serve", "--id", "n1", "--bootstrap", "--data", join(directory, "file", "n1")],
      code: 1,
      says: /cannot be written/,
    },
    "no nodes": { args: ["cluster", "--nodes", "0"], code: 2, says: /not between 1 and 9/ },
    "ports that overlap": {
      args: ["cluster", "--http-port", "5000", "--raft-port", "5001"],
      code: 2,
      says: /less than 3 apart/,
    },
    "ports out of range": { args: ["cluster", "--http-port", "65535"], code: 2, says: /not all ports/ },
    "a config file that is not there": {
      args: ["status", "--config", join(directory, "none.json")],
      code: 2,
      says: /config file .*none\.json: ENOENT/,
    },
    "a config file with an unknown name": {
      args: ["status", "--config", join(directory, "typo.json")],
      code: 2,
      says: /typo\.json: unknown setting "endpoint"; did you mean "endpoints"\?/,
    },
  };
}

describe("the binary", () => {
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "balsa-cli-"));
    writeFileSync(join(directory, "file"), "");
    writeFileSync(join(directory, "typo.json"), '{"endpoint":"http://127.0.0.1:1"}');
    mkdirSync(join(directory, "fresh"));
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  for (const name of Object.keys(refusals())) {
    it(`refuses ${name} in one clear line`, async () => {
      const refusal = refusals()[name];
      const { code, stdout, stderr } = await runCli(refusal?.args ?? []);
      expect(stderr).to.match(refusal?.says ?? /^$/);
      expect(stderr).not.to.match(/^\s+at /m);
      expect(stdout.byteLength).to.equal(0);
      expect(code).to.equal(refusal?.code);
    });
  }

  it("prints help and version on stdout and succeeds", async () => {
    const help = await runCli(["serve", "--help"]);
    expect(help.code).to.equal(0);
    expect(help.stdout.toString()).to.include("BALSA_HTTP");
    const version = await runCli(["--version"]);
    expect(version.code).to.equal(0);
    expect(version.stdout.toString()).to.match(/^\d+\.\d+\.\d+\n$/);
  });

  it("says which port is in use, and starts nothing", async () => {
    const { server, port } = await occupyPort();
    try {
      const args = ["--bootstrap", "--data", join(directory, "new", "n1"), "--http", `127.0.0.1:${port}`];
      const node = await runCli(["serve", "--id", "n1", "--raft", "127.0.0.1:0", ...args]);
      expect(node.code).to.equal(1);
      expect(node.stderr).to.include(`--http 127.0.0.1:${port} is in use`);
      expect(existsSync(join(directory, "new")), "what it made is gone").to.equal(false);
      const kept = join(directory, "fresh");
      await runCli(["serve", "--id", "n1", "--raft", "127.0.0.1:0", ...args, "--data", kept]);
      expect(existsSync(kept), "what was there stays").to.equal(true);
      const ports = ["--http-port", String(port), "--raft-port", String(port > 30_000 ? port - 9 : port + 9)];
      const cluster = await runCli(["cluster", "--nodes", "1", "--data", join(directory, "cluster"), ...ports]);
      expect(cluster.code).to.equal(1);
      expect(cluster.stderr).to.include(`port ${port} is in use`);
      expect(cluster.stderr).not.to.include("started, pid");
    } finally {
      await new Promise((resolve) => {
        server.close(resolve);
      });
    }
  });

  it("exits 1 with one line when no endpoint answers, saying what became of a write", async () => {
    const { server, port } = await occupyPort();
    await new Promise((resolve) => {
      server.close(resolve);
    });
    const endpoints = ["--endpoints", `127.0.0.1:${port}`];
    const put = await runCli(["put", "a", "b", ...endpoints]);
    expect(put.code).to.equal(1);
    expect(put.stderr).to.match(/^balsa: UNREACHABLE: .*ECONNREFUSED.* \(outcome: not-applied\)\n$/);
    const status = await runCli(["status", "-o", "json", ...endpoints]);
    expect(status.code).to.equal(1);
    expect(status.stdout.toString()).to.equal("[]\n");
  });
});

function occupyPort(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve({ server, port: typeof address === "object" && address !== null ? address.port : 0 });
    });
  });
}
