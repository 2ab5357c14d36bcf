import { expect } from "chai";
import { describe, it } from "mocha";
import { StorageError } from "../../../src/errors/balsa-error.ts";
import { applyMessage, command, put, Stepped } from "./support.ts";

describe("the store's history", () => {
  it("is compacted by commands of the leader's store, and cut a few chunks with each batch", async () => {
    const bound = 2000;
    const store = new Stepped(bound);
    store.lead(1);
    for (let count = 1; count <= 30; count++) {
      store.raft(applyMessage([put(store.state.receivedIndex + 1, `key ${count % 3}`, "x".repeat(50))]));
      await store.settle();
    }
    expect(store.proposed.length).to.be.above(5);
    expect(store.proposed.every(({ kind }) => kind === "compact")).to.equal(true);
    const { historyBytes, historyFrom, compactedRevision, revision, batch } = store.state.meta;
    expect(historyBytes).to.be.within(1, bound);
    expect(compactedRevision).to.be.within(15, 29);
    expect(historyFrom).to.equal(compactedRevision);
    expect(revision).to.equal(30);
    expect(batch).to.be.above(30);
  });

  it("stays as it is where no command says otherwise: on a follower, and without a leader", async () => {
    const store = new Stepped(1);
    for (let index = 1; index <= 5; index++) store.raft(applyMessage([put(index, "a", "1")]));
    await store.settle();
    expect(store.proposed).to.deep.equal([]);
    expect(store.state.meta).to.include({ historyFrom: 0, compactedRevision: 0, revision: 5 });
    store.raft(applyMessage([command({ kind: "compact", revision: 4 }, 6)]));
    await store.settle();
    expect(store.state.meta.compactedRevision).to.equal(4);
    expect(store.state.meta.historyFrom).to.be.within(1, 4);
  });

  it("is dropped only by batches after the one that compacted it was shown, and no further than that", async () => {
    const store = new Stepped();
    const first = store.raft(applyMessage([put(1, "a", "1"), command({ kind: "compact", revision: 1 }, 2)]));
    expect(first.write?.meta).to.include({ compactedRevision: 1, historyFrom: 0 });
    expect(first.applied).to.equal(null);
    expect((await store.finishWrite()).applied).to.include({ compactedRevision: 1, historyFrom: 0 });
    const { write } = await store.readHistory();
    expect(write?.meta).to.include({ compactedRevision: 1, historyFrom: 1 });
    expect(write?.rows.filter(({ value }) => value === null)).to.have.length(1);
  });

  it("is cut by age also when nothing is written", async () => {
    const store = new Stepped();
    for (let index = 1; index <= 20; index++) {
      store.raft(applyMessage([put(index, "a", "1")]));
      await store.settle();
    }
    store.lead(2e9);
    await store.settle({ time: 2e9 });
    expect(store.state.meta).to.include({ revision: 20, compactedRevision: 10 });
  });

  it("is proposed to be compacted again when the proposal came to nothing, and not before", async () => {
    const store = new Stepped(1);
    store.lead(1);
    store.raft(applyMessage([put(1, "a", "1")]));
    await store.finishWrite();
    const proposals = async (): Promise<number> => {
      const asked = store.effects.tasks.some(({ kind }) => kind === "readHistory");
      return asked ? (await store.readHistory()).toRaft.filter(({ kind }) => kind === "storeProposal").length : 0;
    };
    expect(await proposals()).to.equal(1);
    store.raft({ kind: "time", term: 1, time: 900 });
    expect(await proposals()).to.equal(0);
    store.raft({ kind: "time", term: 1, time: 1100 });
    expect(await proposals()).to.equal(1);
  });

  it("that has lost its chunks is a failed disk", async () => {
    const store = new Stepped(1);
    store.raft(applyMessage([put(1, "a", "1")]));
    await store.finishWrite();
    expect(() => store.step({ kind: "historyRead", chunks: [] })).to.throw(StorageError);
  });
});
