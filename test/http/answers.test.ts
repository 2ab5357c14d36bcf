import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { type Ask, ask, problemOf, type Reply } from "./client.ts";
import { FakeNode } from "./fake-node.ts";

describe("http: what every answer about data says", () => {
  let node: FakeNode;

  beforeEach(async () => {
    node = await FakeNode.start();
  });

  afterEach(async () => {
    await node.stop();
    expect(node.failures).to.deep.equal([]);
  });

  const to = (method: string, target: string, extra?: Ask): Promise<Reply> => ask(node.port, method, target, extra);
  const put = (key: string, body = "v"): Promise<Reply> => to("PUT", `/key/${key}`, { body });
  const revisionOf = ({ headers }: Reply): number => Number(headers["balsa-revision"] ?? Number.NaN);

  it("is its revision, also when it refuses because of what the state is", async () => {
    for (const key of ["a", "b", "c", "d"]) await put(key);
    await to("POST", "/compact", { body: '{"revision":3}' });
    const stale = { "balsa-timeout": "30ms", "balsa-min-revision": "9" };
    const refusals: readonly (readonly [code: string, method: string, target: string, extra?: Ask])[] = [
      ["KEY_NOT_FOUND", "GET", "/key/none"],
      ["PRECONDITION_FAILED", "PUT", "/key/a", { headers: { "if-none-match": "*" } }],
      ["PRECONDITION_FAILED", "DELETE", "/key/none", { headers: { "if-match": '"1"' } }],
      ["LEASE_NOT_FOUND", "PUT", "/key/a?lease=999"],
      ["LEASE_NOT_FOUND", "GET", "/lease/999"],
      ["LEASE_NOT_FOUND", "POST", "/lease/999/keepalive"],
      ["LEASE_NOT_FOUND", "DELETE", "/lease/999"],
      ["COMPACTED", "GET", "/key/a?revision=2"],
      ["COMPACTED", "GET", "/keys?revision=2"],
      ["COMPACTED", "GET", "/keys?revision=2", { headers: { accept: "application/x-ndjson" } }],
      ["COMPACTED", "GET", "/watch?prefix=&since=2"],
      ["COMPACTED", "POST", "/compact", { body: '{"revision":3}' }],
      ["BAD_REQUEST", "GET", "/key/a?revision=5"],
      ["BAD_REQUEST", "GET", "/keys?revision=5"],
      ["BAD_REQUEST", "POST", "/compact", { body: '{"revision":5}' }],
      ["TOO_STALE", "GET", "/key/a?level=stale&max-age=1s"],
      ["TOO_STALE", "GET", "/keys?level=stale&max-age=1s"],
      ["TOO_STALE", "GET", "/key/a", { headers: stale }],
      ["TOO_STALE", "GET", "/keys?level=stale", { headers: stale }],
    ];
    for (const [code, method, target, extra] of refusals) {
      const reply = await to(method, target, extra);
      expect([method, target, problemOf(reply).code, revisionOf(reply)]).to.deep.equal([method, target, code, 4]);
    }
  });

  it("is its revision, whatever was asked", async () => {
    await put("a");
    const bodies = {
      pairs: { body: '{"b":"1"}' },
      txn: { body: '{"then":[{"put":{"key":"c","value":"1"}}]}' },
      reads: { body: '{"then":[{"get":{"key":"c"}}]}' },
    };
    expect(revisionOf(await to("POST", "/key", bodies.pairs))).to.equal(2);
    expect(revisionOf(await to("POST", "/txn", bodies.txn))).to.equal(3);
    expect(revisionOf(await to("POST", "/txn", bodies.reads))).to.equal(3);
    expect(revisionOf(await to("GET", "/keys"))).to.equal(3);
    expect(revisionOf(await to("GET", "/keys", { headers: { accept: "application/x-ndjson" } }))).to.equal(3);
    expect(revisionOf(await to("HEAD", "/key/a"))).to.equal(3);
    expect(revisionOf(await to("GET", "/key/a", { headers: { "if-none-match": '"1"' } }))).to.equal(3);
    expect(revisionOf(await to("DELETE", "/keys?prefix=b"))).to.equal(4);
    expect(revisionOf(await to("DELETE", "/key/c"))).to.equal(5);
  });

  it("does not count what changes no key", async () => {
    await put("a");
    await put("a");
    const granted = await to("POST", "/lease", { body: '{"ttl":"30s"}' });
    const { id } = JSON.parse(granted.body.toString()) as { id: string };
    const quiet = [
      granted,
      await to("POST", `/lease/${id}/keepalive`),
      await to("GET", `/lease/${id}`),
      await to("DELETE", `/lease/${id}`),
      await to("POST", "/compact", { body: '{"revision":2}' }),
      await to("DELETE", "/key/none"),
      await to("DELETE", "/keys?prefix=none"),
      await to("PUT", "/key/a", { headers: { "if-match": '"1"' } }),
    ];
    expect(quiet.map(revisionOf)).to.deep.equal(quiet.map(() => 2));
    expect(revisionOf(await put("a"))).to.equal(3);
  });

  it("counts the versions of a key from 1, anew after it was deleted", async () => {
    const json = { headers: { accept: "application/json" } };
    const counted = async (): Promise<unknown> => {
      const { createRevision, modRevision, version } = JSON.parse((await to("GET", "/key/a", json)).body.toString());
      return { createRevision, modRevision, version };
    };
    await put("a");
    await put("a");
    expect(await counted()).to.deep.equal({ createRevision: 1, modRevision: 2, version: 2 });
    await to("DELETE", "/key/a");
    await put("a");
    expect(await counted()).to.deep.equal({ createRevision: 4, modRevision: 4, version: 1 });
  });

  it("lists a thousand items when it is not told how many", async () => {
    const keys = Array.from({ length: 1001 }, (_, at) => [`k${String(at).padStart(4, "0")}`, ""]);
    await to("POST", "/key", { body: JSON.stringify(Object.fromEntries(keys)) });
    const first = JSON.parse((await to("GET", "/keys")).body.toString());
    expect(first.items).to.have.length(1000);
    const rest = JSON.parse((await to("GET", `/keys?cursor=${first.cursor}`)).body.toString());
    expect(rest.items.map(({ key }: { key: string }) => key)).to.deep.equal(["k1000"]);
    expect(rest).to.not.have.property("cursor");
    expect(JSON.parse((await to("GET", "/keys?limit=10000")).body.toString()).items).to.have.length(1001);
  });

  it("is a problem with all its members when it refuses, and without a body for HEAD", async () => {
    const reply = await to("GET", "/key/none");
    expect(reply.headers["content-type"]).to.equal("application/problem+json");
    expect(JSON.parse(reply.body.toString())).to.deep.equal({
      type: "urn:balsa:error:KEY_NOT_FOUND",
      title: "The key does not exist",
      status: 404,
      code: "KEY_NOT_FOUND",
      detail: JSON.parse(reply.body.toString()).detail,
      outcome: "not-applied",
    });
    const head = await to("HEAD", "/key/none");
    expect([head.status, head.body.length]).to.deep.equal([404, 0]);
  });

  it("is 200 at /livez while the process works, also without a leader", async () => {
    node.leaderId = null;
    node.tellLeadership();
    expect((await to("GET", "/livez")).status).to.equal(200);
    expect((await to("GET", "/readyz")).status).to.equal(503);
    expect((await to("HEAD", "/livez")).status).to.equal(200);
  });
});
