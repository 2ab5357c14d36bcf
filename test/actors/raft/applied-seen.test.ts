import { expect } from "chai";
import { describe, it } from "mocha";
import type { Apply } from "../../../src/actors/protocol/raft-store.ts";
import type { Message } from "../../../src/raft/message.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { SteppedRaft, snapshotAt } from "../support/stepped-raft.ts";

function command(index: number): Entry {
  return { kind: "command", term: 1, index, time: 0, command: new Uint8Array(4) };
}

function appendOf(entries: readonly Entry[], leaderCommit: number): Message {
  const prevLogIndex = (entries[0]?.index ?? 1) - 1;
  const envelope = { kind: "appendEntriesRequest", from: "n2", to: "n1", term: 1, prevLogTerm: 1 } as const;
  return { ...envelope, prevLogIndex, entries, leaderCommit };
}

const heartbeat = { kind: "heartbeatRequest", from: "n2", to: "n1", term: 1, readRound: 0 } as const;

function appliesOf(raft: SteppedRaft): Apply[] {
  return raft.toStore.filter((message) => message.kind === "apply");
}

describe("a raft actor and the state that the board shows", () => {
  it("takes note of it at its next turn, whatever that is for, and awaits no word of plain commands", async () => {
    const raft = await SteppedRaft.start(snapshotAt(5));
    await raft.hear(appendOf([command(6), command(7)], 7));
    expect(appliesOf(raft).map(({ firstIndex, awaited }) => ({ firstIndex, awaited }))).to.deep.equal([
      { firstIndex: 6, awaited: false },
    ]);
    expect(raft.core.log.appliedIndex).to.equal(5);
    raft.appliedIndex = 7;
    await raft.turn({ kind: "tick" });
    expect(raft.core.log.appliedIndex).to.equal(7);
    expect(raft.core.applying.bytes).to.equal(0);
  });

  it("awaits word of a change of members, which counts when it is applied", async () => {
    const raft = await SteppedRaft.start(snapshotAt(5));
    const change = { steps: [{ kind: "remove", nodeId: "n3" } as const], transition: "auto" } as const;
    await raft.hear(appendOf([{ kind: "configuration", term: 1, index: 6, time: 0, change }], 6));
    expect(appliesOf(raft).map(({ awaited }) => awaited)).to.deep.equal([true]);
    await raft.turn({ kind: "fromStore", message: { kind: "applied", index: 6 } });
    expect(raft.core.configuration.voters).to.deep.equal(["n1", "n2"]);
  });

  it("awaits word when half of what may be under way is", async () => {
    const raft = await SteppedRaft.start(snapshotAt(5));
    const bytes = raft.core.options.applyingBytesMax / 4;
    for (const index of [6, 7, 8]) {
      await raft.hear(appendOf([{ ...command(index), command: new Uint8Array(bytes) } as Entry], index));
    }
    expect(appliesOf(raft).map(({ awaited }) => awaited)).to.deep.equal([false, true, true]);
  });

  it("awaits word when the next entry has no room beside what is under way", async () => {
    const raft = await SteppedRaft.start(snapshotAt(5));
    const { applyingBytesMax } = raft.core.options;
    const small = { ...command(6), command: new Uint8Array(applyingBytesMax / 4) } as Entry;
    const large = { ...command(7), command: new Uint8Array(applyingBytesMax * 0.9) } as Entry;
    await raft.hear(appendOf([small, large], 7));
    expect(appliesOf(raft).map(({ firstIndex, awaited }) => ({ firstIndex, awaited }))).to.deep.equal([
      { firstIndex: 6, awaited: true },
    ]);
    await raft.turn({ kind: "fromStore", message: { kind: "applied", index: 6 } });
    expect(raft.core.applying.awaitedFrom, "it is read back").to.equal(7);
  });

  it("does not follow it while a snapshot is installed: the core hears of that by its own message", async () => {
    const raft = await SteppedRaft.start(snapshotAt(5));
    const snapshot = snapshotAt(9);
    await raft.hear({ kind: "installSnapshotRequest", from: "n2", to: "n1", term: 1, snapshot });
    raft.appliedIndex = 9;
    await raft.turn({ kind: "tick" });
    expect(raft.core.log.appliedIndex).to.equal(5);
    await raft.turn({ kind: "fromStore", message: { kind: "snapshotInstalled", snapshot } });
    expect(raft.core.log.appliedIndex).to.equal(9);
  });

  it("hands on with what follows while nobody waits, and at once when somebody does or nothing follows", async () => {
    const raft = await SteppedRaft.start(snapshotAt(5));
    await raft.hear(appendOf([command(6), command(7), command(8)], 6));
    expect(appliesOf(raft)).to.have.length(0);
    await raft.turn({ kind: "tick" });
    expect(appliesOf(raft).map(({ firstIndex }) => firstIndex)).to.deep.equal([6]);
    raft.stateAwaited = true;
    await raft.hear(appendOf([command(9)], 8));
    expect(appliesOf(raft).map(({ firstIndex }) => firstIndex)).to.deep.equal([6, 7]);
    raft.stateAwaited = false;
    await raft.hear({ ...heartbeat, leaderCommit: 9 });
    expect(appliesOf(raft).map(({ firstIndex }) => firstIndex)).to.deep.equal([6, 7, 9]);
  });

  it("holds back a bounded number", async () => {
    const raft = await SteppedRaft.start(snapshotAt(5));
    const many = Array.from({ length: 129 }, (_, position) => command(6 + position));
    await raft.hear(appendOf(many, 5 + 127));
    expect(appliesOf(raft)).to.have.length(0);
    await raft.hear({ ...heartbeat, leaderCommit: 5 + 128 });
    expect(appliesOf(raft).map(({ firstIndex }) => firstIndex)).to.deep.equal([6]);
  });
});
