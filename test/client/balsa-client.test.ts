/**
 * @module
 * The client against nodes that answer, refuse, break off and keep silent.
 */

import { expect } from "chai";
import { afterEach, describe, it } from "mocha";
import { BalsaClient, type ClientOptions } from "../../src/client/balsa-client.ts";
import { keyPath } from "../../src/client/bytes.ts";
import { answerJson, type FakeNode, problem, type Respond, startFakeNode } from "./fake-node.ts";

const open: { close(): unknown }[] = [];

async function node(respond: Respond): Promise<FakeNode> {
  const fake = await startFakeNode(respond);
  open.push(fake);
  return fake;
}

function clientOf(endpoints: readonly string[], options: Partial<ClientOptions> = {}): BalsaClient {
  const client = new BalsaClient({ endpoints, timeoutMs: 2_000, ...options });
  open.push(client);
  return client;
}

const acceptPut: Respond = (_, response) => {
  response.writeHead(204, { etag: '"7"', "balsa-revision": "9" }).end();
};

describe("BalsaClient", () => {
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()));
  });

  it("reads a value's bytes as they are, with both revisions", async () => {
    const bytes = Uint8Array.from([0, 255, 10, 128]);
    const fake = await node((_, response) => {
      response.writeHead(200, { etag: '"3"', "balsa-revision": "5" }).end(bytes);
    });
    const found = await clientOf([fake.endpoint]).get("a", { level: "stale", minRevision: 4 });
    expect(Uint8Array.from(found?.value ?? [])).to.deep.equal(bytes);
    expect(found).to.include({ modRevision: 3, revision: 5 });
    expect(fake.asked[0]).to.include({ method: "GET", path: "/key/a?level=stale" });
    expect(fake.asked[0]?.headers["balsa-min-revision"]).to.equal("4");
  });

  it("gives undefined for a key that does not exist", async () => {
    const fake = await node((_, response) => problem(response, 404, "KEY_NOT_FOUND", "not-applied"));
    expect(await clientOf([fake.endpoint]).get("a")).to.equal(undefined);
  });

  it("puts raw bytes and tells the node its timeout", async () => {
    const fake = await node(acceptPut);
    const result = await clientOf([fake.endpoint]).put("a/b", Uint8Array.from([1, 0, 2]));
    expect(result).to.deep.equal({ modRevision: 7, revision: 9 });
    expect([...(fake.asked[0]?.body ?? [])]).to.deep.equal([1, 0, 2]);
    expect(fake.asked[0]?.headers["balsa-timeout"]).to.match(/^\d+ms$/);
  });

  it("deletes and says how many", async () => {
    const fake = await node((_, response) => {
      response.writeHead(204, { "balsa-deleted": "1", "balsa-revision": "9" }).end();
    });
    expect(await clientOf([fake.endpoint]).delete("a")).to.deep.equal({ deleted: 1, revision: 9 });
  });

  it("sends any key as one path that no URL rule can change", async () => {
    expect(keyPath("a/../b")).to.equal("/key/a/%2E%2E/b");
    expect(keyPath(Uint8Array.from([0, 255, 0x25]))).to.equal("/key/%00%FF%25");
    const fake = await node(acceptPut);
    await clientOf([fake.endpoint]).put("..", "x");
    expect(fake.asked[0]?.path).to.equal("/key/%2E%2E");
  });

  it("asks for as much as it is told to, and never for less than it has seen in a session", async () => {
    const fake = await node((_, response) => {
      response.writeHead(200, { etag: '"3"', "balsa-revision": "5" }).end("x");
    });
    const client = clientOf([fake.endpoint], { session: true });
    await client.get("a", { level: "stale", maxAgeMs: 200 });
    await client.get("a");
    await client.get("a", { minRevision: 7 });
    await client.get("a", { revision: 2 });
    expect(client.revision).to.equal(5);
    expect(fake.asked.map(({ headers }) => headers["balsa-min-revision"])).to.deep.equal([
      undefined,
      "5",
      "7",
      undefined,
    ]);
    expect(fake.asked[0]?.path).to.equal("/key/a?level=stale&max-age=200ms");
    expect(fake.asked[3]?.path).to.equal("/key/a?level=linearizable&revision=2");
  });

  it("reads a key with all that the store knows of it, also when its bytes are not UTF-8", async () => {
    const item = { keyBase64: "/w==", value: "é", createRevision: 2, modRevision: 3, version: 2, lease: "12" };
    const fake = await node((_, response) => answerJson(response, 200, item));
    const found = await clientOf([fake.endpoint]).getItem(Uint8Array.from([255]));
    expect(fake.asked[0]?.headers.accept).to.equal("application/json");
    expect([...(found?.key ?? [])]).to.deep.equal([255]);
    expect(Buffer.from(found?.value ?? "").toString()).to.equal("é");
    expect(found).to.include({ createRevision: 2, modRevision: 3, version: 2, lease: "12" });
  });

  it("puts under a condition, for a time and with a lease", async () => {
    const fake = await node((_, response) => {
      response.writeHead(204, { etag: '"7"', "balsa-revision": "9", "balsa-lease": "4" }).end();
    });
    const client = clientOf([fake.endpoint]);
    expect(await client.put("a", "1", { condition: "absent", ttlMs: 1500 })).to.include({ lease: "4" });
    await client.put("a", "1", { condition: { modRevision: 7 }, lease: "4" });
    await client.put("a", "1", { condition: "present" });
    expect(fake.asked.map(({ path }) => path)).to.deep.equal(["/key/a?ttl=1500ms", "/key/a?lease=4", "/key/a"]);
    expect(fake.asked.map(({ headers }) => headers["if-match"] ?? headers["if-none-match"])).to.deep.equal([
      "*",
      '"7"',
      "*",
    ]);
    expect(fake.asked[0]?.headers["if-none-match"]).to.equal("*");
  });

  it("puts many, deletes ranges and compacts", async () => {
    const fake = await node(({ path }, response) =>
      answerJson(response, 200, path === "/compact" ? { compactedRevision: 4 } : { deleted: 2, revision: 6 }),
    );
    const client = clientOf([fake.endpoint]);
    expect(await client.putAll({ a: "1", __proto__x: "2" })).to.deep.equal({ revision: 6 });
    expect(await client.deleteRange({ prefix: "a b/" })).to.deep.equal({ deleted: 2, revision: 6 });
    await client.deleteRange({ start: "a", end: Uint8Array.from([255]) });
    expect(await client.compact(4)).to.deep.equal({ compactedRevision: 4 });
    expect(fake.asked.map(({ method, path, body }) => [method, path, Buffer.from(body).toString()])).to.deep.equal([
      ["POST", "/key", '{"a":"1","__proto__x":"2"}'],
      ["DELETE", "/keys?prefix=a%20b%2F", ""],
      ["DELETE", "/keys?start=a&endBase64=%2Fw%3D%3D", ""],
      ["POST", "/compact", '{"revision":4}'],
    ]);
  });

  it("asks exactly one node for its status", async () => {
    const fake = await node((_, response) => {
      response.writeHead(200, { "content-type": "application/json" }).end('{"id":"n1","term":4}');
    });
    const client = clientOf([fake.endpoint]);
    expect(await client.status(client.endpoints[0] ?? new URL("http://x"))).to.deep.equal({ id: "n1", term: 4 });
  });

  it("refuses endpoints and timeouts that cannot be used", () => {
    expect(() => new BalsaClient({ endpoints: [] })).to.throw(RangeError, "at least one");
    expect(() => new BalsaClient({ endpoints: ["https://a"] })).to.throw(RangeError, "not an endpoint");
    expect(() => new BalsaClient({ endpoints: ["a:1"], timeoutMs: 70_000 })).to.throw(RangeError, "timeout");
  });
});
