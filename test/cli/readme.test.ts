/**
 * @module
 * The README's tables of settings are the list of settings word for word, and its commands are real ones.
 */

import { readFileSync } from "node:fs";
import { expect } from "chai";
import type { Command } from "commander";
import { describe, it } from "mocha";
import { makeProgram } from "../../src/cli/command/program.ts";
import { defaultTextOf, flagOf, type Setting, variableOf } from "../../src/cli/command/setting.ts";
import { clientSettings, clusterSettings, everySetting, serveSettings } from "../../src/cli/command/settings.ts";

const root = new URL("../../../", import.meta.url);
const readme = readFileSync(new URL("README.md", root), "utf8");
const scripts = Object.keys(
  (JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as { scripts: Record<string, string> }).scripts,
);

/** As the README must have it. */
function row(setting: Setting): string {
  const { placeholder, choices, help } = setting;
  const flag = placeholder === undefined ? flagOf(setting) : `${flagOf(setting)} <${placeholder}>`;
  const byDefault = defaultTextOf(setting);
  const explained = choices === undefined ? help : `${help}: ${choices.join(", ")}`;
  return `| \`${flag}\` | \`${variableOf(setting)}\` | ${byDefault} | ${explained} |`;
}

/** Of the command and of all below it. */
function flagsOf(command: Command): readonly string[] {
  const own = command.options.flatMap(({ long }) => (typeof long === "string" ? [long] : []));
  return [...own, ...command.commands.flatMap((below) => flagsOf(below))];
}

/** The rows of the first table after that line. */
function rowsAfter(line: string): readonly string[] {
  const lines = readme.split("\n");
  const from = lines.indexOf(line);
  expect(from, line).to.be.above(-1);
  const table = lines.slice(from + 2);
  return table.slice(2, table.indexOf(""));
}

describe("the README", () => {
  for (const [line, settings] of [
    ["Of `balsa serve`:", serveSettings],
    ["Of `balsa cluster`:", clusterSettings],
    ["Of the commands that ask a running cluster:", clientSettings],
  ] as const) {
    it(`has, in order, every setting: ${line}`, () => {
      expect(rowsAfter(line)).to.deep.equal(settings.map(row));
    });
  }

  it("names only flags and variables that exist", () => {
    const flags = new Set([...flagsOf(makeProgram({ code: 0 })), "--help", "--data-binary"]);
    // Lines about `npm run` name the flags of scripts, not of the binary.
    const aboutBinary = readme.split("\n").filter((line) => !line.includes("npm run"));
    for (const [flag] of aboutBinary.join("\n").matchAll(/(?<![\w-])--[a-z][a-z-]+/g))
      expect(flags, flag).to.include(flag);
    const variables = new Set([...everySetting.map(variableOf), "BALSA_CONFIG"]);
    for (const [name] of readme.matchAll(/\bBALSA_[A-Z_]+/g)) expect(variables, name).to.include(name);
  });

  it("names only scripts that package.json has", () => {
    for (const [, name] of readme.matchAll(/\bnpm run ([a-z:-]+)/g)) expect(scripts).to.include(name);
  });
});
