import { expect } from "chai";
import { describe, it } from "mocha";
import type { Operation } from "../../../src/kv/command.ts";
import { resultFromWire } from "../../../src/kv/result.ts";
import { applyMessage, bytes, command, metadata, put, putAll, Stepped } from "./support.ts";

const all: Operation = { kind: "deleteRange", range: { from: new Uint8Array(0), to: null } };

describe("commands that need rows in order", () => {
  it("wait for them, in their place among the others, and see what those before them did", async () => {
    const store = new Stepped();
    store.raft(applyMessage([putAll(1, 20)]));
    await store.settle();
    store.raft(
      applyMessage([put(2, "before", "1"), command(all, 3), put(4, "after", "1"), command(all, 5), command(all, 6)]),
    );
    const told = await store.settle();
    const results = told.flatMap((message) =>
      message.kind === "batchApplied" ? message.results.map(([, , result]) => resultFromWire(result)) : [],
    );
    expect(results.slice(1)).to.deep.equal([
      { kind: "deleted", deleted: 21 },
      { kind: "put", modRevision: 4 },
      { kind: "deleted", deleted: 1 },
      { kind: "deleted", deleted: 0 },
    ]);
    expect(store.state.meta).to.include({ appliedIndex: 6, revision: 5 });
  });

  it("let nothing be written while their rows are read", async () => {
    const store = new Stepped();
    const { tasks, write } = store.raft(applyMessage([command(all, 1)]));
    expect(tasks.map(({ kind }) => kind)).to.deep.equal(["readRows"]);
    expect(write).to.equal(null);
    expect(store.raft(applyMessage([put(2, "a", "1")])).write).to.equal(null);
    await store.settle();
    expect(store.state.meta.appliedIndex).to.equal(2);
  });

  it("hold up the installation of a snapshot until their rows are read, and are overtaken by it", async () => {
    const store = new Stepped();
    const asked = store.raft(applyMessage([command(all, 1)]));
    const task = asked.tasks[0];
    if (task?.kind !== "readRows") throw new Error("rows are wanted");
    const snapshot = metadata(9);
    expect(store.raft({ kind: "installSnapshot", snapshot }).tasks).to.deep.equal([]);
    const pieces = task.wanted.map((wanted) => ({ wanted, rows: [], complete: true }));
    expect(store.step({ kind: "rowsRead", pieces }).tasks).to.deep.equal([{ kind: "build", snapshot }]);
    expect(store.effects.write).to.equal(null);
  });

  it("have the rows of leases that end together read together", async () => {
    const store = new Stepped();
    const grant: Operation = { kind: "leaseGrant", ttlMs: 1000 };
    const leased: Operation = {
      kind: "put",
      key: bytes("a"),
      value: bytes("1"),
      leaseId: 128,
      condition: { kind: "none" },
    };
    store.raft(applyMessage([command(grant, 1), command(grant, 2), command(leased, 3)]));
    await store.settle();
    const revoke = (leaseId: number, index: number) => command({ kind: "leaseRevoke", leaseId }, index);
    const { tasks } = store.raft(applyMessage([revoke(128, 4), revoke(256, 5), revoke(128, 6)]));
    expect(tasks.map((task) => task.kind === "readRows" && task.wanted.length)).to.deep.equal([2]);
    await store.settle();
    expect(store.state.meta).to.include({ appliedIndex: 6, leases: 0, revision: 2 });
  });
});
