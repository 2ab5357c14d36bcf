import { expect } from "chai";
import { describe, it } from "mocha";
import { batchChangesMax } from "../../../src/actors/store/batch.ts";
import type { Generation } from "../../../src/actors/store/input.ts";
import { encode } from "../../../src/codec/codec.ts";
import { CommandFormatError } from "../../../src/codec/command.ts";
import { AssertionError } from "../../../src/errors/assert.ts";
import { currentKey } from "../../../src/kv/keys.ts";
import { RecordFormatError } from "../../../src/kv/record.ts";
import { emptyConfiguration } from "../../../src/raft/types.ts";
import {
  applyMessage,
  bytes,
  configuration,
  configurationAt,
  metadata,
  origin,
  put,
  putAll,
  Stepped,
} from "./support.ts";

describe("the store's turn", () => {
  it("says first where it stands, and what ingress is to read", () => {
    const { effects } = new Stepped();
    expect(effects.toRaft).to.deep.equal([
      { kind: "opened", appliedIndex: 0, appliedTerm: 0, configuration: emptyConfiguration },
    ]);
    expect(effects.toIngress).to.deep.equal([
      { kind: "generationReady", generation: 1, path: "/state/1", overtakenTerm: 0 },
    ]);
    expect(effects.applying?.revision).to.equal(0);
    expect(effects.applied?.revision).to.equal(0);
  });

  it("answers nothing before its batch is written, then both, with what is to be shown in between", async () => {
    const store = new Stepped();
    const begun = store.raft(applyMessage([put(1, "a", "1"), put(2, "b", "2", { term: 3 })]));
    expect(begun.toRaft).to.deep.equal([]);
    expect(begun.toIngress).to.deep.equal([]);
    expect(begun.applying?.revision).to.equal(2);
    expect(begun.applied).to.equal(null);
    const done = await store.finishWrite();
    expect(done.applied).to.include({ appliedIndex: 2, revision: 2 });
    expect(done.toRaft).to.deep.equal([{ kind: "applied", index: 2 }]);
    expect(done.toIngress).to.deep.equal([
      {
        kind: "batchApplied",
        appliedIndex: 2,
        appliedTerm: 3,
        revision: 2,
        results: [
          [1, 1, [1, 1]],
          [2, 2, [1, 2]],
        ],
      },
    ]);
  });

  it("ends a batch after the command that brings it to its bound, and never splits one", async () => {
    const store = new Stepped();
    const many = Math.ceil(batchChangesMax * 0.6);
    store.raft(
      applyMessage([
        put(1, "a", "1"),
        putAll(2, many),
        putAll(3, many),
        putAll(4, batchChangesMax * 2),
        put(5, "b", "1"),
      ]),
    );
    const ends = [store.state.writing?.meta.appliedIndex];
    for (let batch = 0; batch < 2; batch++) ends.push((await store.finishWrite()).write?.meta.appliedIndex);
    expect(ends).to.deep.equal([3, 4, 5]);
    expect((await store.finishWrite()).write).to.equal(null);
  });

  it("writes one batch at a time; what comes meanwhile gathers into the next, up to its bound", async () => {
    const store = new Stepped();
    store.raft(applyMessage([put(1, "a", "1")]));
    for (const index of [2, 3, 4, 5, 6]) {
      const step = store.raft(applyMessage([put(index, "a", String(index))]));
      expect(step.write).to.equal(null);
      expect(step.toRaft).to.deep.equal([]);
    }
    const second = await store.finishWrite();
    expect(second.toRaft).to.deep.equal([{ kind: "applied", index: 1 }]);
    expect(second.write?.meta.appliedIndex).to.equal(5);
    const third = await store.finishWrite();
    expect(third.toRaft).to.deep.equal([{ kind: "applied", index: 5 }]);
    expect(third.write?.meta.appliedIndex).to.equal(6);
    expect((await store.finishWrite()).write).to.equal(null);
  });

  it("tells ingress of batches without results too: of another process, or without a command", async () => {
    const store = new Stepped();
    store.raft(
      applyMessage(
        [{ kind: "noop", index: 1, term: 4, time: 1 }, configurationAt(2), put(3, "a", "1", { origin: origin + 1 })],
        [configuration],
      ),
    );
    const { toIngress } = await store.finishWrite();
    expect(toIngress).to.deep.equal([
      { kind: "batchApplied", appliedIndex: 3, appliedTerm: 1, revision: 1, results: [] },
    ]);
  });

  it("leaves it to the board when nobody asked and there is nothing to settle", async () => {
    const store = new Stepped();
    store.raft(applyMessage([put(1, "a", "1", { origin: origin + 1 })], [], false));
    expect((await store.finishWrite()).toIngress, "a new term").to.have.length(1);
    store.raft(applyMessage([put(2, "a", "2", { origin: origin + 1 })], [], false));
    const quiet = await store.finishWrite();
    expect(quiet.toRaft).to.deep.equal([]);
    expect(quiet.toIngress).to.deep.equal([]);
    expect(quiet.applied?.appliedIndex).to.equal(2);
    expect(quiet.progress).to.include({ kind: "batchApplied", appliedIndex: 2, revision: 2 });
    store.raft(applyMessage([put(3, "a", "3")], [], false));
    const own = await store.finishWrite();
    expect(own.toIngress).to.have.length(1);
    expect(own.progress).to.equal(null);
  });

  it("tells raft once of all that it awaited and that is applied", async () => {
    const store = new Stepped();
    store.raft(applyMessage([put(1, "a", "1")]));
    store.raft(applyMessage([put(2, "a", "2")]));
    store.raft(applyMessage([put(3, "a", "3")], [], false));
    expect((await store.finishWrite()).toRaft).to.deep.equal([{ kind: "applied", index: 1 }]);
    expect((await store.finishWrite()).toRaft).to.deep.equal([{ kind: "applied", index: 3 }]);
    expect(store.raft(applyMessage([put(4, "a", "4")], [], false)).toRaft).to.deep.equal([]);
    expect((await store.finishWrite()).toRaft).to.deep.equal([]);
  });

  it("asserts that entries come in order, each once", () => {
    const store = new Stepped();
    expect(() => store.raft(applyMessage([put(2, "a", "1")]))).to.throw(AssertionError);
    const other = new Stepped();
    other.raft(applyMessage([put(1, "a", "1")]));
    expect(() => other.raft(applyMessage([put(1, "a", "1")]))).to.throw(AssertionError);
  });

  it("does not go on from a command that it does not understand, or from a damaged record", async () => {
    const store = new Stepped();
    const foreign = { ...put(1, "a", "1"), command: encode([99, 1, 1]) };
    expect(() => store.raft(applyMessage([foreign]))).to.throw(CommandFormatError);
    const other = new Stepped();
    await other.storage.write([{ key: currentKey(bytes("a")), value: new Uint8Array(50) }]);
    expect(() => other.raft(applyMessage([put(1, "a", "1")]))).to.throw(RecordFormatError);
  });
});

describe("the store's snapshots", () => {
  it("are made of what is applied, one at a time, and not when there is nothing new", async () => {
    const store = new Stepped();
    const none = { kind: "snapshotTaken", snapshot: null, bytes: 0 };
    expect(store.raft({ kind: "takeSnapshot" }).toRaft).to.deep.equal([none]);
    store.raft(applyMessage([put(1, "a", "1")]));
    await store.finishWrite();
    expect(store.raft({ kind: "takeSnapshot" }).tasks).to.deep.equal([{ kind: "makeSnapshot" }]);
    const refused = store.raft({ kind: "takeSnapshot" });
    expect(refused.toRaft).to.deep.equal([none]);
    expect(refused.tasks).to.deep.equal([]);
    const snapshot = metadata(1);
    const made = store.step({ kind: "snapshotMade", snapshot, bytes: 10 });
    expect(made.toRaft).to.deep.equal([{ kind: "snapshotTaken", snapshot, bytes: 10 }]);
    expect(store.raft({ kind: "takeSnapshot" }).toRaft).to.deep.equal([none]);
  });

  it("do not stop it from applying while they are made", async () => {
    const store = new Stepped();
    store.raft(applyMessage([put(1, "a", "1")]));
    await store.finishWrite();
    store.raft({ kind: "takeSnapshot" });
    expect(store.raft(applyMessage([put(2, "a", "2")])).write?.meta.appliedIndex).to.equal(2);
  });

  it("are installed only after the write under way; nobody hears of it before ingress has entered", async () => {
    const store = new Stepped();
    store.raft(applyMessage([put(1, "a", "1")]));
    const snapshot = metadata(9, 5);
    const asked = store.raft({ kind: "installSnapshot", snapshot });
    expect(asked.tasks).to.deep.equal([]);
    const building = await store.finishWrite();
    expect(building.tasks).to.deep.equal([{ kind: "build", snapshot }]);
    expect(building.toRaft).to.deep.equal([{ kind: "applied", index: 1 }]);

    const built: Generation = {
      generation: 2,
      path: "/state/2",
      reader: store.storage,
      meta: { ...store.state.meta, appliedIndex: 9, appliedTerm: 5, revision: 6 },
      configuration,
    };
    const ready = store.step({ kind: "built", generation: built });
    expect(ready.toIngress).to.deep.equal([
      { kind: "generationReady", generation: 2, path: "/state/2", overtakenTerm: 5 },
    ]);
    expect(ready.toRaft).to.deep.equal([]);
    expect(ready.applied).to.equal(null);

    const stale = store.step({ kind: "ingress", message: { kind: "generationEntered", generation: 1 } });
    expect(stale.toRaft).to.deep.equal([]);
    const entered = store.step({ kind: "ingress", message: { kind: "generationEntered", generation: 2 } });
    expect(entered.applied).to.include({ appliedIndex: 9, revision: 6 });
    expect(entered.toRaft).to.deep.equal([{ kind: "snapshotInstalled", snapshot }]);
    expect(entered.toIngress).to.deep.equal([
      { kind: "batchApplied", appliedIndex: 9, appliedTerm: 5, revision: 6, results: [] },
    ]);
    expect(entered.tasks).to.deep.equal([{ kind: "retire", kept: 2 }]);
    expect(store.raft(applyMessage([put(10, "a", "1")])).write?.meta.appliedIndex).to.equal(10);
  });

  it("overtake what waits when they are installed", async () => {
    const store = new Stepped();
    store.raft(applyMessage([put(1, "a", "1")]));
    store.raft(applyMessage([put(2, "a", "2")]), { kind: "installSnapshot", snapshot: metadata(9) });
    const building = await store.finishWrite();
    expect(building.write).to.equal(null);
    expect(building.tasks).to.deep.equal([{ kind: "build", snapshot: metadata(9) }]);
    expect(store.raft({ kind: "takeSnapshot" }).toRaft).to.deep.equal([
      { kind: "snapshotTaken", snapshot: null, bytes: 0 },
    ]);
  });
});
