import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { StorageError } from "../../../src/errors/balsa-error.ts";
import { DurableLog } from "../../../src/storage/log/durable-log.ts";
import { entryKey, firstLane } from "../../../src/storage/log/key.ts";
import { LevelRows } from "../../../src/storage/log/level-rows.ts";
import type { LogStorage } from "../../../src/storage/log/log-storage.ts";
import { LogStore } from "../../../src/storage/log/log-store.ts";
import { MemoryRows } from "../../../src/storage/log/memory-rows.ts";
import { DiskSlotFile } from "../../../src/storage/watermark/slot-file.ts";
import { startProcessTimer, Watermark } from "../../../src/storage/watermark/watermark.ts";
import { identity, MemorySlotFile } from "../watermark/fixtures.ts";
import {
  append,
  appendsOf,
  command,
  commands,
  makeTemporaryDirectory,
  rejection,
  removeDirectory,
  snapshotAt,
  vote,
} from "./fixtures.ts";

const options = { identity, syncIntervalMs: 1_000_000, onFailure: () => {}, startTimer: startProcessTimer };

interface Disk {
  readonly rows: MemoryRows;
  readonly file: MemorySlotFile;
}

function newDisk(): Disk {
  return { rows: new MemoryRows(), file: new MemorySlotFile() };
}

function logOn({ rows, file }: Disk, storage: LogStorage = new LogStore(rows)): DurableLog {
  return new DurableLog(storage, new Watermark(file, options), "memory");
}

/** A log whose write stops half-way: with its rows on disk, or without. */
async function crashDuring(disk: Disk, write: Parameters<LogStorage["write"]>[0], isWritten: boolean): Promise<void> {
  const storage = new LogStore(disk.rows);
  const reached = new Promise<void>((resolve) => {
    const writeRows = storage.write.bind(storage);
    storage.write = async (operations) => {
      if (isWritten) await writeRows(operations);
      resolve();
      return new Promise(() => {});
    };
  });
  const log = logOn(disk, storage);
  await log.open();
  void log.write(write);
  await reached;
  // The power goes: of the watermark only what is synced stays.
  disk.file.bytes = disk.file.synced;
}

describe("the log with its watermark", () => {
  it("opens again after writes, truncations, compaction and reset", async () => {
    const disk = newDisk();
    const log = logOn(disk);
    await log.open();
    await log.write([append(1, commands(1, 100), { currentTerm: 1, votedFor: "n1" })]);
    await log.write([append(51, [command(2, "x")])]);
    expect((await logOn(disk).open()).last).to.deep.equal({ index: 51, term: 2 });
    await log.write([{ kind: "compact", index: 51, snapshot: snapshotAt(51, 2) }]);
    expect((await logOn(disk).open()).last).to.deep.equal({ index: 51, term: 2 });
    await log.write([{ kind: "reset", snapshot: snapshotAt(40, 3) }]);
    expect((await logOn(disk).open()).last).to.deep.equal({ index: 40, term: 3 });
    await log.close();
  });

  it("refuses to start when an acknowledged tail is gone", async () => {
    const disk = newDisk();
    const log = logOn(disk);
    await log.open();
    await log.write(appendsOf(1, 1, commands(1, 10)));
    const batch = disk.rows.batch();
    batch.del(entryKey(firstLane, 10));
    await batch.write({ sync: true });
    const error = await rejection(() => logOn(disk).open());
    expect(error).to.be.instanceOf(StorageError);
    expect(error.message).to.equal(
      "memory: this log has lost acknowledged entries: it ends at 9, entry 10 was durable",
    );
    await log.close();
  });

  it("refuses to start when an older term, another vote, or another tail has come back", async () => {
    const disk = newDisk();
    const log = logOn(disk);
    await log.open();
    await log.write([append(1, commands(1, 3), { currentTerm: 4, votedFor: "n2" })]);
    for (const [operation, words] of [
      [append(1, commands(1, 3), { currentTerm: 3, votedFor: "n2" }), "it knows term 3, 4 was durable"],
      [append(1, commands(1, 3), { currentTerm: 4, votedFor: "n3" }), "its vote of term 4 is n3, one for n2"],
      [append(1, commands(1, 3), { currentTerm: 4, votedFor: null }), "its vote of term 4 is for nobody, one for n2"],
      [append(1, commands(2, 3), { currentTerm: 4, votedFor: "n2" }), "its entry 3 is of term 2, one of term 1"],
    ] as const) {
      const rows = new MemoryRows();
      const other = new LogStore(rows);
      await other.open();
      await other.write([operation]);
      const error = await rejection(() => logOn({ rows, file: disk.file }).open());
      expect(error.message).to.contain(words);
    }
    await log.close();
  });

  for (const [what, operation] of [
    ["a term", vote({ currentTerm: 1, votedFor: null })],
    ["a vote", vote({ currentTerm: 1, votedFor: "n1" })],
    ["entries", append(1, commands(1, 3))],
    ["a snapshot", { kind: "recordSnapshot" as const, snapshot: snapshotAt(1, 1) }],
  ] as const)
    it(`refuses to start when the watermark is missing beside a log that holds ${what}`, async () => {
      const disk = newDisk();
      const log = logOn(disk);
      await log.open();
      await log.write([operation]);
      const error = await rejection(() => logOn({ rows: disk.rows, file: new MemorySlotFile() }).open());
      expect(error.message).to.equal("memory: the watermark of this log is missing");
      await log.close();
    });

  it("answers for what it found above the watermark at the start, too", async () => {
    const disk = newDisk();
    const log = logOn(disk);
    await log.open();
    await log.write([append(1, commands(1, 3), { currentTerm: 1, votedFor: "n1" })]);
    await log.close();
    await crashDuring(disk, appendsOf(1, 4, commands(1, 2)), true);
    expect((await logOn(disk).open()).last).to.deep.equal({ index: 5, term: 1 });
    // Raft may have acknowledged entry 5 since. The power goes, and with it that entry.
    disk.file.bytes = disk.file.synced;
    const batch = disk.rows.batch();
    batch.del(entryKey(firstLane, 5));
    await batch.write({ sync: true });
    expect((await rejection(() => logOn(disk).open())).message).to.contain("it ends at 4, entry 5 was durable");
  });

  it("closes its rows and its watermark when it refuses to start", async () => {
    const disk = newDisk();
    const log = logOn(disk);
    await log.open();
    await log.write([append(1, commands(1, 3))]);
    await log.close();
    const closed: string[] = [];
    const rows = new MemoryRows();
    rows.close = () => Promise.resolve(void closed.push("rows"));
    disk.file.close = () => void closed.push("watermark");
    await rejection(() => logOn({ rows, file: disk.file }).open());
    expect(closed).to.deep.equal(["rows", "watermark"]);
  });

  for (const isWritten of [true, false]) {
    const moment = isWritten ? "after" : "before";
    for (const [name, operation] of [
      ["a shorter tail of a lower term", append(4, [command(2, "x")])],
      ["a reset to below the end", { kind: "reset" as const, snapshot: snapshotAt(6, 4) }],
      ["a reset to above the end", { kind: "reset" as const, snapshot: snapshotAt(60, 4) }],
      ["more entries", append(11, commands(4, 5))],
    ] as const) {
      it(`starts again when the power goes ${moment} the batch of ${name} is written, before the watermark`, async () => {
        const disk = newDisk();
        const log = logOn(disk);
        await log.open();
        await log.write([append(1, commands(1, 3), { currentTerm: 4, votedFor: "n1" })]);
        await log.write([append(4, commands(3, 7))]);
        await log.close();
        await crashDuring(disk, [operation], isWritten);
        const opened = await logOn(disk).open();
        if (!isWritten) expect(opened.last).to.deep.equal({ index: 10, term: 3 });
        else expect(opened.last).to.not.deep.equal({ index: 10, term: 3 });
      });
    }
  }

  it("syncs the watermark before it answers a change of term or vote, and not for entries", async () => {
    const disk = newDisk();
    const log = logOn(disk);
    await log.open();
    const before = disk.file.syncs;
    await log.write([append(1, commands(1, 5))]);
    expect(disk.file.syncs).to.equal(before);
    expect(disk.file.unsynced.size).to.equal(1);
    let expected = before;
    for (const hardState of [
      { currentTerm: 2, votedFor: "n3" },
      { currentTerm: 3, votedFor: "n3" },
      { currentTerm: 4, votedFor: null },
      { currentTerm: 4, votedFor: "n1" },
    ]) {
      await log.write([vote(hardState, { term: 1, index: 5 })]);
      expected += 1;
      expect(disk.file.syncs, JSON.stringify(hardState)).to.equal(expected);
      expect(disk.file.unsynced.size).to.equal(0);
    }
    await log.write([vote({ currentTerm: 4, votedFor: "n1" }, { term: 1, index: 5 })]);
    expect(disk.file.syncs, "nothing of it has changed").to.equal(expected);
    await log.close();
  });

  it("notices on a disk that LevelDB's files are gone, without making new ones of it", async () => {
    const directory = await makeTemporaryDirectory();
    const place = join(directory, "log");
    const make = () =>
      new DurableLog(
        new LogStore(new LevelRows(place)),
        new Watermark(new DiskSlotFile(join(directory, "watermark")), options),
        place,
      );
    const log = make();
    await log.open();
    await log.write([append(1, commands(1, 5), { currentTerm: 1, votedFor: "n1" })]);
    await log.close();
    await rm(place, { recursive: true });
    for (let attempt = 0; attempt < 2; attempt++) {
      const error = await rejection(() => make().open());
      expect(error.message).to.contain("this log has lost acknowledged entries: it knows term 0, 1 was durable");
    }
    await removeDirectory(directory);
  });
});
