import { expect } from "chai";
import { describe, it } from "mocha";
import type { StateMismatch } from "../../../src/actors/protocol/ingress-raft.ts";
import { AlarmNews } from "../../../src/actors/raft/alarm-news.ts";

const mismatch: StateMismatch = { kind: "state-mismatch", nodes: ["n1", "n3"], index: 17 };
const another: StateMismatch = { kind: "state-mismatch", nodes: ["n1", "n2"], index: 30 };

function listen(): { news: AlarmNews; lines: string[] } {
  const lines: string[] = [];
  const news = new AlarmNews((level, message, fields) =>
    lines.push(`${level} ${message.split(":")[0]} ${JSON.stringify(fields)}`),
  );
  return { news, lines };
}

const raised =
  'error after index 17 the state of n3 is not that of n1, which leads {"leader":"n1","member":"n3","index":17}';

describe("alarms in the log", () => {
  it("are told once each, as errors that name both nodes and the index, and so is their end", () => {
    const { news, lines } = listen();
    const one = [mismatch];
    news.onAlarms(one, true);
    news.onAlarms(one, true);
    expect(lines).to.deep.equal([raised]);
    news.onAlarms([mismatch, another], true);
    news.onAlarms([another], true);
    expect(lines.slice(1)).to.deep.equal([
      'error after index 30 the state of n2 is not that of n1, which leads {"leader":"n1","member":"n2","index":30}',
      'info the state of n3 is that of n1 again, or it is no member any more {"leader":"n1","member":"n3"}',
    ]);
  });

  it("are not said to be over by a leader that has lost its office", () => {
    const { news, lines } = listen();
    news.onAlarms([mismatch], true);
    news.onAlarms([], false);
    expect(lines).to.deep.equal([raised]);
  });
});
