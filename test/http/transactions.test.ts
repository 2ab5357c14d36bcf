import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { ask, problemOf } from "./client.ts";
import { FakeNode } from "./fake-node.ts";

describe("http: transactions", () => {
  let node: FakeNode;

  async function txn(body: object, query = ""): Promise<Record<string, unknown>> {
    const reply = await ask(node.port, "POST", `/txn${query}`, { body: JSON.stringify(body) });
    expect([reply.status, String(reply.body)]).to.include(200);
    const answer: Record<string, unknown> = JSON.parse(reply.body.toString());
    expect(reply.headers["balsa-revision"]).to.equal(String(answer["revision"]));
    return answer;
  }

  const proposals = (): number => node.asked.filter(({ kind }) => kind === "propose").length;

  beforeEach(async () => {
    node = await FakeNode.start();
    await ask(node.port, "PUT", "/key/a", { body: "1" });
    await ask(node.port, "PUT", "/key/b", { body: "2" });
    node.asked.length = 0;
  });

  afterEach(async () => {
    expect(node.view.openMoments).to.equal(0);
    await node.stop();
    expect(node.failures).to.deep.equal([]);
  });

  it("does one branch or the other, all in one revision, each operation after the others", async () => {
    const body = {
      if: [
        { key: "a", target: "value", op: "=", operand: "1" },
        { key: "b", target: "version", op: "<", operand: 2 },
        { key: "c", target: "createRevision", op: "=", operand: 0 },
        { key: "a", target: "modRevision", op: "!=", operand: 9 },
        { keyBase64: "Yg==", target: "value", op: ">", operandBase64: "MQ==" },
      ],
      then: [
        { put: { key: "c", valueBase64: "/w==" } },
        { get: { key: "c" } },
        { delete: { key: "a" } },
        { range: { prefix: "", values: false, order: "desc", limit: 1 } },
        { get: { key: "a" } },
        { delete: { prefix: "b" } },
        { txn: { if: [{ key: "b", target: "version", op: "=", operand: 0 }], then: [{ get: { key: "b" } }] } },
      ],
      else: [{ get: { key: "a" } }],
    };
    const c = { key: "c", createRevision: 3, modRevision: 3, version: 1, lease: null };
    expect(await txn(body)).to.deep.equal({
      succeeded: true,
      revision: 3,
      results: [
        { put: { modRevision: 3 } },
        { get: { ...c, valueBase64: "/w==" } },
        { delete: { deleted: 1 } },
        { range: { items: [c] } },
        { get: null },
        { delete: { deleted: 1 } },
        { txn: { succeeded: true, results: [{ get: null }] } },
      ],
    });
    expect(await txn(body)).to.deep.equal({ succeeded: false, revision: 3, results: [{ get: null }] });
    expect(proposals()).to.equal(2);
  });

  it("takes bytes that are not UTF-8 wherever it takes a key, a value or a bound, and answers them so", async () => {
    // ff 00, ff and fe.
    const [key, prefix, value] = ["/wA=", "/w==", "/g=="];
    const item = { keyBase64: key, valueBase64: value, createRevision: 3, modRevision: 3, version: 1, lease: null };
    const put = { put: { keyBase64: key, valueBase64: value } };
    const ranges = [{ prefixBase64: prefix }, { startBase64: prefix }, { startBase64: prefix, endBase64: "/wE=" }];
    const then = [put, { get: { keyBase64: key } }, ...ranges.map((range) => ({ range }))];
    const found = { range: { items: [item] } };
    const written = await txn({ if: [{ keyBase64: key, target: "version", op: "=", operand: 0 }], then });
    expect(written["results"]).to.deep.equal([{ put: { modRevision: 3 } }, { get: item }, found, found, found]);
    const holds = { if: [{ keyBase64: key, target: "value", op: "=", operandBase64: value }] };
    const deleted = { succeeded: true, revision: 4, results: [{ delete: { deleted: 1 } }] };
    expect(await txn({ ...holds, then: [{ delete: { prefixBase64: prefix } }] })).to.deep.equal(deleted);
    await txn({ then: [put] });
    expect(await txn({ ...holds, then: [{ delete: { keyBase64: key } }] })).to.deep.equal({ ...deleted, revision: 6 });
  });

  it("deletes a range that start and end name, and shows the rest of it to what follows", async () => {
    const then = [{ delete: { start: "a", end: "b" } }, { range: { start: "a", end: "c", values: false } }];
    const b = { key: "b", createRevision: 2, modRevision: 2, version: 1, lease: null };
    const results = [{ delete: { deleted: 1 } }, { range: { items: [b] } }];
    expect(await txn({ then })).to.deep.equal({ succeeded: true, revision: 3, results });
  });

  it("finds no value of a key that is not there, whatever it is compared with", async () => {
    for (const op of ["=", "!=", "<", ">"]) {
      const compare = { key: "none", target: "value", op, operand: "" };
      expect((await txn({ if: [compare], then: [] }))["succeeded"]).to.equal(false);
    }
    for (const target of ["version", "createRevision", "modRevision"])
      expect((await txn({ if: [{ key: "none", target, op: "=", operand: 0 }], then: [] }))["succeeded"]).to.equal(true);
    expect(proposals()).to.equal(0);
  });

  it("attaches what it puts to leases, new ones and known ones", async () => {
    const lease = JSON.parse(String((await ask(node.port, "POST", "/lease", { body: '{"ttl":"30s"}' })).body)).id;
    const then = [{ put: { key: "x", value: "", lease } }, { put: { key: "y", value: "", ttl: "1m" } }];
    const { results } = await txn({ then });
    expect(results).to.have.length(2);
    const { keys } = JSON.parse(String((await ask(node.port, "GET", `/lease/${lease}`)).body));
    expect(keys).to.deep.equal(["x"]);
    const [, second] = results as { put: { modRevision: number; lease: string } }[];
    const shown = JSON.parse(String((await ask(node.port, "GET", `/lease/${second?.put.lease}`)).body));
    expect(shown).to.deep.include({ ttlMs: 60_000, keys: ["y"] });
  });

  it("writes no log entry for what only reads, at every level", async () => {
    const body = {
      if: [{ key: "a", target: "value", op: "=", operand: "1" }],
      then: [{ get: { key: "b" } }, { txn: { then: [{ range: { start: "a", end: "c", limit: 1 } }] } }],
      else: [],
    };
    for (const query of ["", "?level=lease", "?level=stale"]) {
      const answer = await txn(body, query);
      expect(answer).to.include({ succeeded: true, revision: 2 });
    }
    expect(proposals()).to.equal(0);
    const headers = { "idempotency-key": "k", "balsa-min-revision": "2" };
    const keyed = await ask(node.port, "POST", "/txn", { headers, body: JSON.stringify(body) });
    expect([keyed.status, proposals()]).to.deep.equal([200, 0]);
    const stale = { headers: { "balsa-min-revision": "3", "balsa-timeout": "60ms" }, body: JSON.stringify(body) };
    expect(problemOf(await ask(node.port, "POST", "/txn", stale)).code).to.equal("TOO_STALE");
  });

  it("changes nothing when the answer would be too large, or one branch is refused", async () => {
    const value = "v".repeat(1024 * 1024);
    for (let at = 0; at < 17; at++) await ask(node.port, "PUT", `/key/large${at}`, { body: value });
    const range = { range: { prefix: "large" } };
    for (const then of [[range], [{ put: { key: "c", value: "" } }, range]]) {
      const reply = await ask(node.port, "POST", "/txn", { body: JSON.stringify({ then }) });
      expect(problemOf(reply)).to.include({ code: "BAD_REQUEST", outcome: "not-applied" });
      expect(problemOf(reply).detail).to.match(/answer would be larger than/);
    }
    expect(node.view.revision()).to.equal(19);
  });
});
