import { expect } from "chai";
import { describe, it } from "mocha";
import { SteppedRaft, snapshotAt } from "../support/stepped-raft.ts";

describe("the next snapshot", () => {
  it("is due at the bound, and then once the log has grown by half of that over what the last one left", async () => {
    const raft = await SteppedRaft.start(snapshotAt(5));
    const entries = [6, 7].map((index) => ({ kind: "noop", term: 1, index, time: 0 }) as const);
    const request = {
      kind: "appendEntriesRequest",
      from: "n2",
      to: "n1",
      term: 1,
      prevLogIndex: 5,
      prevLogTerm: 1,
    } as const;
    await raft.hear({ ...request, entries, leaderCommit: 7 });
    raft.appliedIndex = 7;
    const bound = raft.state.config.snapshotLogBytes;
    const isAsked = async (bytes: number): Promise<boolean> => {
      const before = raft.toStore.length;
      await raft.turn({ kind: "fromLog", message: { kind: "size", bytes } });
      return raft.toStore.slice(before).some(({ kind }) => kind === "takeSnapshot");
    };
    const made = (index: number): Promise<void> =>
      raft.turn({ kind: "fromStore", message: { kind: "snapshotTaken", snapshot: snapshotAt(index), bytes: 1 } });
    expect(await isAsked(bound)).to.equal(false);
    expect(await isAsked(bound + 1)).to.equal(true);
    expect(await isAsked(2 * bound), "one is under way").to.equal(false);
    await made(6);
    // What is kept for followers is above the bound by itself.
    expect(await isAsked(1.5 * bound)).to.equal(false);
    expect(await isAsked(2 * bound)).to.equal(false);
    expect(await isAsked(2 * bound + 1)).to.equal(true);
    await made(7);
    // They have become small.
    expect(await isAsked(0.1 * bound)).to.equal(false);
    expect(await isAsked(bound)).to.equal(false);
    expect(await isAsked(bound + 1)).to.equal(true);
  });
});
