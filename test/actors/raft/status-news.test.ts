import { expect } from "chai";
import { describe, it } from "mocha";
import type { LogFields } from "../../../src/actor/context.ts";
import type { LeadershipChanged } from "../../../src/actors/protocol/ingress-raft.ts";
import { StatusNews } from "../../../src/actors/raft/status-news.ts";
import type { Configuration } from "../../../src/raft/types.ts";
import { configurationOf } from "../../support/core-node.ts";
import { configOf } from "../support/stepped-cluster.ts";

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields | undefined;
}

function listen(id: string): { news: StatusNews; lines: Line[] } {
  const lines: Line[] = [];
  const news = new StatusNews(configOf(id, false), (level, message, fields) => lines.push({ level, message, fields }));
  return { news, lines };
}

function status(
  term: number,
  leaderId: string | null,
  configuration: Configuration = configurationOf([]),
): LeadershipChanged {
  const role = leaderId === "n1" ? "leader" : "follower";
  return { kind: "leadershipChanged", role, term, leaderId, configuration, removed: false };
}

describe("what an operator is told", () => {
  it("is who leads, one line a change of term or leader", () => {
    const { news, lines } = listen("n1");
    news.onStatus(status(3, "n2"), 7);
    news.onStatus(status(3, "n2", configurationOf(["n2"])), 8);
    news.onStatus({ ...status(4, null), role: "candidate" }, 9);
    news.onStatus(status(4, null), 9);
    news.onStatus(status(4, "n1"), 9);
    expect(lines.filter(({ message }) => /lead/.test(message) && !message.startsWith("this"))).to.deep.equal([
      {
        level: "info",
        message: "n2 leads in term 3",
        fields: { term: 3, index: 7, leader: "n2", role: "follower" },
      },
      {
        level: "info",
        message: "no leader is known in term 4",
        fields: { term: 4, index: 9, leader: null, role: "follower" },
      },
      {
        level: "info",
        message: "n1 leads in term 4",
        fields: { term: 4, index: 9, leader: "n1", role: "leader" },
      },
    ]);
  });

  it("is who the members are, one line a change, and at debug each change of its own role", () => {
    const { news, lines } = listen("n1");
    const learning = { ...configurationOf(["n1"]), learners: ["n2"] };
    news.onStatus(status(1, "n1", configurationOf(["n1"])), 1);
    news.onStatus(status(1, "n1", learning), 2);
    news.onStatus({ ...status(2, null, learning), role: "candidate" }, 2);
    news.onStatus(status(3, "n2", configurationOf(["n1", "n2"])), 4);
    expect(
      lines.flatMap(({ level, message }) =>
        /leads|no leader|known to others/.test(message) ? [] : [`${level} ${message}`],
      ),
    ).to.deep.equal([
      "debug this node is leader in term 1",
      "info voters n1",
      "info voters n1; learners n2",
      "debug this node is candidate in term 2",
      "debug this node is follower in term 3",
      "info voters n1, n2",
    ]);
  });

  it("is that this node was removed, and that it is a member again", () => {
    const { news, lines } = listen("n1");
    for (const removed of [false, true, true, false]) news.onStatus({ ...status(3, null), removed }, 7);
    const told = lines.filter(({ level, message }) => level === "warn" || message.includes("member"));
    expect(told.map(({ level, message }) => `${level}: ${message.split(":")[0]}`)).to.deep.equal([
      "warn: this node was removed from the cluster",
      "info: this node is a member again",
    ]);
  });

  it("is at the start that its log names members without it, and not while it is taken in", () => {
    const back = listen("n1");
    for (const term of [3, 4]) back.news.onStatus(status(term, null, configurationOf(["n2", "n3"])), 7);
    const told = back.lines.filter(({ level }) => level === "warn");
    expect(told.map(({ message }) => message.split(":")[0])).to.deep.equal([
      "this node is not among the members that its log names (voters n2, n3)",
    ]);

    const joining = listen("n1");
    for (const voters of [[], ["n2"], ["n1", "n2"]]) joining.news.onStatus(status(3, "n2", configurationOf(voters)), 7);
    expect(joining.lines.filter(({ message }) => message.includes("not among"))).to.deep.equal([]);
  });

  it("is, once, that others know this node elsewhere than it says", () => {
    const { news, lines } = listen("n1");
    const members = (port: number): Configuration => {
      const member = {
        httpAddr: `127.0.0.1:${port}`,
        raftAddr: `127.0.0.1:${port + 1000}`,
        incarnation: "",
        standing: "voter",
      } as const;
      return { ...configurationOf(["n1"]), members: { n1: member } };
    };
    news.onStatus(status(1, "n1", members(8091)), 1);
    expect(lines.filter(({ level }) => level === "warn")).to.deep.equal([]);
    for (let times = 0; times < 3; times += 1) news.onStatus(status(1, "n1", members(8191)), 1);
    const told = "this node is known to others as 127.0.0.1:8191 / 127.0.0.1:9191";
    const says = "and is started at 127.0.0.1:8091 / 127.0.0.1:9091";
    const remedy = "start it there, or change them back with balsa member update";
    expect(lines.filter(({ level }) => level === "warn").map(({ message }) => message)).to.deep.equal([
      `${told}, ${says}: ${remedy}`,
    ]);

    const moved = listen("n1");
    moved.news.onStatus(status(1, "n1", members(8191)), 1);
    expect(moved.lines.map(({ message }) => message)).to.include(`${told}, ${says}: it will tell them`);
  });
});
