import { expect } from "chai";
import { describe, it } from "mocha";
import type { LogOpened } from "../../../src/actors/protocol/raft-log.ts";
import type { StoreOpened } from "../../../src/actors/protocol/raft-store.ts";
import { bootFrom } from "../../../src/actors/raft/boot.ts";
import { createRaftActor } from "../../../src/actors/raft/state.ts";
import { turn } from "../../../src/actors/raft/turn.ts";
import { StorageError } from "../../../src/errors/balsa-error.ts";
import { emptyConfiguration } from "../../../src/raft/types.ts";
import { configOf } from "../support/stepped-cluster.ts";

const snapshot = { lastIncludedIndex: 12, lastIncludedTerm: 2, lastIncludedTime: 5, configuration: emptyConfiguration };

/** Entries 11 to 20: of term 2 up to 15, of term 4 after it. */
const log: LogOpened = {
  kind: "opened",
  hardState: { currentTerm: 5, votedFor: null },
  snapshot,
  logStart: { index: 10, term: 1 },
  termRuns: [
    { term: 2, firstIndex: 11 },
    { term: 4, firstIndex: 16 },
  ],
  lastIndex: 20,
  lastTime: 9,
};

function state(appliedIndex: number, appliedTerm: number): StoreOpened {
  return { kind: "opened", appliedIndex, appliedTerm, configuration: emptyConfiguration };
}

const seen = { nowMs: 0, appliedIndex: 0, stateAwaited: false };

describe("what log and state found on disk", () => {
  it("boots when the state stands at an entry of the log, or at its start", () => {
    for (const [index, term] of [
      [10, 1],
      [11, 2],
      [15, 2],
      [16, 4],
      [20, 4],
    ] as const) {
      const step = bootFrom(log, state(index, term));
      expect(step.kind === "ready" && step.boot.appliedIndex).to.equal(index);
      expect(step.kind === "ready" && step.boot.lastIndex, "entries above it are kept").to.equal(20);
    }
    const empty = { ...log, snapshot: null, logStart: { index: 0, term: 0 }, termRuns: [], lastIndex: 0 };
    expect(bootFrom(empty, state(0, 0)).kind).to.equal("ready");
  });

  it("asks for the snapshot that the log names when the log starts above the state", () => {
    expect(bootFrom(log, state(9, 1))).to.deep.equal({ kind: "install", snapshot });
    expect(bootFrom(log, state(0, 0))).to.deep.equal({ kind: "install", snapshot });
  });

  it("begins only once it is known where this node is reached, so that nobody is told of port 0", () => {
    const config = configOf("n1", true);
    const unknown = { ...config.addresses, httpAdvertise: "127.0.0.1:0" };
    const actor = createRaftActor({ ...config, addresses: unknown });
    const empty = { ...log, snapshot: null, logStart: { index: 0, term: 0 }, termRuns: [], lastIndex: 0 };
    const opened = [
      { kind: "fromLog", message: { ...empty, hardState: { currentTerm: 0, votedFor: null } } },
      { kind: "fromStore", message: state(0, 0) },
    ] as const;
    expect(turn(actor, opened, seen).toLog).to.deep.equal([]);
    const advertised = { httpAdvertise: "127.0.0.1:8", raftAdvertise: "127.0.0.1:9" };
    const [append] = turn(actor, [{ kind: "addressed", advertised }], seen).toLog;
    const entries = append?.kind === "append" ? Buffer.from(append.entries).toString("latin1") : "";
    expect(entries).to.contain("127.0.0.1:8").and.to.contain("127.0.0.1:9");
  });

  it("begins after that snapshot is installed, and tells the store then which one the log names", () => {
    const actor = createRaftActor(configOf("n1", false));
    const opened = [
      { kind: "fromLog", message: log },
      { kind: "fromStore", message: state(9, 1) },
    ] as const;
    expect(turn(actor, opened, seen).toStore).to.deep.equal([{ kind: "installSnapshot", snapshot }]);
    expect(actor.core).to.equal(null);
    const installed = { kind: "fromStore", message: { kind: "snapshotInstalled", snapshot } } as const;
    expect(turn(actor, [installed], seen).toStore).to.deep.include({
      kind: "keepSnapshot",
      snapshot,
    });
    expect(actor.core?.log.appliedIndex).to.equal(12);

    // One that was begun before the installation, and is done after it.
    const older = { ...snapshot, lastIncludedIndex: 9, lastIncludedTerm: 1 };
    const taken = { kind: "fromStore", message: { kind: "snapshotTaken", snapshot: older, bytes: 7 } } as const;
    expect(turn(actor, [taken], seen).toLog).to.deep.equal([]);
    expect(actor.newestSnapshot).to.deep.equal(snapshot);
  });

  it("does not boot when the state has applied what the log does not hold", () => {
    expect(() => bootFrom(log, state(21, 4))).to.throw(StorageError, "the log ends at 20");
    expect(() => bootFrom(log, state(18, 5))).to.throw(StorageError, "of term 5, but in the log it is of term 4");
    expect(() => bootFrom(log, state(10, 2))).to.throw(StorageError, "of term 2, but in the log it is of term 1");
  });
});
