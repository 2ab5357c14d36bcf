/**
 * @module
 * The client against three nodes in this process: every operation, and what becomes of calls when nodes go.
 */

import { expect } from "chai";
import { after, before, describe, it } from "mocha";
import { BalsaClient } from "../../src/client/balsa-client.ts";
import { textOf } from "../../src/client/bytes.ts";
import type { Cluster } from "../../src/cluster/cluster-options.ts";
import { startCluster } from "../../src/cluster/index.ts";
import { BalsaError } from "../../src/errors/balsa-error.ts";
import { failureOf, until, untilTrue } from "./support/until.ts";

describe("the client of three nodes", () => {
  let cluster: Cluster;
  let client: BalsaClient;

  before(async () => {
    cluster = await startCluster({ nodes: 3 });
    client = new BalsaClient({ endpoints: cluster.nodes.map(({ httpUrl }) => httpUrl), timeoutMs: 10_000 });
  });

  after(async () => {
    client.close();
    await cluster.close();
  });

  it("compares and sets, and says what stands in the way", async () => {
    const { modRevision } = await client.put("cas", "1", { condition: "absent" });
    expect(await failureOf(client.put("cas", "2", { condition: "absent" }))).to.include({
      code: "PRECONDITION_FAILED",
    });
    await client.put("cas", "2", { condition: { modRevision } });
    expect(await failureOf(client.delete("cas", { condition: { modRevision } }))).to.include({
      outcome: "not-applied",
    });
    expect(await client.getText("cas", { revision: modRevision })).to.equal("1");
    expect(await client.getItem("cas")).to.include({ createRevision: modRevision, version: 2, lease: null });
    expect(await client.delete("cas", { condition: "present" })).to.include({ deleted: 1 });
    expect(await client.get("cas")).to.equal(undefined);
  });

  it("runs transactions with bytes that are not text", async () => {
    const bytes = Uint8Array.from([0xff, 0, 0x80]);
    const { succeeded, results } = await client.txn({
      if: [{ key: bytes, target: "createRevision", op: "=", operand: 0 }],
      then: [
        { put: { key: bytes, value: bytes } },
        { get: { key: bytes } },
        { range: { start: bytes, values: false } },
        { txn: { then: [{ delete: { key: "nothing" } }] } },
      ],
    });
    expect(succeeded).to.equal(true);
    const [, got, range, nested] = results ?? [];
    expect(got).to.have.nested.property("get.value").that.deep.equals(bytes);
    expect(range).to.have.nested.property("range.items").that.has.length(1);
    expect(nested).to.deep.equal({ txn: { succeeded: true, results: [{ delete: { deleted: 0 } }] } });
    const again = await client.txn({ then: [{ get: { key: bytes } }] }, { level: "stale" });
    expect(again.results?.[0]).to.have.nested.property("get.version", 1);
    await client.deleteRange({ start: bytes });
  });

  it("lists ranges page by page and as a stream, as of one revision", async () => {
    const names = Array.from({ length: 25 }, (_, at) => `list/${String(at).padStart(2, "0")}`);
    const { revision } = await client.putAll(Object.fromEntries(names.map((name) => [name, `v${name}`])));
    const paged: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.listPage({ prefix: "list/" }, { limit: 10, cursor, order: "desc" });
      await client.put(`list/late-${paged.length}`, "");
      paged.push(...page.items.map(({ key }) => textOf(key)));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(paged).to.deep.equal(names.toReversed());
    const streamed: string[] = [];
    for await (const { key, value } of client.list({ prefix: "list/" }, { revision })) {
      expect(textOf(value)).to.equal(`v${textOf(key)}`);
      streamed.push(textOf(key));
    }
    expect(streamed).to.deep.equal(names);
    expect(await client.deleteRange({ prefix: "list/" })).to.include({ deleted: 28 });
  });

  it("says that what is compacted is gone", async () => {
    const { modRevision } = await client.put("old", "1");
    const { revision } = await client.put("old", "2");
    expect(await client.compact(revision)).to.deep.equal({ compactedRevision: revision });
    expect(await failureOf(client.get("old", { revision: modRevision }))).to.include({ code: "COMPACTED" });
    expect(await failureOf(client.compact(revision))).to.include({ code: "COMPACTED" });
  });

  it("keeps leases alive, lists them, and lets them end with their keys", async () => {
    const { lease: own } = await client.put("ttl", "1", { ttlMs: 1_000 });
    const held = await client.leases.hold(1_000);
    await client.put("leased", "1", { lease: held.id });
    expect((await client.leases.get(held.id)).keys.map(textOf)).to.deep.equal(["leased"]);
    const ids: string[] = [];
    for await (const { id } of client.leases.list()) ids.push(id);
    expect(ids).to.have.members([own, held.id]);
    await until("the key with the TTL to go", async () => ((await client.get("ttl")) === undefined ? true : undefined));
    expect(await client.getText("leased")).to.equal("1");
    expect(held.lost.aborted).to.equal(false);
    await held.release();
    expect(await client.get("leased")).to.equal(undefined);
    expect(await failureOf(client.leases.keepAlive(held.id))).to.include({ code: "LEASE_NOT_FOUND" });
  });

  it("takes a free lock, and what it protects refuses whoever holds it no more", async () => {
    const lock = await client.lock("a b", { waitMs: 0 });
    const write = { if: [lock.held], then: [{ put: { key: "protected", value: "1" } }] };
    expect((await client.txn(write)).succeeded).to.equal(true);
    await lock.release();
    expect((await client.txn(write)).succeeded).to.equal(false);
    await using next = await client.lock("a b");
    expect(next.fence).to.be.above(lock.fence);
  });

  it("hands a lock on in the order in which it was asked for", async () => {
    const order: number[] = [];
    const first = await client.lock("queue");
    const rest = Array.from({ length: 3 }, async () => {
      await using lock = await client.lock("queue");
      order.push(lock.fence);
    });
    await first.release();
    await Promise.all(rest);
    expect(order).to.have.length(3);
    expect(order.toSorted((one, other) => one - other)).to.deep.equal(order);
    expect(first.lost.aborted).to.equal(false);
  });

  it("applies every increment once while leaders crash, and a watch sees each of them once", async () => {
    const counters = Array.from({ length: 4 }, (_, at) => `counter-${at}`);
    const { revision: since } = await client.listPage({ prefix: "" }, { limit: 1 });
    const seen = new Map<string, number>();
    const ending = new AbortController();
    const watching = (async (): Promise<void> => {
      for await (const change of client.watch({ prefix: "counter-" }, { since, signal: ending.signal })) {
        const key = textOf(change.key);
        if (change.kind === "put") expect(change.item.version, key).to.equal((seen.get(key) ?? 0) + 1);
        seen.set(key, (seen.get(key) ?? 0) + 1);
      }
    })().catch((cause: unknown) => cause);
    let stopping = false;
    const done = counters.map(async (key) => {
      let count = 0;
      let condition: "absent" | { modRevision: number } = "absent";
      while (!stopping) {
        const { modRevision } = await client.put(key, String(count + 1), { condition, timeoutMs: 20_000 });
        condition = { modRevision };
        count += 1;
      }
      return count;
    });
    for (let crashes = 0; crashes < 2; crashes++) {
      const before = client.revision;
      await untilTrue("the counters to go on", () => client.revision > before + 100);
      const { id } = await cluster.leader();
      await cluster.node(id).crash();
      await cluster.restart(id);
    }
    stopping = true;
    const counts = await Promise.all(done);
    for (const [at, key] of counters.entries()) {
      const item = await client.getItem(key);
      expect(item?.version, key).to.equal(counts[at]);
      expect(textOf(item?.value ?? new Uint8Array(0)), key).to.equal(String(counts[at]));
    }
    await untilTrue("the watch to have seen all", () => counters.every((key, at) => seen.get(key) === counts[at]));
    const reason = new Error("seen");
    ending.abort(reason);
    expect(await watching).to.equal(reason);
  });

  it("never goes back in time in a session, on whatever node", async () => {
    for (const { httpUrl } of cluster.nodes) {
      await using session = new BalsaClient({ endpoints: [httpUrl], session: true });
      const { revision } = await session.put("session", httpUrl);
      await using other = new BalsaClient({ endpoints: cluster.nodes.map((node) => node.httpUrl) });
      for (const level of ["stale", "linearizable"] as const) {
        expect(await other.getText("session", { level, minRevision: revision })).to.equal(httpUrl);
      }
      expect(await session.getText("session", { level: "stale" })).to.equal(httpUrl);
    }
  });

  it("names what is wrong with a request, and leaves everything as it was", async () => {
    const before = (await client.listPage({ prefix: "" })).revision;
    const twice = { then: [{ put: { key: "x", value: "1" } }, { delete: { prefix: "" } }] };
    for (const call of [
      client.txn(twice),
      client.put("x", "1", { ttlMs: 1 }),
      client.get("x", { revision: 10 ** 9 }),
    ]) {
      expect(await failureOf(call))
        .to.be.instanceOf(BalsaError)
        .and.include({ code: "BAD_REQUEST" });
    }
    expect(await failureOf(client.put("x", "1", { lease: "999" }))).to.include({ code: "LEASE_NOT_FOUND" });
    expect((await client.listPage({ prefix: "" })).revision).to.equal(before);
  });
});
