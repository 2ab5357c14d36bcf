/**
 * @module
 * Where a setting's value comes from, and which values are refused.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import { flagAttribute, resolveSettings, type Sources, UsageError } from "../../src/cli/command/resolve.ts";
import { clientSettings, clusterSettings, type Setting, serveSettings } from "../../src/cli/command/settings.ts";

const port: Setting = { name: "portNumber", flag: "port-number", env: "B_PORT", type: "count", default: 1, help: "" };
const size: Setting = { name: "size", flag: "size", env: "B_SIZE", type: "bytes", help: "" };
const hosts: Setting = { name: "hosts", flag: "host", env: "B_HOSTS", type: "list", help: "" };
const loud: Setting = { name: "loud", flag: "loud", env: "B_LOUD", type: "boolean", help: "" };
const mood: Setting = { name: "mood", flag: "mood", env: "B_MOOD", type: "string", choices: ["a", "b"], help: "" };
const table = [port, size, hosts, loud, mood];

function resolve(sources: Partial<Sources>): ReturnType<typeof resolveSettings> {
  return resolveSettings(table, { flags: {}, env: {}, file: {}, ...sources });
}

describe("settings", () => {
  it("come from the flag, then the environment, then the config file, then the default", () => {
    const flags = { portNumber: "4" };
    const env = { B_PORT: "3" };
    const file = { portNumber: 2 };
    expect(resolve({ flags, env, file }).count("portNumber")).to.equal(4);
    expect(resolve({ env, file }).count("portNumber")).to.equal(3);
    expect(resolve({ file }).count("portNumber")).to.equal(2);
    expect(resolve({}).count("portNumber")).to.equal(1);
  });

  it("take an empty variable for one that is not set", () => {
    expect(resolve({ env: { B_PORT: "" } }).count("portNumber")).to.equal(1);
  });

  it("read sizes with and without a unit", () => {
    for (const [text, bytes] of [
      ["0", 0],
      ["1024", 1024],
      ["64KiB", 65_536],
      ["2MiB", 2_097_152],
      ["1GiB", 1_073_741_824],
    ] as const) {
      expect(resolve({ flags: { size: text } }).count("size"), text).to.equal(bytes);
    }
    expect(resolve({ file: { size: 5 } }).count("size")).to.equal(5);
  });

  it("read lists from repeated flags and from commas", () => {
    expect(resolve({ flags: { host: ["a", "b,c"] } }).list("hosts")).to.deep.equal(["a", "b", "c"]);
    expect(resolve({ env: { B_HOSTS: "a, b" } }).list("hosts")).to.deep.equal(["a", "b"]);
    expect(resolve({ file: { hosts: ["a"] } }).list("hosts")).to.deep.equal(["a"]);
  });

  it("read switches", () => {
    expect(resolve({ flags: { loud: true } }).switch("loud")).to.equal(true);
    expect(resolve({ env: { B_LOUD: "1" } }).switch("loud")).to.equal(true);
    expect(resolve({ env: { B_LOUD: "false" } }).switch("loud")).to.equal(false);
    expect(resolve({}).switch("loud")).to.equal(false);
  });

  it("refuse what is of the wrong type, naming where it was said", () => {
    const refused: readonly [Partial<Sources>, string][] = [
      [{ flags: { portNumber: "x" } }, "--port-number"],
      [{ flags: { portNumber: "-1" } }, "--port-number"],
      [{ flags: { portNumber: "1.5" } }, "--port-number"],
      [{ env: { B_SIZE: "1MB" } }, "B_SIZE"],
      [{ file: { loud: "maybe" } }, "config file: loud"],
      [{ env: { B_MOOD: "c" } }, "none of a, b"],
      [{ file: { mood: 1 } }, "config file: mood"],
      [{ env: { B_HOSTS: "a,,b" } }, "B_HOSTS"],
      [{ file: { other: 1 } }, 'unknown setting "other"'],
    ];
    for (const [sources, where] of refused) expect(() => resolve(sources), where).to.throw(UsageError, where);
  });

  it("have flags and variables of their own in every table", () => {
    for (const settings of [serveSettings, clusterSettings, clientSettings]) {
      for (const part of ["name", "flag", "env"] as const) {
        const all = settings.map((setting) => setting[part]);
        expect(new Set(all).size, part).to.equal(all.length);
      }
      for (const setting of settings) expect(setting.env).to.match(/^BALSA_[A-Z_]+$/);
    }
    expect(flagAttribute(port)).to.equal("portNumber");
  });
});
