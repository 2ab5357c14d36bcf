import { expect } from "chai";
import { describe, it } from "mocha";
import {
  createLogActor,
  type LogActor,
  type LogActorOptions,
  type LogInput,
  turn,
} from "../../../src/actors/log/log-actor.ts";
import type { RaftToLog } from "../../../src/actors/protocol/raft-log.ts";
import { encode } from "../../../src/codec/codec.ts";
import { decodePacked, entryTypes } from "../../../src/codec/entries.ts";
import { AssertionError } from "../../../src/errors/assert.ts";
import { emptyConfiguration } from "../../../src/raft/types.ts";
import type { LogContents } from "../../../src/storage/log/log-storage.ts";

const options: LogActorOptions = { writeBytesMax: 1_000_000, sizeStepBytes: 100 };

const contents: LogContents = {
  hardState: { currentTerm: 0, votedFor: null },
  snapshot: null,
  logStart: { index: 0, term: 0 },
  termRuns: [],
  last: { index: 0, term: 0 },
  lastTime: 0,
  bytes: 0,
};

const snapshot = {
  lastIncludedIndex: 9,
  lastIncludedTerm: 1,
  lastIncludedTime: 0,
  configuration: emptyConfiguration,
};

/** An actor that has opened, with its first sweep done. */
function openedActor(overrides: Partial<LogActorOptions> = {}): LogActor {
  const { actor } = createLogActor(contents, { ...options, ...overrides });
  turn(actor, [{ kind: "swept", more: false }]);
  return actor;
}

function append(writeId: number): RaftToLog {
  const entries = encode([[1, 0, entryTypes.command, new Uint8Array([writeId])]]);
  return { kind: "append", writeId, term: 1, lastIndex: writeId, hardState: null, firstIndex: writeId, entries };
}

function read(from: number): RaftToLog {
  return { kind: "read", from, to: from + 1, bytesMax: 1000 };
}

function received(...messages: readonly RaftToLog[]): readonly LogInput[] {
  return messages.map((message) => ({ kind: "received", message }));
}

function persisted(writeId: number): unknown {
  return { kind: "persisted", writeId, term: 1, lastIndex: writeId };
}

const written: LogInput = { kind: "written", bytes: 0 };

describe("the log actor", () => {
  it("says first what the log holds, and sweeps what an earlier process left", () => {
    const { effects } = createLogActor({ ...contents, last: { index: 7, term: 2 }, bytes: 500 }, options);
    expect(effects.replies.map(({ kind }) => kind)).to.deep.equal(["opened", "size"]);
    expect(effects.replies[0]).to.include({ lastIndex: 7, lastTime: 0, snapshot: null });
    expect(effects.sweep).to.equal(true);
  });

  it("writes at once when idle, and answers only when it is written", () => {
    const actor = openedActor();
    const begun = turn(actor, received(append(1)));
    expect(begun.write).to.have.length(1);
    expect(begun.replies).to.deep.equal([]);
    expect(turn(actor, [written]).replies).to.deep.equal([persisted(1)]);
  });

  it("makes one write of all that arrives while another is under way, answered in order", () => {
    const actor = openedActor();
    turn(actor, received(append(1)));
    for (let writeId = 2; writeId <= 9; writeId++) {
      expect(turn(actor, received(append(writeId))).write).to.equal(null);
    }
    const next = turn(actor, [written]);
    expect(next.replies).to.deep.equal([persisted(1)]);
    expect(next.write).to.have.length(8);
    const done = turn(actor, [written]);
    expect(done.replies).to.deep.equal([2, 3, 4, 5, 6, 7, 8, 9].map(persisted));
    expect(done.write).to.equal(null);
  });

  it("repeats in each answer the term of that write, also when its entries were replaced since", () => {
    const actor = openedActor();
    const over: RaftToLog = { ...append(1), kind: "append", writeId: 2, term: 5, lastIndex: 1 } as RaftToLog;
    turn(actor, received(append(1), over));
    expect(turn(actor, [written]).replies).to.deep.equal([
      persisted(1),
      { kind: "persisted", writeId: 2, term: 5, lastIndex: 1 },
    ]);
  });

  it("bounds the bytes of one write, and takes at least one append", () => {
    const actor = openedActor({ writeBytesMax: 1 });
    expect(turn(actor, received(append(1), append(2))).write).to.have.length(1);
    expect(turn(actor, [written]).write).to.have.length(1);
  });

  it("reads after what was asked before, and before what was asked after", () => {
    const actor = openedActor();
    const first = turn(actor, received(read(1), append(1), read(1), append(2)));
    expect(first.reads).to.deep.equal([{ from: 1, to: 2, bytesMax: 1000 }]);
    expect(first.write).to.have.length(1);
    const second = turn(actor, [written]);
    expect(second.reads).to.have.length(1);
    expect(second.write).to.have.length(1);
  });

  it("answers a read with the entries packed, and with no bytes when they are compacted", () => {
    const actor = openedActor();
    const entry = [3, 5, entryTypes.command, Buffer.from("x")] as const;
    const { replies } = turn(actor, [
      { kind: "entriesRead", from: 4, entries: [entry] },
      { kind: "entriesRead", from: 2, entries: [] },
    ]);
    const [found, compacted] = replies;
    expect(found).to.include({ kind: "entriesRead", from: 4 });
    if (found?.kind !== "entriesRead") throw new Error("it is no answer to a read");
    const [back] = decodePacked(found.entries);
    expect(back?.slice(0, 3)).to.deep.equal([3, 5, entryTypes.command]);
    expect(Buffer.from(back?.[3] ?? []).toString()).to.equal("x");
    expect(compacted).to.deep.equal({ kind: "entriesRead", from: 2, entries: new Uint8Array(0) });
  });

  it("tells that a reset is done, and sweeps after it and after compaction, one at a time", () => {
    const actor = openedActor();
    turn(actor, received({ kind: "reset", snapshot }));
    const done = turn(actor, [written]);
    expect(done.replies).to.deep.equal([{ kind: "resetDone", snapshot }]);
    expect(done.sweep).to.equal(true);
    turn(actor, received({ kind: "compact", index: 9, snapshot }));
    expect(turn(actor, [written]).sweep).to.equal(false);
    expect(turn(actor, [{ kind: "swept", more: true }]).sweep).to.equal(true);
    expect(turn(actor, [{ kind: "swept", more: false }]).sweep).to.equal(false);
  });

  it("tells the size when it has moved by more than a step", () => {
    const actor = openedActor();
    const sizes = [50, 100, 101, 150, 0].map((bytes) => {
      turn(actor, received({ kind: "recordSnapshot", snapshot }));
      return turn(actor, [{ kind: "written", bytes }]).replies;
    });
    expect(sizes).to.deep.equal([[], [], [{ kind: "size", bytes: 101 }], [], [{ kind: "size", bytes: 0 }]]);
  });

  it("answers nothing any more once the disk has failed, not even what is done in the same turn", () => {
    const actor = openedActor();
    turn(actor, received(append(1)));
    const failed = turn(actor, [written, { kind: "failed", cause: "EIO" }]);
    expect(failed).to.deep.equal({ reads: [], write: null, replies: [], sweep: false, failure: { cause: "EIO" } });
    const after = turn(actor, [...received(append(2), read(1)), written, { kind: "failed", cause: "again" }]);
    expect(after).to.deep.equal({ reads: [], write: null, replies: [], sweep: false, failure: null });
  });

  it("asserts that a write is answered once", () => {
    expect(() => turn(openedActor(), [written])).to.throw(AssertionError);
  });
});
