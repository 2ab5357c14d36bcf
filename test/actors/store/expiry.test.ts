import { expect } from "chai";
import { describe, it } from "mocha";
import { dueRowsMax } from "../../../src/actors/store/expiry.ts";
import type { Operation } from "../../../src/kv/command.ts";
import { currentKey, leaseKey } from "../../../src/kv/keys.ts";
import { applyMessage, bytes, command, Stepped } from "./support.ts";

const grant: Operation = { kind: "leaseGrant", ttlMs: 10_000 };

function leased(key: string, leaseId: number): Operation {
  return { kind: "put", key: bytes(key), value: bytes("v"), leaseId, condition: { kind: "none" } };
}

/** A store with a lease of 10 s, granted at 0 in term 1 as the first entry, with two keys. */
async function withLease(): Promise<Stepped> {
  const store = new Stepped();
  store.raft(applyMessage([command(grant, 1, 0), command(leased("a", 128), 2, 0), command(leased("b", 128), 3, 0)]));
  await store.settle();
  return store;
}

/** The leader's core says what time it is, and whatever its store proposes is committed at once. */
async function at(store: Stepped, time: number, term = 1): Promise<void> {
  store.raft({ kind: "time", term, time });
  await store.settle({ time, term });
}

function holds(store: Stepped): boolean {
  return store.storage.get(leaseKey(128)) !== undefined;
}

describe("the store of a leader ends leases", () => {
  it("when their time is up, with their keys, in one command", async () => {
    const store = await withLease();
    store.lead(1);
    await at(store, 9_999);
    expect(store.proposed).to.deep.equal([]);
    await at(store, 10_000);
    expect(store.proposed).to.deep.equal([{ kind: "leaseExpire", leaseId: 128, renewal: 0 }]);
    expect(holds(store)).to.equal(false);
    expect(store.state.meta).to.include({ leases: 0, revision: 3 });
    for (const key of ["a", "b"]) expect(store.storage.get(currentKey(bytes(key)))?.[5]).to.equal(2);
  });

  it("and not while somebody keeps them alive", async () => {
    const store = await withLease();
    store.lead(1);
    for (const time of [8_000, 16_000, 24_000]) {
      const next = store.state.receivedIndex + 1;
      store.raft(applyMessage([command({ kind: "leaseKeepAlive", leaseIds: [128] }, next, time)]));
      await store.settle();
      await at(store, time + 9_000);
    }
    expect(holds(store)).to.equal(true);
    await at(store, 34_000);
    expect(holds(store)).to.equal(false);
  });

  it("and not when it follows, or leads another term than the time is told of", async () => {
    const store = await withLease();
    await at(store, 50_000);
    store.raft({ kind: "leading", leading: true, term: 2 });
    await at(store, 50_000, 1);
    // It leads term 2, and no entry of that term is applied here: it cannot know when the term began.
    await at(store, 50_000, 2);
    expect(store.proposed).to.deep.equal([]);
  });

  it("only after their whole time again when the leader is new", async () => {
    const store = await withLease();
    store.raft(applyMessage([{ kind: "noop", index: 4, term: 2, time: 9_000 }]));
    await store.settle();
    store.raft({ kind: "leading", leading: true, term: 2 });
    await at(store, 18_999, 2);
    expect(store.proposed).to.deep.equal([]);
    await at(store, 19_000, 2);
    expect(holds(store)).to.equal(false);
  });

  it("and the proposal of a deposed leader, or one that a renewal has overtaken, does nothing", async () => {
    const store = await withLease();
    const expire: Operation = { kind: "leaseExpire", leaseId: 128, renewal: 0 };
    store.raft(
      applyMessage([
        { kind: "noop", index: 4, term: 2, time: 9_000 },
        command(expire, 5, 18_999, 2),
        command({ kind: "leaseKeepAlive", leaseIds: [128] }, 6, 18_999, 2),
        command(expire, 7, 60_000, 2),
      ]),
    );
    await store.settle();
    expect(holds(store)).to.equal(true);
    expect(store.state.meta.revision).to.equal(2);
  });

  it("again when its proposal came to nothing, after a while", async () => {
    const store = await withLease();
    store.lead(10_000);
    const proposals = (): number => store.effects.toRaft.filter(({ kind }) => kind === "storeProposal").length;
    const readDue = async (): Promise<number> => {
      const asked = store.effects.tasks.some(({ kind }) => kind === "readDue");
      if (!asked) return 0;
      const from = Uint8Array.of(0x64);
      const rows = await store.storage.read({ from, to: Uint8Array.of(0x65), rowsMax: 9, bytesMax: 1e9 });
      store.step({ kind: "dueRead", rows });
      return proposals();
    };
    expect(await readDue()).to.equal(1);
    store.raft({ kind: "time", term: 1, time: 10_500 });
    expect(await readDue()).to.equal(0);
    store.raft({ kind: "time", term: 1, time: 11_000 });
    expect(await readDue()).to.equal(1);
  });

  it("however many there are, a piece for each word of the time", async () => {
    const store = new Stepped();
    const count = dueRowsMax + 500;
    store.raft(applyMessage(Array.from({ length: count }, (_, place) => command(grant, place + 1, 0))));
    await store.settle();
    store.lead(1);
    await store.settle();
    await at(store, 10_000);
    expect(store.state.meta.leases).to.equal(500);
    await at(store, 10_100);
    expect(store.state.meta.leases).to.equal(0);
  });

  it("without looking at any while none can be due", async () => {
    const store = await withLease();
    store.lead(1);
    await store.settle();
    for (const time of [100, 5_000, 9_900]) {
      store.raft({ kind: "time", term: 1, time });
      expect(store.effects.tasks).to.deep.equal([]);
    }
  });
});
