import { expect } from "chai";
import { describe, it } from "mocha";
import { LogPrinter, logLevelOf } from "../../src/cli/command/log-line.ts";

describe("a log line in JSON", () => {
  const lines: string[] = [];
  const { print: log } = new LogPrinter({ node: "n1", level: "info", format: "json" }, (text) => lines.push(text));

  it("begins with time, level, node, actor and message, then come the fields as they were given", () => {
    log({ level: "info", actor: "raft", message: "n2 leads in term 3", fields: { term: 3, leader: "n2", index: 7 } });
    const parsed: object = JSON.parse(lines.at(-1) ?? "");
    const head = ["time", "level", "node", "actor", "message"];
    expect(Object.keys(parsed)).to.deep.equal([...head, "term", "leader", "index"]);
    expect(lines.at(-1)).to.match(
      /^\{"time":"[^"]+","level":"info","node":"n1","actor":"raft","message":"n2 leads in term 3","term":3,/,
    );
  });

  it("lets no field take the place of one of its own names, nor come before them", () => {
    log({ level: "warn", actor: "log", message: "slow", fields: { level: "x", 7: "seven", message: "y" } });
    expect(lines.at(-1)).to.match(
      /^\{"time":"[^"]+","level":"warn","node":"n1","actor":"log","message":"slow","7":"seven"\}\n$/,
    );
  });
});

describe("a log line for people", () => {
  const lines: string[] = [];
  const { print: log } = new LogPrinter({ node: "n1", level: "info", format: "pretty" }, (text) => lines.push(text));

  it("is its time of day, level, node, actor, message and fields", () => {
    log({ level: "warn", actor: "log", message: "the disk is slow", fields: { term: 3, path: "a b", leader: null } });
    expect(lines.at(-1)).to.match(
      /^\d\d:\d\d:\d\d\.\d{3} warn {2}n1 log {5}the disk is slow term=3 path="a b" leader=null\n$/,
    );
  });

  it("stays one line, and sends nothing to the terminal but text", () => {
    log({ level: "info", actor: "raft", message: "peer said \u001b[2J\nn2", fields: { "a\r": "\u009b1m" } });
    expect(lines.at(-1)).to.match(/^[^\p{Cc}]*\n$/u);
    expect(lines.at(-1)).to.include("peer said \\u001b[2J\\u000an2 a\\u000d=\\u009b1m");
  });
});

describe("the level of a log", () => {
  it("is debug after one toggle and what it was after two, which is told at every level", () => {
    const lines: string[] = [];
    const printer = new LogPrinter({ node: "n1", level: "error", format: "pretty" }, (text) => lines.push(text));
    const sayAll = (): number => {
      const before = lines.length;
      for (const level of ["debug", "info", "warn", "error"] as const) {
        printer.print({ level, actor: "main", message: level, fields: {} });
      }
      return lines.length - before;
    };
    expect(sayAll()).to.equal(1);
    printer.toggleDebug();
    expect(lines.at(-1)).to.include("debug and above");
    expect(sayAll()).to.equal(4);
    printer.toggleDebug();
    expect(lines.at(-1)).to.include("error and above");
    expect(sayAll()).to.equal(1);
  });

  it("is info when it is none", () => {
    expect(logLevelOf("loud")).to.equal("info");
    expect(logLevelOf("warn")).to.equal("warn");
  });
});
