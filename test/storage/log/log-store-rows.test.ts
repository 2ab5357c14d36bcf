import { expect } from "chai";
import { beforeEach, describe, it } from "mocha";
import { AssertionError } from "../../../src/errors/assert.ts";
import { allEntries, deadRanges, entryKey, firstLane, type KeyRange } from "../../../src/storage/log/key.ts";
import { LevelRows } from "../../../src/storage/log/level-rows.ts";
import { LogStore } from "../../../src/storage/log/log-store.ts";
import type { RowCursor } from "../../../src/storage/log/row-store.ts";
import {
  append,
  appendsOf,
  command,
  commands,
  makeTemporaryDirectory,
  rejection,
  removeDirectory,
  snapshotAt,
  texts,
  vote,
} from "./fixtures.ts";
import { WatchedRows } from "./watched-rows.ts";

async function settled(): Promise<void> {
  await new Promise<void>((resolve) => void setImmediate(resolve));
}

/** On a disk; counts the bytes of the rows that were loaded. */
class CountedRows extends LevelRows {
  loaded = 0;

  override rows(range: KeyRange, bytesPerReadMax: number): RowCursor {
    const cursor = super.rows(range, bytesPerReadMax);
    return {
      next: async () => {
        const rows = await cursor.next();
        for (const { value } of rows) this.loaded += value.byteLength;
        return rows;
      },
      close: () => cursor.close(),
    };
  }
}

describe("what the log asks of its rows", () => {
  let rows: WatchedRows;
  let log: LogStore;

  beforeEach(async () => {
    rows = new WatchedRows();
    log = new LogStore(rows);
    await log.open();
  });

  async function sweepAll(): Promise<void> {
    while (await log.sweep());
  }

  function entriesLeft(): Promise<readonly Buffer[]> {
    return rows.keys(allEntries, 10_000);
  }

  it("syncs whatever it writes, also what it removes of a former life", async () => {
    await log.write([append(1, commands(1, 3), { currentTerm: 1, votedFor: "n1" })]);
    // A row that a former life of the next lane has left.
    const batch = rows.batch();
    batch.put(entryKey(firstLane + 1, 5), Buffer.alloc(60));
    await batch.write({ sync: true });
    await log.write([{ kind: "reset", snapshot: snapshotAt(4, 1) }]);
    expect(await rows.keys({ from: entryKey(firstLane + 1, 0), to: allEntries.to }, 10)).to.deep.equal([]);
    await log.write([{ kind: "recordSnapshot", snapshot: snapshotAt(4, 1) }]);
    expect(rows.writes.length).to.be.at.least(5);
    expect(new Set(rows.writes)).to.deep.equal(new Set([true]));
  });

  it("does one write at a time, and reads between writes", async () => {
    await log.write([append(1, commands(1, 3))]);
    const held = rows.holdNextAnswer();
    const writing = log.write([append(4, commands(1, 1))]);
    await held.reached;
    expect(await rejection(() => log.write([append(5, commands(1, 1))]))).to.be.instanceOf(AssertionError);
    expect(await rejection(() => log.read({ from: 1, to: 3, bytesMax: 100 }))).to.be.instanceOf(AssertionError);
    held.release();
    expect((await writing).last).to.deep.equal({ index: 4, term: 1 });
    expect(await log.read({ from: 4, to: 5, bytesMax: 100 })).to.have.length(1);
  });

  it("loads from a disk little more than it was asked for", async () => {
    const directory = await makeTemporaryDirectory();
    const onDisk = new CountedRows(directory);
    const large = new LogStore(onDisk);
    await large.open();
    await large.write(
      appendsOf(
        50,
        1,
        Array.from({ length: 4000 }, () => command(1, "x".repeat(1000))),
      ),
    );
    for (const [bytesMax, loadedMax] of [
      [1, 200_000],
      [60_000, 250_000],
      [2_000_000, 2_500_000],
    ] as const) {
      onDisk.loaded = 0;
      const read = await large.read({ from: 60, to: 4001, bytesMax });
      expect(read).to.have.length(Math.max(1, bytesMax / 1000));
      expect(onDisk.loaded, `for ${bytesMax} bytes`).to.be.below(loadedMax);
    }
    await large.close();
    await removeDirectory(directory);
  });

  it("writes a row an append, and term, vote and start only when they change", async () => {
    const write = async (...operations: Parameters<LogStore["write"]>[0]): Promise<number> => {
      await log.write(operations);
      return rows.lastBatchRows;
    };
    const last = { term: 1, index: 2 };
    const snapshot = snapshotAt(1, 1);
    expect(await write(append(1, commands(1, 1)), append(2, commands(1, 1)))).to.equal(2);
    expect(await write(vote({ currentTerm: 1, votedFor: null }, last)), "the term").to.equal(1);
    expect(await write(vote({ currentTerm: 1, votedFor: "n1" }, last)), "the vote").to.equal(1);
    expect(await write(vote({ currentTerm: 1, votedFor: "n1" }, last)), "the same again").to.equal(0);
    expect(await write(append(3, commands(1, 3))), "entries alone").to.equal(1);
    expect(await write(append(6, commands(1, 2))), "entries alone").to.equal(1);
    expect(await write(append(6, [command(1, "over")])), "a whole record replaced").to.equal(1);
    expect(await write(append(5, [command(1, "over")])), "a front kept, a record replaced, one dropped").to.equal(3);
    expect(await write(append(4, [command(1, "over")])), "a front kept, two replaced").to.equal(3);
    expect(await write({ kind: "recordSnapshot", snapshot })).to.equal(1);
    expect(await write({ kind: "recordSnapshot", snapshot }), "a known one").to.equal(0);
    expect(await write({ kind: "compact", index: 1, snapshot })).to.equal(1);
    expect(await write({ kind: "compact", index: 1, snapshot }), "from there it starts already").to.equal(0);
    expect(await write({ kind: "reset", snapshot: snapshotAt(2, 1) }), "to below the end").to.equal(1);
  });

  it("reads no further once it has the bytes that it was asked for", async () => {
    await log.write([append(1, commands(1, 1000))]);
    rows.cursorReads = 0;
    expect(await log.read({ from: 1, to: 1001, bytesMax: 1 })).to.have.length(1);
    expect(rows.cursorReads).to.equal(1);
  });

  it("says which entry is missing at the end of what is read", async () => {
    await log.write(appendsOf(1, 1, commands(1, 5)));
    for (const [gone, from] of [
      [5, 2],
      [4, 4],
      [3, 4],
    ] as const) {
      const batch = rows.batch();
      batch.del(entryKey(firstLane, gone));
      await batch.write({ sync: true });
      const error = await rejection(() => log.read({ from, to: 6, bytesMax: 1e6 }));
      expect(error.message).to.equal(`memory: entry ${gone} does not verify: it is missing`);
    }
    expect(rows.openCursors).to.equal(0);
  });

  it("empties a lane that it enters again, however much is left there", async () => {
    const batch = rows.batch();
    for (let index = 1; index <= 2500; index += 1) batch.put(entryKey(firstLane + 1, index), Buffer.alloc(60));
    await batch.write({ sync: true });
    await log.write([{ kind: "reset", snapshot: snapshotAt(7, 1) }]);
    expect(await entriesLeft()).to.have.length(0);
  });

  it("reads nothing that it does not hold", async () => {
    await log.write([append(1, commands(1, 3))]);
    for (const range of [
      { from: 2, to: 2 },
      { from: 3, to: 2 },
      { from: 3, to: 5 },
    ])
      expect(await rejection(() => log.read({ ...range, bytesMax: 100 }))).to.be.instanceOf(AssertionError);
  });

  it("reads behind an entry that has no bytes", async () => {
    await log.write([append(1, [command(1, ""), command(1, "next"), command(1, "")])]);
    expect(texts(await log.read({ from: 2, to: 4, bytesMax: 100 }))).to.deep.equal(["next", ""]);
    const head = await log.write([append(2, [command(2, "over")])]);
    expect(head.last).to.deep.equal({ index: 2, term: 2 });
  });

  it("reads exactly the bytes it is asked for, and has them read at once, up to 256 KiB", async () => {
    await log.write([append(1, [command(1, "12345"), command(1, "67890"), command(1, "x")])]);
    rows.bytesPerRead.length = 0;
    expect(await log.read({ from: 1, to: 4, bytesMax: 10 })).to.have.length(2);
    expect(await log.read({ from: 1, to: 4, bytesMax: 9 })).to.have.length(1);
    expect(await log.read({ from: 1, to: 4, bytesMax: 2 ** 30 })).to.have.length(3);
    expect(rows.bytesPerRead).to.deep.equal([10, 9, 256 * 1024]);
    expect(rows.openCursors).to.equal(0);
  });

  it("keeps every entry under an append that has none, wherever it begins", async () => {
    await log.write([append(1, commands(1, 5), { currentTerm: 1, votedFor: null })]);
    const last = { index: 5, term: 1 };
    const alone = { ...vote({ currentTerm: 2, votedFor: null }, last), firstIndex: 3 };
    expect(log.kept([alone])).to.deep.equal(last);
    expect((await log.write([alone])).last).to.deep.equal(last);
  });

  it("sweeps beside a write that drops nothing", async () => {
    await log.write(appendsOf(1, 1, commands(1, 10)));
    await log.write([{ kind: "compact", index: 8, snapshot: snapshotAt(8, 1) }]);
    const held = rows.holdNextAnswer();
    const writing = log.write([append(11, commands(1, 1))]);
    await held.reached;
    expect(await log.sweep()).to.equal(true);
    expect(await entriesLeft()).to.have.length(3);
    held.release();
    await writing;
  });

  it("sweeps nothing while a reset is under way by itself", async () => {
    await log.write(appendsOf(1, 1, commands(1, 10)));
    await log.write([{ kind: "compact", index: 8, snapshot: snapshotAt(8, 1) }]);
    const held = rows.holdNextAnswer();
    const writing = log.write([{ kind: "reset", snapshot: snapshotAt(20, 2) }]);
    await held.reached;
    expect(await log.sweep()).to.equal(true);
    expect(await entriesLeft()).to.have.length(10);
    held.release();
    await writing;
    await sweepAll();
    expect(await entriesLeft()).to.have.length(0);
  });

  it("does not begin a new life before a sweep of the old one is over", async () => {
    await log.write(appendsOf(1, 1, commands(1, 10)));
    await log.write([{ kind: "compact", index: 8, snapshot: snapshotAt(8, 1) }]);
    const held = rows.holdNextClear();
    const sweeping = log.sweep();
    await held.reached;
    const before = rows.writes.length;
    const writing = log.write([{ kind: "reset", snapshot: snapshotAt(20, 2) }, append(21, commands(2, 3))]);
    await settled();
    expect(rows.writes.length).to.equal(before);
    held.release();
    await sweeping;
    expect((await writing).last).to.deep.equal({ index: 23, term: 2 });
  });

  it("resets also after a sweep that has failed", async () => {
    await log.write(appendsOf(1, 1, commands(1, 10)));
    await log.write([{ kind: "compact", index: 8, snapshot: snapshotAt(8, 1) }]);
    const clear = rows.clear.bind(rows);
    rows.clear = () => Promise.reject(new Error("EIO"));
    expect((await rejection(() => log.sweep())).message).to.equal("EIO");
    rows.clear = clear;
    const head = await log.write([{ kind: "reset", snapshot: snapshotAt(20, 2) }]);
    expect(head.last).to.deep.equal({ index: 20, term: 2 });
  });

  it("looks for dead rows where it has not swept yet", async () => {
    await log.write(appendsOf(10, 1, commands(1, 20_000)));
    await log.write([{ kind: "compact", index: 19_500, snapshot: snapshotAt(19_500, 1) }]);
    rows.soughtFrom.length = 0;
    await sweepAll();
    const below = rows.soughtFrom.filter((key) => Buffer.compare(key, entryKey(firstLane, 19_501)) < 0);
    // The second step begins at the first record above the end of the first one.
    expect(below).to.deep.equal([allEntries.from, entryKey(firstLane, 1 + 8192), entryKey(firstLane, 8201 + 8192)]);
    expect(await entriesLeft()).to.have.length(50);
  });

  it("leaves no dead row when its lanes have gone round since a sweep", async () => {
    for (let life = 1; life <= 300; life++) {
      await log.write([
        { kind: "reset", snapshot: snapshotAt(life * 10, life) },
        append(life * 10 + 1, commands(life, 3)),
      ]);
      if (life === 30) await sweepAll();
    }
    await sweepAll();
    expect(await entriesLeft()).to.have.length(1);
  });

  it("gives space back once a sweep has come to its end, and once after a start, of all that is dead", async () => {
    await sweepAll();
    await log.write(appendsOf(10, 1, commands(1, 20_000)));
    await sweepAll();
    expect(rows.reclaimed, "nothing was dead").to.deep.equal([]);
    await log.write([{ kind: "compact", index: 19_500, snapshot: snapshotAt(19_500, 1) }]);
    await log.sweep();
    expect(rows.reclaimed, "there is more to sweep").to.deep.equal([]);
    await sweepAll();
    expect(rows.reclaimed).to.deep.equal(deadRanges(firstLane, 19_500));
    await sweepAll();
    expect(rows.reclaimed, "nothing has died since").to.have.length(2);

    const again = new LogStore(rows);
    await again.open();
    rows.reclaimed.length = 0;
    expect(await again.sweep()).to.equal(false);
    expect(await again.sweep()).to.equal(false);
    expect(rows.reclaimed).to.deep.equal(deadRanges(firstLane, 19_500));
  });
});
