/**
 * @module
 * Transactions over the wire: what goes out, what comes back, and which of them only read.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import { BalsaClient } from "../../src/client/balsa-client.ts";
import { isReadOnly, type Transaction } from "../../src/client/transaction.ts";
import { answerJson, startFakeNode } from "./fake-node.ts";

const bytes = Uint8Array.from([255]);

const writing: Transaction = {
  if: [
    { key: "a", target: "value", op: "=", operand: bytes },
    { key: bytes, target: "createRevision", op: "<", operand: 7 },
  ],
  then: [
    { put: { key: "a", value: "1", ttlMs: 1000 } },
    { put: { key: "b", value: bytes, lease: "3" } },
    { get: { key: bytes } },
    { range: { prefix: "p/", order: "desc", limit: 2, values: false } },
    { delete: { prefix: "q/" } },
    { txn: { then: [{ delete: { key: "c" } }] } },
  ],
  else: [{ get: { key: "a" } }],
};

const wire = {
  if: [
    { key: "a", target: "value", op: "=", operandBase64: "/w==" },
    { keyBase64: "/w==", target: "createRevision", op: "<", operand: 7 },
  ],
  then: [
    { put: { key: "a", value: "1", ttl: "1000ms" } },
    { put: { key: "b", valueBase64: "/w==", lease: "3" } },
    { get: { keyBase64: "/w==" } },
    { range: { prefix: "p/", order: "desc", limit: 2, values: false } },
    { delete: { prefix: "q/" } },
    { txn: { then: [{ delete: { key: "c" } }] } },
  ],
  else: [{ get: { key: "a" } }],
};

const record = { createRevision: 1, modRevision: 2, version: 2, lease: null };

describe("a transaction of the client", () => {
  it("goes out as the interface has it, and its results come back under the same names", async () => {
    await using node = disposable(
      await startFakeNode((_, response) =>
        answerJson(response, 200, {
          succeeded: true,
          revision: 8,
          results: [
            { put: { modRevision: 8, lease: "5" } },
            { get: null },
            { get: { key: "a", value: "1", ...record } },
            { range: { items: [{ key: "p/1", ...record }] } },
            { delete: { deleted: 3 } },
            { txn: { succeeded: false, results: [{ delete: { deleted: 0 } }] } },
          ],
        }),
      ),
    );
    await using client = new BalsaClient({ endpoints: [node.endpoint] });
    const { succeeded, revision, results } = await client.txn(writing);
    expect(JSON.parse(Buffer.from(node.asked[0]?.body ?? "").toString())).to.deep.equal(wire);
    expect(node.asked[0]?.headers["idempotency-key"]).to.be.a("string");
    expect({ succeeded, revision }).to.deep.equal({ succeeded: true, revision: 8 });
    const [put, missing, got, range, deleted, nested] = results ?? [];
    expect(put).to.deep.equal({ put: { modRevision: 8, lease: "5" } });
    expect(missing).to.deep.equal({ get: null });
    expect(got).to.have.nested.property("get.version", 2);
    expect(range).to.have.nested.property("range.items").that.has.length(1);
    expect(range).not.to.have.nested.property("range.items[0].value");
    expect(deleted).to.deep.equal({ delete: { deleted: 3 } });
    expect(nested).to.deep.equal({ txn: { succeeded: false, results: [{ delete: { deleted: 0 } }] } });
  });

  it("that only reads takes a level and no key", async () => {
    await using node = disposable(
      await startFakeNode((_, response) => answerJson(response, 200, { succeeded: true, revision: 8, results: [] })),
    );
    await using client = new BalsaClient({ endpoints: [node.endpoint] });
    await client.txn({ then: [{ get: { key: "a" } }] }, { level: "stale", maxAgeMs: 100, minRevision: 4 });
    expect(node.asked[0]?.path).to.equal("/txn?level=stale&max-age=100ms");
    expect(node.asked[0]?.headers).to.include({ "balsa-min-revision": "4" }).and.not.have.property("idempotency-key");
  });

  it("whose results were too large to be remembered says so", async () => {
    await using node = disposable(
      await startFakeNode((_, response) => answerJson(response, 200, { succeeded: true, revision: 8, results: null })),
    );
    await using client = new BalsaClient({ endpoints: [node.endpoint] });
    expect(await client.txn(writing)).to.deep.equal({ succeeded: true, revision: 8, results: null });
  });

  it("is known to only read by all its branches", () => {
    expect(isReadOnly({ else: [{ txn: { then: [{ range: { prefix: "" } }] } }] })).to.equal(true);
    expect(isReadOnly({ else: [{ txn: { else: [{ delete: { prefix: "" } }] } }] })).to.equal(false);
  });
});

function disposable<T extends { close(): Promise<void> }>(closing: T): T & AsyncDisposable {
  return Object.assign(closing, { [Symbol.asyncDispose]: () => closing.close() });
}
