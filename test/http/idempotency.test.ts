import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import type { Propose } from "../../src/actors/protocol/ingress-raft.ts";
import { machineLimits } from "../../src/kv/limits.ts";
import { type Ask, ask, problemOf, type Reply } from "./client.ts";
import { FakeNode } from "./fake-node.ts";

const headers = { "idempotency-key": "k-1" };

function shown({ status, headers: fields, body }: Reply): unknown {
  return [status, fields.etag, fields["balsa-revision"], fields["balsa-deleted"], fields["balsa-lease"], String(body)];
}

describe("http: idempotency keys", () => {
  let node: FakeNode;

  beforeEach(async () => {
    node = await FakeNode.start();
    await ask(node.port, "PUT", "/key/there", { body: "1" });
  });

  afterEach(async () => {
    await node.stop();
    expect(node.failures).to.deep.equal([]);
  });

  const writes: readonly (readonly [method: string, target: string, ask?: Ask])[] = [
    ["PUT", "/key/a", { body: "1" }],
    ["PUT", "/key/a?ttl=30s", { body: "1" }],
    ["DELETE", "/key/there"],
    ["POST", "/key", { body: '{"a":"1"}' }],
    ["DELETE", "/keys?prefix=the"],
    ["POST", "/txn", { body: '{"then":[{"put":{"key":"a","value":"1"}},{"get":{"key":"there"}}]}' }],
    ["POST", "/compact", { body: '{"revision":1}' }],
    ["POST", "/lease", { body: '{"ttl":"30s"}' }],
  ];
  for (const [method, target, extra = {}] of writes) {
    it(`executes ${method} ${target} once, and answers it the same again after other writes`, async () => {
      const first = await ask(node.port, method, target, { ...extra, headers });
      expect(first.status).to.be.within(200, 204);
      const revision = node.view.revision();
      await ask(node.port, "PUT", "/key/between", { body: "x" });
      const again = await ask(node.port, method, target, { ...extra, headers });
      expect(shown(again)).to.deep.equal(shown(first));
      expect(node.view.revision()).to.equal(revision + 1);
    });
  }

  it("keeps a lease alive once, and ends it once", async () => {
    const granted = await ask(node.port, "POST", "/lease", { body: '{"ttl":"30s"}' });
    const lease = granted.headers.location ?? "";
    for (const [method, path, status] of [
      ["POST", `${lease}/keepalive`, 200],
      ["DELETE", lease, 204],
    ] as const) {
      const keyed = { headers: { "idempotency-key": path } };
      expect((await ask(node.port, method, path, keyed)).status).to.equal(status);
      expect((await ask(node.port, method, path, keyed)).status).to.equal(status);
    }
    expect(problemOf(await ask(node.port, "DELETE", lease)).code).to.equal("LEASE_NOT_FOUND");
  });

  it("remembers refusals, too: a condition that failed then fails now", async () => {
    const conditional = { headers: { ...headers, "if-none-match": "*" }, body: "2" };
    expect((await ask(node.port, "PUT", "/key/there", conditional)).status).to.equal(412);
    await ask(node.port, "DELETE", "/key/there");
    expect((await ask(node.port, "PUT", "/key/there", conditional)).status).to.equal(412);
  });

  it("refuses the key with another request, and changes nothing", async () => {
    const put = { headers, body: "1" };
    await ask(node.port, "PUT", "/key/a", put);
    const revision = node.view.revision();
    const others: readonly (readonly [method: string, target: string, ask?: Ask])[] = [
      ["PUT", "/key/a", { headers, body: "2" }],
      ["PUT", "/key/b", put],
      ["PUT", "/key/a?ttl=30s", put],
      ["PUT", "/key/a", { headers: { ...headers, "if-match": "*" }, body: "1" }],
      ["DELETE", "/key/a", { headers }],
      ["POST", "/key", { headers, body: '{"a":"1"}' }],
    ];
    for (const [method, target, extra] of others) {
      const reply = await ask(node.port, method, target, extra);
      expect(problemOf(reply)).to.include({ code: "IDEMPOTENCY_MISMATCH", status: 422, outcome: "not-applied" });
    }
    expect(node.view.revision()).to.equal(revision);
    const sameElsewhere = { headers: { ...headers, "balsa-timeout": "9s" }, body: "1" };
    expect((await ask(node.port, "PUT", "/key/a?redirect=false", sameElsewhere)).status).to.equal(204);
  });

  it("takes every visible character, 128 of them, and tells keys apart that differ in the last", async () => {
    const visible = Array.from({ length: 94 }, (_, at) => String.fromCharCode(0x21 + at)).join("");
    const long = "k".repeat(127);
    const statuses: number[] = [];
    for (const key of [visible, `${long}1`, `${long}2`]) {
      const put = { headers: { "idempotency-key": key }, body: "1" };
      for (const target of ["/key/a", "/key/a", "/key/b"])
        statuses.push((await ask(node.port, "PUT", target, put)).status);
    }
    expect(statuses).to.deep.equal([204, 204, 422, 204, 204, 422, 204, 204, 422]);
    expect(node.view.revision()).to.equal(4);
  });

  it("refuses new keys with 503 and Retry-After while no more can be remembered", async () => {
    node.view.limits = { ...machineLimits, sessionBytesMax: 1 };
    expect((await ask(node.port, "PUT", "/key/a", { headers, body: "1" })).status).to.equal(204);
    const reply = await ask(node.port, "PUT", "/key/b", { headers: { "idempotency-key": "k-2" }, body: "1" });
    expect(problemOf(reply)).to.include({ code: "OVERLOADED", status: 503, outcome: "not-applied" });
    expect(reply.headers["retry-after"]).to.equal("1");
    expect((await ask(node.port, "PUT", "/key/a", { headers, body: "1" })).status).to.equal(204);
    expect((await ask(node.port, "PUT", "/key/b", { body: "1" })).status).to.equal(204);
  });

  it("says so when the results of a transaction were too large to be kept", async () => {
    await ask(node.port, "PUT", "/key/large", { body: "x".repeat(5000) });
    const txn = { headers, body: '{"then":[{"put":{"key":"a","value":""}},{"get":{"key":"large"}}]}' };
    const first = JSON.parse((await ask(node.port, "POST", "/txn", txn)).body.toString());
    const again = JSON.parse((await ask(node.port, "POST", "/txn", txn)).body.toString());
    expect(first.results).to.have.length(2);
    expect(again).to.include({ succeeded: true, revision: first.revision, results: null });
    expect(again.detail).to.match(/too large to be kept/);
  });

  it("answers a write whose outcome was unknown with its first outcome when it is sent again", async () => {
    const held: Propose[] = [];
    node.onMessage = (message) => {
      if (message.kind !== "propose") return false;
      held.push(message);
      node.toIngress({ kind: "proposalAccepted", proposalId: message.proposalId, term: 1 });
      return true;
    };
    const put = { headers: { ...headers, "balsa-timeout": "60ms" }, body: "1" };
    const lost = problemOf(await ask(node.port, "PUT", "/key/a", put));
    expect(lost).to.include({ code: "TIMEOUT", outcome: "unknown" });
    for (const message of held) node.applyNow(message);
    await ask(node.port, "GET", "/livez");
    node.onMessage = () => false;
    const again = await ask(node.port, "PUT", "/key/a", put);
    expect([again.status, again.headers.etag, node.view.revision()]).to.deep.equal([204, '"2"', 2]);
  });

  it("proposes a keyed write again when a snapshot overtook it, and an unkeyed one never", async () => {
    const held: Propose[] = [];
    node.onMessage = (message) => {
      if (message.kind !== "propose") return false;
      held.push(message);
      node.toIngress({ kind: "proposalAccepted", proposalId: message.proposalId, term: 1 });
      if (held.length === 2) {
        // The snapshot holds what the first of the two did.
        node.onMessage = () => false;
        const [first] = held;
        if (first !== undefined) node.applySilently(first);
        node.toIngressFromStore({ kind: "generationReady", generation: 2, path: "/memory", overtakenTerm: 1 });
      }
      return true;
    };
    const keyed = ask(node.port, "PUT", "/key/a", { headers, body: "1" });
    while (held.length === 0) await ask(node.port, "GET", "/livez");
    const plain = ask(node.port, "PUT", "/key/b", { body: "1" });
    expect(problemOf(await plain)).to.include({ code: "LEADERSHIP_LOST", outcome: "unknown" });
    const answer = await keyed;
    expect([answer.status, answer.headers.etag, node.view.revision()]).to.deep.equal([204, '"2"', 2]);
  });
});
