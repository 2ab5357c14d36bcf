import { expect } from "chai";
import { describe, it } from "mocha";
import { QuietLog } from "../../src/transport/quiet-log.ts";

describe("QuietLog", () => {
  function spoken(intervalMs: number): { readonly log: QuietLog; readonly lines: string[] } {
    const lines: string[] = [];
    return { lines, log: new QuietLog((_level, message) => lines.push(message), intervalMs) };
  }

  it("says a topic once within the interval, and each topic by itself", () => {
    const { log, lines } = spoken(60_000);
    log.say("info", "a", "one", {});
    log.say("info", "a", "two", {});
    log.say("info", "b", "three", {});
    log.forget("a");
    log.say("info", "a", "four", {});
    expect(lines).to.deep.equal(["one", "three", "four"]);
  });

  it("says it again after the interval", () => {
    const { log, lines } = spoken(0);
    log.say("info", "a", "one", {});
    log.say("info", "a", "two", {});
    expect(lines).to.deep.equal(["one", "two"]);
  });

  it("remembers a bounded number of topics, the newest", () => {
    const { log, lines } = spoken(60_000);
    for (let topic = 0; topic <= 256; topic += 1) log.say("info", `${topic}`, "first", {});
    log.say("info", "256", "again", {});
    log.say("info", "0", "forgotten", {});
    expect(lines.slice(257)).to.deep.equal(["forgotten"]);
  });
});
