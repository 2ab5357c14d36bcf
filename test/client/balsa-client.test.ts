/**
 * @module
 * The client against nodes that answer, refuse, break off and keep silent.
 */

import { expect } from "chai";
import { afterEach, describe, it } from "mocha";
import { BalsaClient, keyPath } from "../../src/client/balsa-client.ts";
import { BalsaError } from "../../src/errors/balsa-error.ts";
import { type FakeNode, problem, type Respond, startFakeNode, unusedEndpoint } from "./fake-node.ts";

const open: { close(): unknown }[] = [];

async function node(respond: Respond): Promise<FakeNode> {
  const fake = await startFakeNode(respond);
  open.push(fake);
  return fake;
}

function clientOf(endpoints: readonly string[], timeoutMs = 2_000): BalsaClient {
  const client = new BalsaClient({ endpoints, timeoutMs });
  open.push(client);
  return client;
}

async function errorFrom(call: Promise<unknown>): Promise<BalsaError> {
  const caught = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (caught instanceof BalsaError) return caught;
  throw new Error("the call did not throw a BalsaError", { cause: caught });
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

  it("takes the next endpoint for a write when the connection is refused, and stays there", async () => {
    const fake = await node(acceptPut);
    const client = clientOf([await unusedEndpoint(), fake.endpoint]);
    await client.put("a", "1");
    await client.put("b", "2");
    expect(fake.asked).to.have.length(2);
  });

  it("takes the next endpoint for a write that a node certainly did not apply for want of a leader", async () => {
    const refusing = await node((_, response) => problem(response, 503, "NO_LEADER", "not-applied"));
    const fake = await node(acceptPut);
    expect((await clientOf([refusing.endpoint, fake.endpoint]).put("a", "1")).revision).to.equal(9);
  });

  it("never repeats a write whose outcome is unknown", async () => {
    const uncertain = await node((_, response) => problem(response, 503, "LEADERSHIP_LOST", "unknown"));
    const fake = await node(acceptPut);
    const error = await errorFrom(clientOf([uncertain.endpoint, fake.endpoint]).put("a", "1"));
    expect(error).to.include({ code: "LEADERSHIP_LOST", outcome: "unknown", message: "it was LEADERSHIP_LOST" });
    expect(fake.asked).to.have.length(0);
  });

  it("believes a node that calls an outcome unknown against the registry", async () => {
    const uncertain = await node((_, response) => problem(response, 503, "NO_LEADER", "unknown"));
    const fake = await node(acceptPut);
    const error = await errorFrom(clientOf([uncertain.endpoint, fake.endpoint]).put("a", "1"));
    expect(error).to.include({ code: "NO_LEADER", outcome: "unknown" });
    expect(fake.asked).to.have.length(0);
  });

  it("calls a write unknown when its connection breaks after it was sent", async () => {
    const breaking = await node((_, response) => response.destroy());
    const fake = await node(acceptPut);
    const error = await errorFrom(clientOf([breaking.endpoint, fake.endpoint]).put("a", "1"));
    expect(error).to.include({ code: "CONNECTION_LOST", outcome: "unknown" });
    expect(fake.asked).to.have.length(0);
  });

  it("repeats a read elsewhere when its connection breaks", async () => {
    const breaking = await node((_, response) => response.destroy());
    const fake = await node((_, response) => {
      response.writeHead(200, { etag: '"3"', "balsa-revision": "5" }).end("x");
    });
    expect((await clientOf([breaking.endpoint, fake.endpoint]).get("a"))?.revision).to.equal(5);
  });

  it("gives up a silent node in time, with an unknown outcome for a write", async () => {
    const silent = await node(() => undefined);
    const error = await errorFrom(clientOf([silent.endpoint], 50).put("a", "1"));
    expect(error).to.include({ code: "TIMEOUT", outcome: "unknown" });
  });

  it("says that nobody can be reached, and that nothing was applied", async () => {
    const error = await errorFrom(clientOf([await unusedEndpoint(), await unusedEndpoint()]).put("a", "1"));
    expect(error).to.include({ code: "UNREACHABLE", outcome: "not-applied" });
    expect(error.message).to.match(/ECONNREFUSED.*; .*ECONNREFUSED/);
  });

  it("calls an answer that it does not understand INTERNAL, outcome unknown", async () => {
    const fake = await node((_, response) => {
      response.writeHead(418).end("<html>");
    });
    const error = await errorFrom(clientOf([fake.endpoint]).put("a", "1"));
    expect(error).to.include({ code: "INTERNAL", outcome: "unknown" });
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
