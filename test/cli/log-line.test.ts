import { expect } from "chai";
import { describe, it } from "mocha";
import { makeLog } from "../../src/cli/command/log-line.ts";

describe("a log line in JSON", () => {
  const lines: string[] = [];
  const log = makeLog({ node: "n1", level: "info", format: "json" }, (text) => lines.push(text));

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
