/**
 * @module
 * Where a setting's value comes from, and which values are refused.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import { flagAttribute, resolveSettings, type Sources, UsageError } from "../../src/cli/command/resolve.ts";
import { defaultTextOf, flagOf, type Setting, variableOf } from "../../src/cli/command/setting.ts";
import { clientSettings, clusterSettings, everySetting, serveSettings } from "../../src/cli/command/settings.ts";

// Names of real settings, since a file is held against those; with types and defaults of their own.
const port: Setting = { name: "http-port", type: "count", default: 1, help: "" };
const size: Setting = { name: "history-bytes", type: "bytes", help: "" };
const hosts: Setting = { name: "allowed-host", type: "list", help: "" };
const loud: Setting = { name: "insecure", type: "boolean", help: "" };
const mood: Setting = { name: "log-format", type: "string", choices: ["a", "b"], help: "" };
const patience: Setting = { name: "slow-request", type: "duration", help: "" };
const table = [port, size, hosts, loud, mood, patience];

interface Given {
  readonly flags?: Sources["flags"];
  readonly env?: Sources["env"];
  readonly file?: Readonly<Record<string, unknown>>;
}

function resolve({ flags = {}, env = {}, file }: Given): ReturnType<typeof resolveSettings> {
  return resolveSettings(table, {
    flags,
    env,
    file: file === undefined ? undefined : { path: "c.json", entries: file },
  });
}

describe("settings", () => {
  it("come from the flag, then the environment, then the config file, then the default", () => {
    const flags = { httpPort: "4" };
    const env = { BALSA_HTTP_PORT: "3" };
    const file = { "http-port": 2 };
    expect(resolve({ flags, env, file }).count("http-port")).to.equal(4);
    expect(resolve({ env, file }).count("http-port")).to.equal(3);
    expect(resolve({ file }).count("http-port")).to.equal(2);
    expect(resolve({}).count("http-port")).to.equal(1);
  });

  it("take an empty variable for one that is not set", () => {
    expect(resolve({ env: { BALSA_HTTP_PORT: "" } }).count("http-port")).to.equal(1);
  });

  it("read sizes with and without a unit", () => {
    for (const [text, bytes] of [
      ["0", 0],
      ["1024", 1024],
      ["64KiB", 65_536],
      ["2MiB", 2_097_152],
      ["1GiB", 1_073_741_824],
    ] as const) {
      expect(resolve({ flags: { historyBytes: text } }).count("history-bytes"), text).to.equal(bytes);
    }
    expect(resolve({ file: { "history-bytes": 5 } }).count("history-bytes")).to.equal(5);
  });

  it("read lists from repeated flags and from commas", () => {
    expect(resolve({ flags: { allowedHost: ["a", "b,c"] } }).list("allowed-host")).to.deep.equal(["a", "b", "c"]);
    expect(resolve({ env: { BALSA_ALLOWED_HOST: "a, b" } }).list("allowed-host")).to.deep.equal(["a", "b"]);
    expect(resolve({ file: { "allowed-host": ["a"] } }).list("allowed-host")).to.deep.equal(["a"]);
  });

  it("read switches", () => {
    expect(resolve({ flags: { insecure: true } }).switch("insecure")).to.equal(true);
    expect(resolve({ env: { BALSA_INSECURE: "1" } }).switch("insecure")).to.equal(true);
    expect(resolve({ env: { BALSA_INSECURE: "false" } }).switch("insecure")).to.equal(false);
    expect(resolve({}).switch("insecure")).to.equal(false);
  });

  it("refuse what is of the wrong type, naming where it was said", () => {
    const refused: readonly [Given, string][] = [
      [{ flags: { httpPort: "x" } }, "--http-port"],
      [{ flags: { httpPort: "-1" } }, "--http-port"],
      [{ flags: { httpPort: "1.5" } }, "--http-port"],
      [{ env: { BALSA_HISTORY_BYTES: "1MB" } }, "BALSA_HISTORY_BYTES"],
      [{ file: { insecure: "maybe" } }, "config file c.json: insecure"],
      [{ env: { BALSA_LOG_FORMAT: "c" } }, "none of a, b"],
      [{ file: { "log-format": 1 } }, "config file c.json: log-format"],
      [{ env: { BALSA_ALLOWED_HOST: "a,,b" } }, "BALSA_ALLOWED_HOST"],
      [{ flags: { slowRequest: "5" } }, "--slow-request"],
      [{ file: { "slow-request": 1000 } }, "as 500ms, 1s or 2m, or 0"],
    ];
    for (const [given, where] of refused) expect(() => resolve(given), where).to.throw(UsageError, where);
  });

  it("read times with their unit, and nothing as nothing", () => {
    for (const [text, milliseconds] of [
      ["0", 0],
      ["250ms", 250],
      ["2s", 2_000],
      ["1m", 60_000],
    ] as const) {
      expect(resolve({ flags: { slowRequest: text } }).count("slow-request"), text).to.equal(milliseconds);
    }
    expect(resolve({ file: { "slow-request": 0 } }).count("slow-request")).to.equal(0);
  });

  it("refuse a name in a file that no command has, with the one that was meant", () => {
    for (const [given, meant] of [
      ["htpp", "http"],
      ["logLevel", "log-level"],
      ["valuebytesmax", "value-bytes-max"],
      ["endpoint", "endpoints"],
      ["advertise_raft", "advertise-raft"],
    ] as const) {
      expect(() => resolve({ file: { [given]: 1 } }), given).to.throw(
        UsageError,
        `config file c.json: unknown setting "${given}"; did you mean "${meant}"?`,
      );
    }
    expect(() => resolve({ file: { colour: 1 } })).to.throw(UsageError, "balsa serve --help");
  });

  it("leave alone what a file holds for another command", () => {
    expect(resolve({ file: { endpoints: 7 } }).count("http-port")).to.equal(1);
  });

  it("are asked for by a name that the command has", () => {
    expect(() => resolve({}).text("nodes")).to.throw(RangeError, "nodes");
  });

  it("have one name in three spellings, and no other setting of their command has it", () => {
    expect(flagAttribute(port)).to.equal("httpPort");
    expect(flagOf(port)).to.equal("--http-port");
    expect(variableOf(port)).to.equal("BALSA_HTTP_PORT");
    for (const settings of [serveSettings, clusterSettings, clientSettings]) {
      const names = settings.map(({ name }) => name);
      expect(new Set(names).size).to.equal(names.length);
      for (const name of names) expect(name).to.match(/^[a-z]+(-[a-z]+)*$/);
    }
  });

  it("of one name mean values of one type in every command", () => {
    for (const setting of everySetting) {
      const same = everySetting.filter(({ name }) => name === setting.name);
      expect(new Set(same.map(({ type }) => type)).size, setting.name).to.equal(1);
    }
  });

  it("tell their default as it would be written", () => {
    expect(defaultTextOf({ ...size, default: 1024 * 1024 })).to.equal("1MiB");
    expect(defaultTextOf({ ...size, default: 1025 })).to.equal("1025");
    expect(defaultTextOf({ ...patience, default: 1500 })).to.equal("1500ms");
    expect(defaultTextOf({ ...patience, default: 0 })).to.equal("0");
    expect(defaultTextOf({ ...hosts, default: ["a", "b"] })).to.equal("a,b");
    expect(defaultTextOf(loud)).to.equal("");
  });
});
