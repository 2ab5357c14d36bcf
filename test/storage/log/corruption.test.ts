import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { Level } from "level";
import { afterEach, beforeEach, describe, it } from "mocha";
import { StartError, StorageError } from "../../../src/errors/balsa-error.ts";
import { entryKey, firstLane, hardStateKey, startKey } from "../../../src/storage/log/key.ts";
import { LevelRows } from "../../../src/storage/log/level-rows.ts";
import { LogStore } from "../../../src/storage/log/log-store.ts";
import { sealRecord } from "../../../src/storage/log/record.ts";
import {
  append,
  command,
  commands,
  makeTemporaryDirectory,
  rejection,
  removeDirectory,
  snapshotAt,
} from "./fixtures.ts";

describe("a damaged log", () => {
  let directory: string;

  beforeEach(async () => {
    directory = await makeTemporaryDirectory();
    const log = new LogStore(new LevelRows(directory));
    await log.open();
    // Records of 20 entries, a batch each.
    for (let index = 1; index <= 1000; index += 20) await log.write([append(index, commands(1, 20))]);
    await log.close();
  });

  afterEach(() => removeDirectory(directory));

  async function onRawRows(change: (level: Level<Buffer, Buffer>) => Promise<void>): Promise<void> {
    const level = new Level<Buffer, Buffer>(directory, { keyEncoding: "buffer", valueEncoding: "buffer" });
    await level.open();
    await change(level);
    await level.close();
  }

  async function openingError(): Promise<Error> {
    const error = await rejection(() => new LogStore(new LevelRows(directory)).open());
    expect(error).to.be.instanceOf(StorageError);
    expect(error.message).to.match(/^[^\n]+$/);
    expect(error.message).to.contain(directory);
    return error;
  }

  /** Changes the byte after the first place where `needle` stands in a file with that ending. */
  async function flipByteAfter(needle: string, ending: string): Promise<void> {
    for (const name of await readdir(directory)) {
      if (!name.endsWith(ending)) continue;
      const bytes = await readFile(join(directory, name));
      const position = bytes.indexOf(needle);
      if (position < 0) continue;
      const target = position + needle.length;
      bytes.writeUInt8(bytes.readUInt8(target) ^ 1, target);
      await writeFile(join(directory, name), bytes);
      return;
    }
    throw new Error(`no ${ending} file holds ${needle}`);
  }

  it("is refused when a record is missing in the middle", async () => {
    await onRawRows((level) => level.del(entryKey(firstLane, 61), { sync: true }));
    expect((await openingError()).message).to.contain("entry 61 does not verify: it is missing");
  });

  it("is refused when the first records are missing", async () => {
    await onRawRows((level) =>
      level.batch(
        [1, 21].map((index) => ({ type: "del", key: entryKey(firstLane, index) })),
        { sync: true },
      ),
    );
    expect((await openingError()).message).to.contain("entry 1 does not verify: it is missing");
  });

  it("is refused when a bit of an entry in a table has flipped", async () => {
    // Opening it moves what LevelDB's own log holds into a table.
    const log = new LogStore(new LevelRows(directory));
    await log.open();
    await log.close();
    await flipByteAfter("command 7 of ter", ".ldb");
    expect((await openingError()).message).to.contain("entry 1 does not verify: its chain hash differs");
  });

  it("is refused when LevelDB's own log has lost a batch in the middle without a word", async () => {
    // LevelDB gives up the rest of a block, of 32 KiB, with what does not verify in it.
    const log = new LogStore(new LevelRows(directory));
    await log.open();
    for (let index = 1001; index <= 1101; index += 100) await log.write([append(index, commands(1, 100))]);
    await log.write([append(1201, [command(1, "command of a large ter".padEnd(40_000))])]);
    await log.write([append(1202, commands(1, 1))]);
    await log.close();
    await flipByteAfter("command 19 of ter", ".log");
    expect((await openingError()).message).to.match(/entry \d+ does not verify: it is missing/);
  });

  it("is refused when records have changed places", async () => {
    await onRawRows(async (level) => {
      const record = await level.get(entryKey(firstLane, 41));
      await level.put(entryKey(firstLane, 21), record, { sync: true });
    });
    expect((await openingError()).message).to.contain("entry 21 does not verify: it begins with entry 41");
  });

  it("is refused when a record stands between two that follow each other", async () => {
    await onRawRows(async (level) => {
      const record = await level.get(entryKey(firstLane, 41));
      await level.put(entryKey(firstLane, 45), record, { sync: true });
    });
    expect((await openingError()).message).to.contain(
      "entry 61 does not verify: a row that is no record of this log stands before it",
    );
  });

  it("is refused when a record of another log stands in the place of one", async () => {
    const foreign = sealRecord({ index: 20, chainHash: Buffer.alloc(16, 1) }, commands(1, 20));
    await onRawRows((level) => level.put(entryKey(firstLane, 21), foreign, { sync: true }));
    expect((await openingError()).message).to.contain("entry 21 does not verify: its chain hash differs");
  });

  it("is refused when a record is cut off, or of a version unknown here", async () => {
    await onRawRows((level) => level.put(entryKey(firstLane, 41), Buffer.alloc(3), { sync: true }));
    expect((await openingError()).message).to.contain("entry 41 does not verify: it is cut off after 3 bytes");
    for (const version of [1, 9]) {
      await onRawRows((level) => level.put(entryKey(firstLane, 41), Buffer.alloc(60, version), { sync: true }));
      expect((await openingError()).message).to.contain(
        `entry 41 does not verify: its format version is ${version}, this node reads 2`,
      );
    }
  });

  it("is refused when a meta row is damaged or missing", async () => {
    for (const [key, words] of [
      [hardStateKey, "the row of term and vote"],
      [startKey, "the row of the log's start"],
    ] as const) {
      let whole: Buffer = Buffer.alloc(0);
      await onRawRows(async (level) => {
        whole = await level.get(key);
        const damaged = Buffer.from(whole);
        damaged.writeUInt8(damaged.readUInt8(damaged.byteLength - 1) ^ 1, damaged.byteLength - 1);
        await level.put(key, damaged, { sync: true });
      });
      expect((await openingError()).message).to.contain(`${words} does not verify`);
      await onRawRows((level) => level.del(key, { sync: true }));
      expect((await openingError()).message).to.contain(`${words} is missing`);
      await onRawRows((level) => level.put(key, whole, { sync: true }));
    }
    await onRawRows((level) => level.batch([startKey, hardStateKey].map((key) => ({ type: "del", key }))));
    expect((await openingError()).message).to.contain("holds entries but not the row of its start");
  });

  it("is refused when LevelDB cannot open it", async () => {
    await writeFile(join(directory, "CURRENT"), "MANIFEST-999999\n");
    expect((await openingError()).message).to.contain("cannot be opened");
  });

  it("is noticed when an entry that is read has changed since it was opened", async () => {
    const rows = new LevelRows(directory);
    const log = new LogStore(rows);
    await log.open();
    const batch = rows.batch();
    batch.del(entryKey(firstLane, 41));
    await batch.write({ sync: true });
    const error = await rejection(() => log.read({ from: 40, to: 60, bytesMax: 1e6 }));
    expect(error).to.be.instanceOf(StorageError);
    expect(error.message).to.contain("entry 41 does not verify: it is missing");
    await log.close();
  });

  it("does not mind rows that no longer count, however damaged", async () => {
    const log = new LogStore(new LevelRows(directory));
    await log.open();
    await log.write([{ kind: "compact", index: 100, snapshot: snapshotAt(100, 1) }]);
    await log.close();
    await onRawRows(async (level) => {
      for (const key of [entryKey(firstLane, 41), Buffer.of(firstLane, 0), Buffer.of(firstLane + 1)])
        await level.put(key, Buffer.alloc(3), { sync: true });
    });
    const again = new LogStore(new LevelRows(directory));
    expect((await again.open()).last).to.deep.equal({ index: 1000, term: 1 });
    while (await again.sweep());
    await again.close();
  });

  it("opens empty when its files are gone: only the watermark can tell", async () => {
    for (const name of await readdir(directory)) await rm(join(directory, name));
    const log = new LogStore(new LevelRows(directory));
    expect((await log.open()).last).to.deep.equal({ index: 0, term: 0 });
    await log.close();
  });

  it("is not opened twice", async () => {
    const log = new LogStore(new LevelRows(directory));
    await log.open();
    const error = await rejection(() => new LogStore(new LevelRows(directory)).open());
    expect(error).to.be.instanceOf(StartError);
    expect(error.message).to.equal(`another process uses ${directory}`);
    await log.close();
  });
});
