import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { ask, problemOf } from "./client.ts";
import { FakeNode } from "./fake-node.ts";

describe("http: leases", () => {
  let node: FakeNode;
  const json = async (method: string, path: string, body?: string) => {
    const reply = await ask(node.port, method, path, body === undefined ? {} : { body });
    return JSON.parse(String(reply.body));
  };

  beforeEach(async () => {
    node = await FakeNode.start();
  });

  afterEach(async () => {
    expect(node.view.openMoments).to.equal(0);
    await node.stop();
    expect(node.failures).to.deep.equal([]);
  });

  it("grants, attaches, shows, and ends with all keys in one command", async () => {
    const granted = await ask(node.port, "POST", "/lease", { body: '{"ttl":"30s"}' });
    const { id, ttlMs } = JSON.parse(String(granted.body));
    expect([granted.status, granted.headers.location, ttlMs]).to.deep.equal([201, `/lease/${id}`, 30_000]);
    expect(granted.headers["balsa-revision"]).to.equal("0");
    for (const key of ["b", "a", "%ff"])
      expect((await ask(node.port, "PUT", `/key/${key}?lease=${id}`)).status).to.equal(204);
    const shown = await json("GET", `/lease/${id}`);
    expect(shown).to.deep.include({ id, ttlMs: 30_000, keys: ["a", "b", { keyBase64: "/w==" }] });
    expect(shown.remainingMs).to.be.within(1, 30_000);
    const record = await ask(node.port, "GET", "/key/a", { headers: { accept: "application/json" } });
    expect(JSON.parse(String(record.body)).lease).to.equal(id);
    const ended = await ask(node.port, "DELETE", `/lease/${id}`);
    expect([ended.status, ended.headers["balsa-deleted"]]).to.deep.equal([204, "3"]);
    expect([ended.headers["balsa-revision"], node.view.revision()]).to.deep.equal(["4", 4]);
    expect((await ask(node.port, "GET", "/key/a")).status).to.equal(404);
  });

  it("grants a lease with a put, and names it", async () => {
    const put = await ask(node.port, "PUT", "/key/a?ttl=1h", { body: "1" });
    const id = put.headers["balsa-lease"];
    expect(await json("GET", `/lease/${String(id)}`)).to.deep.include({ id, ttlMs: 3_600_000, keys: ["a"] });
    await ask(node.port, "PUT", "/key/a", { body: "2" });
    expect(problemOf(await ask(node.port, "GET", `/lease/${String(id)}`)).code).to.equal("LEASE_NOT_FOUND");
  });

  it("takes a second and a year", async () => {
    expect((await json("POST", "/lease", '{"ttl":"1000ms"}')).ttlMs).to.equal(1000);
    expect((await json("POST", "/lease", '{"ttl":"365d"}')).ttlMs).to.equal(31_536_000_000);
  });

  it("counts what remains down while nothing is applied, and up again when it is kept alive", async () => {
    const { id } = await json("POST", "/lease", '{"ttl":"2s"}');
    let remaining = 2000;
    while (remaining > 1900) remaining = (await json("GET", `/lease/${id}`)).remainingMs;
    node.view.timeMs += 1500;
    await ask(node.port, "PUT", "/key/a");
    expect((await json("GET", `/lease/${id}`)).remainingMs).to.be.within(0, 500);
    expect(await json("POST", `/lease/${id}/keepalive`)).to.deep.equal({ id, ttlMs: 2000 });
    expect((await json("GET", `/lease/${id}`)).remainingMs).to.be.within(1000, 2000);
  });

  it("keeps many alive at once, and tells each request the fate of its own lease", async () => {
    const ids: string[] = [];
    for (let at = 0; at < 3; at++) ids.push((await json("POST", "/lease", '{"ttl":"30s"}')).id);
    const paths = [...ids, "4711", ...ids].map((id) => `/lease/${id}/keepalive`);
    const replies = await Promise.all(paths.map((path) => ask(node.port, "POST", path, { body: "{}" })));
    expect(replies.map(({ status }) => status)).to.deep.equal([200, 200, 200, 404, 200, 200, 200]);
    expect(replies.slice(4).map(({ body }) => JSON.parse(String(body)).id)).to.deep.equal(ids);
  });

  it("lists all leases in pages, those of a single key among them", async () => {
    expect(await json("GET", "/lease")).to.deep.equal({ leases: [] });
    const granted: string[] = [];
    for (let at = 0; at < 4; at++) granted.push((await json("POST", "/lease", '{"ttl":"30s"}')).id);
    granted.push(String((await ask(node.port, "PUT", "/key/a?ttl=30s")).headers["balsa-lease"]));
    const { leases } = await json("GET", "/lease");
    expect(leases.map((lease: { id: string }) => lease.id)).to.deep.equal(granted);
    expect(leases[4].keys).to.deep.equal(["a"]);
    const first = await json("GET", "/lease?limit=3");
    expect([first.leases.length, first.cursor]).to.deep.equal([3, granted[2]]);
    const rest = await json("GET", `/lease?limit=2&cursor=${first.cursor}`);
    expect([rest.leases.length, rest.cursor]).to.deep.equal([2, undefined]);
    expect((await ask(node.port, "GET", "/lease?level=stale")).status).to.equal(200);
  });

  it("shows a lease with more keys than are read at once", async () => {
    const { id } = await json("POST", "/lease", '{"ttl":"30s"}');
    for (let from = 0; from < 1050; from += 105) {
      const then = Array.from({ length: 105 }, (_, at) => ({ put: { key: `k${from + at}`, value: "", lease: id } }));
      await json("POST", "/txn", JSON.stringify({ then }));
    }
    const { keys } = await json("GET", `/lease/${id}`);
    expect([keys.length, new Set(keys).size]).to.deep.equal([1050, 1050]);
  });

  it("refuses more keys than a lease may hold", async () => {
    node.view.limits = { ...node.view.limits, leaseKeysMax: 1 };
    const { id } = await json("POST", "/lease", '{"ttl":"30s"}');
    expect((await ask(node.port, "PUT", `/key/a?lease=${id}`)).status).to.equal(204);
    const full = problemOf(await ask(node.port, "PUT", `/key/b?lease=${id}`));
    expect(full).to.include({ code: "BAD_REQUEST", outcome: "not-applied" });
    expect(full.detail).to.match(/holds as many keys/);
  });
});
