import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { ask } from "./client.ts";
import { FakeNode } from "./fake-node.ts";

const asked: readonly (readonly [method: string, path: string, body?: string])[] = [
  ["GET", "/key/a%2Fb"],
  ["HEAD", "/key/a"],
  ["PUT", "/key/a", "1"],
  ["DELETE", "/key/a"],
  ["POST", "/key", '{"a":"1"}'],
  ["GET", "/keys?prefix=a"],
  ["DELETE", "/keys?prefix=a"],
  ["POST", "/txn", '{"then":[{"put":{"key":"a","value":"1"}}]}'],
  ["POST", "/txn", '{"then":[{"get":{"key":"a"}}]}'],
  ["POST", "/compact", '{"revision":1}'],
  ["POST", "/lease", '{"ttl":"30s"}'],
  ["GET", "/lease/7"],
  ["GET", "/lease"],
  ["DELETE", "/lease/7"],
  ["POST", "/lease/7/keepalive"],
];

describe("http: a follower that is asked for a redirect", () => {
  let node: FakeNode;

  beforeEach(async () => {
    node = await FakeNode.start();
    node.leaderId = "n2";
    node.tellLeadership();
  });

  afterEach(async () => {
    await node.stop();
    expect(node.failures).to.deep.equal([]);
  });

  it("names the leader for every request about data, its target unchanged, and forwards nothing", async () => {
    for (const [method, path, body] of asked) {
      const target = `${path}${path.includes("?") ? "&" : "?"}redirect`;
      const reply = await ask(node.port, method, target, body === undefined ? {} : { body });
      const location = `http://127.0.0.1:8092${target}`;
      expect([method, path, reply.status, reply.headers.location]).to.deep.equal([method, path, 307, location]);
    }
    expect(node.asked).to.deep.equal([]);
    expect(node.view.revision()).to.equal(0);
  });

  it("answers all of them itself when it leads", async () => {
    node.leaderId = "n1";
    node.tellLeadership();
    await ask(node.port, "GET", "/key/a");
    for (const [method, path, body] of asked) {
      const target = `${path}${path.includes("?") ? "&" : "?"}redirect`;
      const reply = await ask(node.port, method, target, body === undefined ? {} : { body });
      expect([method, path, reply.status]).to.not.include(307);
      expect(reply.headers["balsa-revision"]).to.be.a("string");
    }
  });
});
