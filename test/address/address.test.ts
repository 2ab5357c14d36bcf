import { expect } from "chai";
import { describe, it } from "mocha";
import { formatAddress, parseAddress, parseDialledAddress } from "../../src/address/address.ts";
import { isLoopback } from "../../src/address/loopback.ts";
import { isIncarnation, isNodeId } from "../../src/address/node-id.ts";
import { isUnspecified, reachableHere } from "../../src/address/unspecified.ts";

describe("addresses", () => {
  it("are read as names, IPv4 and bracketed IPv6 with a port, and written the same way", () => {
    for (const text of ["node-1.example:9091", "127.0.0.1:1", "[::1]:65535", "[fe80::1%eth0]:9"]) {
      const address = parseDialledAddress(text);
      expect(address === null ? null : formatAddress(address)).to.equal(text);
    }
    for (const text of ["", "host", "host:", ":1", "host:65536", "::1:9", "a b:1", "http://h:1", "h:1/", "[]:1"]) {
      expect(parseAddress(text), text).to.equal(null);
    }
  });

  it("have port 0 where they are listened on, and never where they are dialled", () => {
    expect(parseAddress("host:0")).to.deep.equal({ host: "host", port: 0 });
    expect(parseDialledAddress("host:0")).to.equal(null);
  });

  it("that mean every address are reached on loopback by this machine, and told to nobody", () => {
    for (const [host, here] of [
      ["0.0.0.0", "127.0.0.1"],
      ["::", "::1"],
      ["0:0:0:0:0:0:0:0", "::1"],
    ] as const) {
      expect(isUnspecified(host), host).to.equal(true);
      expect(reachableHere({ host, port: 7 })).to.deep.equal({ host: here, port: 7 });
    }
    for (const host of ["127.0.0.1", "::1", "10.0.0.0", "n1", "localhost"]) {
      expect(isUnspecified(host), host).to.equal(false);
      expect(reachableHere({ host, port: 7 })).to.deep.equal({ host, port: 7 });
    }
  });

  it("are loopback only when they certainly stay on this machine", () => {
    for (const host of ["localhost", "127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]) {
      expect(isLoopback(host), host).to.equal(true);
    }
    for (const host of [
      "",
      "localhost.example",
      "127.example.com",
      "1127.0.0.1",
      "10.0.0.1",
      "::",
      "::ffff:10.0.0.1",
    ]) {
      expect(isLoopback(host), host).to.equal(false);
    }
  });
});

describe("names of nodes and data directories", () => {
  it("are short, plain, and no property that every object has", () => {
    for (const id of ["n1", "a.b_c-D", "x".repeat(64)]) expect(isNodeId(id), id).to.equal(true);
    for (const id of ["", "x".repeat(65), "a b", "a/b", "constructor", "__proto__", 7]) {
      expect(isNodeId(id), String(id)).to.equal(false);
    }
    expect([isIncarnation(""), isIncarnation("0f"), isIncarnation("{}")]).to.deep.equal([true, true, false]);
  });
});
