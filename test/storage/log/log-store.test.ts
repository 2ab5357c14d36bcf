import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { AssertionError } from "../../../src/errors/assert.ts";
import { allEntries, entryKey, laneRange } from "../../../src/storage/log/key.ts";
import { LevelRows } from "../../../src/storage/log/level-rows.ts";
import type { LogStorage } from "../../../src/storage/log/log-storage.ts";
import { LogStore } from "../../../src/storage/log/log-store.ts";
import { MemoryRows } from "../../../src/storage/log/memory-rows.ts";
import type { RowStore } from "../../../src/storage/log/row-store.ts";
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

const everything = { bytesMax: 1_000_000 };

interface Ground {
  /** Rows over the same bytes as before, as after a restart. */
  readonly rows: () => RowStore;
  readonly clear: () => Promise<void>;
}

async function onDisk(): Promise<Ground> {
  const directory = await makeTemporaryDirectory();
  return { rows: () => new LevelRows(directory), clear: () => removeDirectory(directory) };
}

function inMemory(): Promise<Ground> {
  const rows = new MemoryRows();
  return Promise.resolve({ rows: () => rows, clear: () => Promise.resolve() });
}

/** The next synced batch is written, or answered, when it is released. */
function holdNextWrite(
  rows: RowStore,
  what: "write" | "answer" = "write",
): { readonly reached: Promise<void>; readonly release: () => void } {
  const makeBatch = rows.batch.bind(rows);
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    rows.batch = () => {
      const batch = makeBatch();
      const write = batch.write.bind(batch);
      batch.write = async (options) => {
        if (what === "answer") await write(options);
        if (options.sync) {
          resolve();
          await released;
        }
        if (what === "write") await write(options);
      };
      return batch;
    };
  });
  return { reached, release };
}

for (const [name, prepare] of [
  ["memory", inMemory],
  ["LevelDB", onDisk],
] as const) {
  describe(`the log over ${name}`, () => {
    let ground: Ground;
    let rows: RowStore;
    let log: LogStorage;

    beforeEach(async () => {
      ground = await prepare();
      rows = ground.rows();
      log = new LogStore(rows);
    });

    afterEach(async () => {
      await log.close();
      await ground.clear();
    });

    async function reopen(): Promise<ReturnType<LogStorage["open"]>> {
      await log.close();
      rows = ground.rows();
      log = new LogStore(rows);
      return log.open();
    }

    async function sweepAll(): Promise<number> {
      let sweeps = 0;
      while (await log.sweep()) sweeps += 1;
      return sweeps;
    }

    it("is empty when new, and again when opened a second time", async () => {
      const empty = {
        hardState: { currentTerm: 0, votedFor: null },
        snapshot: null,
        logStart: { index: 0, term: 0 },
        termRuns: [],
        last: { index: 0, term: 0 },
        lastTime: 0,
        bytes: 0,
      };
      expect(await log.open()).to.deep.equal(empty);
      expect(await reopen()).to.deep.equal(empty);
    });

    it("gives back after a restart what was written, with terms, times and vote", async () => {
      await log.open();
      await log.write([append(1, [command(1, "a", 5), command(1, "b", 6)], { currentTerm: 1, votedFor: "n1" })]);
      await log.write([append(3, [command(3, "c", 2 ** 40)], { currentTerm: 3, votedFor: null })]);
      const opened = await reopen();
      expect(opened.hardState).to.deep.equal({ currentTerm: 3, votedFor: null });
      expect(opened.last).to.deep.equal({ index: 3, term: 3 });
      expect(opened.lastTime).to.equal(2 ** 40);
      expect(opened.termRuns).to.deep.equal([
        { term: 1, firstIndex: 1 },
        { term: 3, firstIndex: 3 },
      ]);
      expect(texts(await log.read({ from: 1, to: 4, ...everything }))).to.deep.equal(["a", "b", "c"]);
    });

    it("reads from the middle, at most the bytes asked for and at least one entry", async () => {
      await log.open();
      await log.write([append(1, commands(1, 20))]);
      expect(texts(await log.read({ from: 7, to: 9, ...everything }))).to.deep.equal([
        "command 6 of term 1",
        "command 7 of term 1",
      ]);
      expect(await log.read({ from: 7, to: 20, bytesMax: 1 })).to.have.length(1);
      expect(await log.read({ from: 1, to: 21, bytesMax: 19 * 3 })).to.have.length(3);
    });

    it("replaces a conflicting tail, also by a shorter one, and nothing of it comes back", async () => {
      await log.open();
      await log.write([append(1, commands(1, 10))]);
      expect(log.kept([append(4, [command(2, "new")])])).to.deep.equal({ index: 3, term: 1 });
      const head = await log.write([append(4, [command(2, "new")])]);
      expect(head.last).to.deep.equal({ index: 4, term: 2 });
      const opened = await reopen();
      expect(opened.last).to.deep.equal({ index: 4, term: 2 });
      expect(texts(await log.read({ from: 3, to: 5, ...everything }))).to.deep.equal(["command 2 of term 1", "new"]);
      expect(await rows.keys(laneRange(0x10), 100)).to.deep.equal([entryKey(0x10, 1), entryKey(0x10, 4)]);
    });

    it("carries out operations of one write in order, later ones over earlier ones", async () => {
      await log.open();
      await log.write([
        append(1, commands(1, 5)),
        append(3, [command(2, "over")]),
        vote({ currentTerm: 4, votedFor: "n2" }, { term: 2, index: 3 }),
        append(4, [command(4, "last")]),
      ]);
      const opened = await reopen();
      expect(opened.hardState).to.deep.equal({ currentTerm: 4, votedFor: "n2" });
      expect(texts(await log.read({ from: 1, to: 5, ...everything }))).to.deep.equal([
        "command 0 of term 1",
        "command 1 of term 1",
        "over",
        "last",
      ]);
    });

    it("starts after what is compacted at once, and sweeps its rows later", async () => {
      await log.open();
      await log.write(appendsOf(10, 1, commands(1, 20_000)));
      await log.write([{ kind: "compact", index: 19_500, snapshot: snapshotAt(19_600, 1) }]);
      expect(await log.read({ from: 19_500, to: 19_600, ...everything })).to.deep.equal([]);
      const opened = await reopen();
      expect(opened.logStart).to.deep.equal({ index: 19_500, term: 1 });
      expect(opened.termRuns).to.deep.equal([{ term: 1, firstIndex: 19_501 }]);
      expect(opened.snapshot).to.deep.equal(snapshotAt(19_600, 1));
      expect(await sweepAll()).to.be.greaterThan(1);
      expect(await rows.keys(allEntries, 10_000)).to.have.length(50);
      expect((await reopen()).last).to.deep.equal({ index: 20_000, term: 1 });
    });

    for (const [drop, left] of [
      [{ kind: "compact", index: 8, snapshot: snapshotAt(8, 1) }, 2],
      [{ kind: "reset", snapshot: snapshotAt(20, 2) }, 0],
    ] as const)
      it(`sweeps by what is durable: nothing that a ${drop.kind} under way is only about to drop`, async () => {
        await log.open();
        await log.write(appendsOf(1, 1, commands(1, 10)));
        const held = holdNextWrite(rows);
        const writing = log.write([drop]);
        await held.reached;
        await log.sweep();
        expect(await rows.keys(allEntries, 10_000)).to.have.length(10);
        held.release();
        await writing;
        await sweepAll();
        expect(await rows.keys(allEntries, 10_000)).to.have.length(left);
      });

    it("sweeps nothing of the life that a reset under way begins", async () => {
      await log.open();
      await log.write([append(1, commands(1, 10))]);
      const held = holdNextWrite(rows, "answer");
      const writing = log.write([{ kind: "reset", snapshot: snapshotAt(20, 2) }, append(21, commands(2, 3))]);
      await held.reached;
      expect(await log.sweep(), "there is more to sweep").to.equal(true);
      held.release();
      await writing;
      await sweepAll();
      expect((await reopen()).last).to.deep.equal({ index: 23, term: 2 });
    });

    it("goes on after everything is compacted", async () => {
      await log.open();
      await log.write([append(1, commands(2, 3))]);
      await log.write([{ kind: "compact", index: 3, snapshot: snapshotAt(3, 2) }]);
      const head = await log.write([append(4, [command(2, "next")])]);
      expect(head.last).to.deep.equal({ index: 4, term: 2 });
      const opened = await reopen();
      expect(opened.termRuns).to.deep.equal([{ term: 2, firstIndex: 4 }]);
      expect(texts(await log.read({ from: 4, to: 5, ...everything }))).to.deep.equal(["next"]);
    });

    it("believes nothing from before a reset, neither below nor above the snapshot", async () => {
      await log.open();
      await log.write([append(1, commands(1, 2000), { currentTerm: 2, votedFor: "n1" })]);
      await log.write([{ kind: "reset", snapshot: snapshotAt(1000, 2) }]);
      const opened = await reopen();
      expect(opened).to.deep.include({
        hardState: { currentTerm: 2, votedFor: "n1" },
        snapshot: snapshotAt(1000, 2),
        logStart: { index: 1000, term: 2 },
        last: { index: 1000, term: 2 },
        termRuns: [],
        lastTime: 2000,
        bytes: 0,
      });
      await log.write([append(1001, [command(2, "after")])]);
      await sweepAll();
      expect(await rows.keys(allEntries, 10_000)).to.have.length(1);
      expect((await reopen()).last).to.deep.equal({ index: 1001, term: 2 });
      expect(texts(await log.read({ from: 1001, to: 1002, ...everything }))).to.deep.equal(["after"]);
    });

    it("resets as often as there are lanes, and again, with rows of old lives left lying", async () => {
      await log.open();
      for (let life = 1; life <= 300; life++) {
        await log.write([{ kind: "reset", snapshot: snapshotAt(life * 10, life) }]);
        await log.write([append(life * 10 + 1, commands(life, 3))]);
      }
      const opened = await reopen();
      expect(opened.logStart).to.deep.equal({ index: 3000, term: 300 });
      expect(opened.last).to.deep.equal({ index: 3003, term: 300 });
      await sweepAll();
      expect(await rows.keys(allEntries, 10_000)).to.have.length(1);
      expect((await reopen()).last).to.deep.equal({ index: 3003, term: 300 });
    });

    it("records a snapshot without removing anything, and never an older one", async () => {
      await log.open();
      await log.write([append(1, commands(1, 5))]);
      await log.write([{ kind: "recordSnapshot", snapshot: snapshotAt(4, 1) }]);
      await log.write([{ kind: "recordSnapshot", snapshot: snapshotAt(3, 1) }]);
      const opened = await reopen();
      expect(opened.snapshot).to.deep.equal(snapshotAt(4, 1));
      expect(opened.logStart).to.deep.equal({ index: 0, term: 0 });
    });

    it("reads the log as it stood when asked, whatever is written meanwhile", async () => {
      await log.open();
      await log.write([append(1, commands(1, 50))]);
      const read = log.read({ from: 40, to: 51, ...everything });
      await log.write([append(45, [command(2, "over")])]);
      expect(texts(await read).at(-1)).to.equal("command 49 of term 1");
    });

    it("counts its bytes, less what was compacted or replaced", async () => {
      await log.open();
      const whole = await log.write(appendsOf(10, 1, commands(1, 2000)));
      expect(whole.bytes).to.be.within(2000 * 29, 2000 * 31);
      const half = await log.write([{ kind: "compact", index: 1000, snapshot: snapshotAt(1000, 1) }]);
      expect(half.bytes).to.be.within(whole.bytes * 0.48, whole.bytes * 0.52);
      const less = await log.write([append(1501, [command(2, "x")])]);
      expect(less.bytes).to.be.within(whole.bytes * 0.23, whole.bytes * 0.27);
      expect((await reopen()).bytes).to.equal(less.bytes);
    });

    it("refuses what would leave a gap or forget a term", async () => {
      await log.open();
      await log.write([append(1, commands(5, 2), { currentTerm: 5, votedFor: "n1" })]);
      const other = new LogStore(new MemoryRows());
      await other.open();
      expect(await rejection(() => other.write([append(2, commands(1, 1))]))).to.be.instanceOf(AssertionError);
      const older = vote({ currentTerm: 4, votedFor: "n2" }, { term: 5, index: 2 });
      expect((await rejection(() => log.write([older]))).message).to.contain("never falls");
    });
  });
}
