import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { ask, problemOf } from "./client.ts";
import { FakeNode } from "./fake-node.ts";

describe("http: keys", () => {
  let node: FakeNode;

  beforeEach(async () => {
    node = await FakeNode.start();
  });

  afterEach(async () => {
    await node.stop();
    expect(node.failures).to.deep.equal([]);
  });

  it("puts, gets, heads and deletes", async () => {
    const put = await ask(node.port, "PUT", "/key/a", { body: "hello" });
    expect(put.status).to.equal(204);
    expect(put.headers.etag).to.equal('"1"');
    expect(put.headers["balsa-revision"]).to.equal("1");

    const got = await ask(node.port, "GET", "/key/a");
    expect(got.status).to.equal(200);
    expect(got.body.toString()).to.equal("hello");
    expect(got.headers["content-type"]).to.equal("application/octet-stream");
    expect(got.headers.etag).to.equal('"1"');
    expect(got.headers["balsa-revision"]).to.equal("1");
    expect(got.headers["balsa-age-ms"]).to.equal(undefined);

    const head = await ask(node.port, "HEAD", "/key/a");
    expect(head.status).to.equal(200);
    expect(head.headers["content-length"]).to.equal("5");
    expect(head.body.length).to.equal(0);

    const deleted = await ask(node.port, "DELETE", "/key/a");
    expect(deleted.status).to.equal(204);
    expect(deleted.headers["balsa-deleted"]).to.equal("1");
    expect((await ask(node.port, "DELETE", "/key/a")).headers["balsa-deleted"]).to.equal("0");
    const missing = await ask(node.port, "GET", "/key/a");
    expect(problemOf(missing)).to.include({ code: "KEY_NOT_FOUND", status: 404, outcome: "not-applied" });
    expect(missing.headers["balsa-revision"]).to.equal("2");
  });

  it("keeps any bytes in keys and values, empty values too", async () => {
    const value = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect((await ask(node.port, "PUT", "/key/%00%ff%2F..%2f../x", { body: value })).status).to.equal(204);
    const got = await ask(node.port, "GET", "/key/%00%FF/../../x");
    expect(got.body.equals(value)).to.equal(true);
    expect((await ask(node.port, "PUT", "/key/empty")).status).to.equal(204);
    const empty = await ask(node.port, "GET", "/key/empty");
    expect([empty.status, empty.headers["content-length"]]).to.deep.equal([200, "0"]);
  });

  it("answers values of every byte as they are, small ones and large ones", async () => {
    for (const length of [1, 4096, 4097, 100_000]) {
      const value = Uint8Array.from({ length }, (_, at) => (at * 7) % 256);
      await ask(node.port, "PUT", "/key/sized", { body: value });
      const answer = await ask(node.port, "GET", "/key/sized");
      expect(Uint8Array.from(answer.body)).to.deep.equal(value);
      expect(answer.headers["content-length"]).to.equal(String(length));
    }
  });

  it("takes a key of 4096 bytes, percent-encoded whole, and none longer", async () => {
    expect((await ask(node.port, "PUT", `/key/${"%01".repeat(4096)}`, { body: "v" })).status).to.equal(204);
    const longer = await ask(node.port, "PUT", `/key/${"%01".repeat(4097)}`, { body: "v" });
    expect(problemOf(longer).code).to.equal("BAD_REQUEST");
  });

  it("answers records as JSON, with base64 where bytes are not UTF-8", async () => {
    await ask(node.port, "PUT", "/key/%C3%A9", { body: "ü" });
    await ask(node.port, "PUT", "/key/%ff", { body: Uint8Array.of(0xfe) });
    const headers = { accept: "application/json" };
    const text = await ask(node.port, "GET", "/key/%C3%A9", { headers });
    expect(JSON.parse(text.body.toString())).to.deep.equal({
      key: "é",
      value: "ü",
      createRevision: 1,
      modRevision: 1,
      version: 1,
      lease: null,
    });
    const bytes = JSON.parse((await ask(node.port, "GET", "/key/%ff", { headers })).body.toString());
    expect(bytes).to.include({ keyBase64: "/w==", valueBase64: "/g==" });
  });

  it("puts several keys in one command", async () => {
    const put = await ask(node.port, "POST", "/key", { body: '{"k1":"v1","k2":"v2"}' });
    expect([put.status, JSON.parse(put.body.toString())]).to.deep.equal([200, { revision: 1 }]);
    expect((await ask(node.port, "GET", "/key/k2")).headers.etag).to.equal('"1"');
  });

  it("obeys If-Match and If-None-Match, and shows the present ETag when they fail", async () => {
    const absent = { "if-none-match": "*" };
    expect((await ask(node.port, "PUT", "/key/a", { headers: absent, body: "1" })).status).to.equal(204);
    const again = await ask(node.port, "PUT", "/key/a", { headers: absent, body: "2" });
    expect(problemOf(again)).to.include({ code: "PRECONDITION_FAILED", status: 412, outcome: "not-applied" });
    expect(again.headers.etag).to.equal('"1"');
    expect((await ask(node.port, "PUT", "/key/a", { headers: { "if-match": '"1"' }, body: "3" })).status).to.equal(204);
    expect((await ask(node.port, "DELETE", "/key/a", { headers: { "if-match": '"1"' } })).status).to.equal(412);
    expect((await ask(node.port, "PUT", "/key/b", { headers: { "if-match": "*" } })).headers.etag).to.equal(undefined);
    expect((await ask(node.port, "DELETE", "/key/a", { headers: { "if-match": '"2"' } })).status).to.equal(204);
  });

  it("answers 304 when the client has the record already", async () => {
    await ask(node.port, "PUT", "/key/a", { body: "1" });
    for (const etag of ['"1"', 'W/"1"', '"7", "1"', "*"]) {
      const reply = await ask(node.port, "GET", "/key/a", { headers: { "if-none-match": etag } });
      expect([etag, reply.status, reply.headers.etag]).to.deep.equal([etag, 304, '"1"']);
    }
    expect((await ask(node.port, "GET", "/key/a", { headers: { "if-none-match": '"2"' } })).status).to.equal(200);
    expect((await ask(node.port, "GET", "/key/a", { headers: { "if-none-match": "1" } })).status).to.equal(400);
  });

  it("sends the client to the leader when it asks for that", async () => {
    node.leaderId = "n2";
    node.tellLeadership();
    const put = await ask(node.port, "PUT", "/key/a%20b?redirect", { body: "1" });
    expect(put.status).to.equal(307);
    expect(put.headers.location).to.equal("http://127.0.0.1:8092/key/a%20b?redirect");
    const carried = await ask(node.port, "PUT", "/key/a", { body: "1" });
    expect(carried.status).to.equal(204);
  });

  it("answers stale reads alone, says their age, and refuses what is too old", async () => {
    await ask(node.port, "PUT", "/key/a", { body: "1" });
    node.asked.length = 0;
    const unheard = await ask(node.port, "GET", "/key/a?level=stale");
    expect([unheard.status, unheard.headers["balsa-age-ms"]]).to.deep.equal([200, undefined]);
    expect(problemOf(await ask(node.port, "GET", "/key/a?level=stale&max-age=1m")).code).to.equal("TOO_STALE");

    node.hearLeader(3000);
    const heard = await ask(node.port, "GET", "/key/a?level=stale&max-age=1m");
    expect(heard.status).to.equal(200);
    expect(Number(heard.headers["balsa-age-ms"])).to.be.within(3000, 8000);
    expect(problemOf(await ask(node.port, "GET", "/key/a?level=stale&max-age=2s")).code).to.equal("TOO_STALE");
    expect(node.asked).to.deep.equal([]);
  });

  it("names every level as the interface does", async () => {
    await ask(node.port, "PUT", "/key/a", { body: "1" });
    for (const level of ["linearizable", "consistent", "lease", "default"]) {
      node.asked.length = 0;
      expect((await ask(node.port, "GET", `/key/a?level=${level}`)).status).to.equal(200);
      expect(node.asked.map((message) => message.kind)).to.deep.equal(["readIndex"]);
    }
  });

  it("asks for a lease read as such where there are leases, also when it waits for a revision", async () => {
    const leased = await FakeNode.start({ leaseReads: true });
    try {
      for (const headers of [{}, { "balsa-min-revision": "0" }]) {
        leased.asked.length = 0;
        expect((await ask(leased.port, "GET", "/key/none?level=lease", { headers })).status).to.equal(404);
        expect(leased.asked.map((message) => message.kind)).to.deep.equal(["leaseRead"]);
      }
    } finally {
      await leased.stop();
    }
  });

  it("waits for Balsa-Min-Revision, at every level", async () => {
    await ask(node.port, "PUT", "/key/a", { body: "1" });
    const waiting = ["/key/a", "/key/a?level=stale"].map((path) =>
      ask(node.port, "GET", path, { headers: { "balsa-min-revision": "2" } }),
    );
    const late = await ask(node.port, "GET", "/key/a?level=stale", {
      headers: { "balsa-min-revision": "9", "balsa-timeout": "60ms" },
    });
    expect(problemOf(late)).to.include({ code: "TOO_STALE", status: 503 });
    await ask(node.port, "PUT", "/key/a", { body: "2" });
    for (const reply of await Promise.all(waiting)) expect(reply.body.toString()).to.equal("2");
  });
});
