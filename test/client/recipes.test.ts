/**
 * @module
 * Leases that are held, locks and elections, against a store in memory.
 */

import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { BalsaClient } from "../../src/client/balsa-client.ts";
import { BalsaError } from "../../src/errors/balsa-error.ts";
import type { FakeNode } from "./fake-node.ts";
import { FakeStore } from "./fake-store.ts";

let store: FakeStore;
let node: FakeNode;
let client: BalsaClient;

beforeEach(async () => {
  store = new FakeStore();
  node = await store.start();
  client = new BalsaClient({ endpoints: [node.endpoint], timeoutMs: 2_000 });
});

afterEach(async () => {
  client.close();
  await node.close();
});

/** Polls; the test's own time limit is the deadline. */
async function untilTrue(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

function keepAlives(): number {
  return node.asked.filter(({ path }) => path.endsWith("/keepalive")).length;
}

function fired(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener("abort", () => resolve(signal.reason));
  });
}

describe("a lease that is held", () => {
  it("is kept alive, and ended with its scope", async () => {
    {
      await using lease = await client.leases.hold(200);
      await untilTrue(() => keepAlives() >= 2);
      expect(lease.lost.aborted).to.equal(false);
      expect(lease.remainingMs).to.be.within(1, 200);
      expect(store.leases.size).to.equal(1);
    }
    expect(store.leases.size).to.equal(0);
  });

  it("is lost when the cluster has ended it", async () => {
    await using lease = await client.leases.hold(200);
    store.endLease(lease.id);
    expect(await fired(lease.lost))
      .to.be.instanceOf(BalsaError)
      .and.include({ code: "LEASE_NOT_FOUND" });
    expect(lease.remainingMs).to.equal(0);
  });

  it("is lost after its TTL when nobody answers, and not before", async () => {
    await using lease = await client.leases.hold(400);
    store.deaf = true;
    const fromMs = performance.now();
    expect(String(await fired(lease.lost))).to.contain("could not be kept alive");
    expect(performance.now() - fromMs).to.be.above(250);
  });
});

describe("a lock", () => {
  it("goes from holder to holder in the order in which they came, each with a higher fence", async () => {
    const held: number[] = [];
    const first = await client.lock("a");
    const waiting = [];
    for (let at = 0; at < 4; at++) {
      waiting.push(
        client.lock("a").then(async (lock) => {
          held.push(lock.fence);
          await lock.release();
          return lock;
        }),
      );
      await untilTrue(() => store.keys.size === at + 2);
    }
    expect(held).to.deep.equal([]);
    await first.release();
    const locks = await Promise.all(waiting);
    expect(held).to.deep.equal(locks.map(({ fence }) => fence));
    expect([first.fence, ...held]).to.deep.equal([first.fence, ...held].toSorted((one, other) => one - other));
    expect(store.keys.size).to.equal(0);
  });

  it("wakes nobody but the next in line", async () => {
    const first = await client.lock("a");
    const waiting = [client.lock("a")];
    await untilTrue(() => store.keys.size === 2);
    waiting.push(client.lock("a"));
    await untilTrue(() => store.watched.length === 2);
    expect(store.watched).to.deep.equal([first.key, "balsa/lock/a/2"]);
    await first.release();
    const second = await waiting[0];
    expect(store.watched).to.have.length(2);
    await second?.release();
    await (await waiting[1])?.release();
  });

  it("is not given to one whose predecessor only gave up waiting", async () => {
    const first = await client.lock("a");
    const impatient = client.lock("a", { waitMs: 50 }).catch((cause: unknown) => cause);
    await untilTrue(() => store.keys.size === 2);
    let third: unknown;
    const waiting = client.lock("a").then((lock) => {
      third = lock;
      return lock;
    });
    expect(await impatient)
      .to.be.instanceOf(BalsaError)
      .and.include({ code: "TIMEOUT", outcome: "not-applied" });
    await untilTrue(() => store.watched.at(-1) === first.key && store.watched.length >= 3);
    expect(third).to.equal(undefined);
    await first.release();
    await (await waiting).release();
  });

  it("is taken by nobody who stopped waiting, and leaves no place behind", async () => {
    const first = await client.lock("a");
    const ending = new AbortController();
    const reason = new Error("enough");
    const waiting = client.lock("a", { signal: ending.signal }).catch((cause: unknown) => cause);
    await untilTrue(() => store.watched.length === 1);
    ending.abort(reason);
    expect(await waiting).to.equal(reason);
    expect([...store.keys.keys()]).to.deep.equal([first.key]);
    await first.release();
  });

  it("is lost with its lease, also while it waits", async () => {
    const first = await client.lock("a", { ttlMs: 200 });
    const waiting = client.lock("a", { ttlMs: 200 }).catch((cause: unknown) => cause);
    await untilTrue(() => store.watched.length === 1);
    store.endLease("2");
    expect(await waiting)
      .to.be.instanceOf(BalsaError)
      .and.include({ code: "LEASE_NOT_FOUND" });
    store.endLease("1");
    await fired(first.lost);
    expect(first.held).to.deep.equal({ key: first.key, target: "createRevision", op: "=", operand: first.fence });
  });

  it("of one name is not that of another that begins with it", async () => {
    await using one = await client.lock("a");
    await using other = await client.lock("a/b", { waitMs: 0 });
    expect(other.key).to.equal("balsa/lock/a%2Fb/2");
    expect(one.key).to.equal("balsa/lock/a/1");
  });
});

describe("an election", () => {
  it("tells who leads, what it proclaims, and who comes next", async () => {
    expect(await client.leaderOf("e")).to.equal(undefined);
    const first = await client.elect("e", { value: "one" });
    const second = client.elect("e", { value: "two" });
    await untilTrue(() => store.keys.size === 2);
    const before = await client.leaderOf("e");
    expect(Buffer.from(before?.value ?? "").toString()).to.equal("one");
    await first.proclaim("uno");
    await first.proclaim("ein");
    const after = await client.leaderOf("e");
    expect(Buffer.from(after?.value ?? "").toString()).to.equal("ein");
    expect(after?.fence).to.equal(before?.fence).and.equal(first.fence);
    await first.resign();
    await using leadership = await second;
    expect(leadership.fence).to.be.above(first.fence);
    expect((await client.leaderOf("e"))?.fence).to.equal(leadership.fence);
  });

  it("lets nobody proclaim who leads no more", async () => {
    const first = await client.elect("e", { value: "one" });
    await first.resign();
    const refused = await first.proclaim("still me").catch((cause: unknown) => cause);
    expect(refused).to.be.instanceOf(BalsaError).and.include({ code: "LEASE_NOT_FOUND", outcome: "not-applied" });
  });
});
