import { expect } from "chai";
import { describe, it } from "mocha";
import { formatPeerAddress, parsePeerAddress } from "../../src/transport/address.ts";
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

describe("peer addresses", () => {
  it("are read as names, IPv4 and bracketed IPv6 with a port, and written the same way", () => {
    for (const text of ["node-1.example:9091", "127.0.0.1:1", "[::1]:65535", "[fe80::1%eth0]:9"]) {
      const address = parsePeerAddress(text);
      expect(address === undefined ? undefined : formatPeerAddress(address)).to.equal(text);
    }
    for (const text of ["", "host", "host:", ":1", "host:0", "host:65536", "::1:9", "a b:1", "http://h:1", "h:1/"]) {
      expect(parsePeerAddress(text), text).to.equal(undefined);
    }
  });
});
