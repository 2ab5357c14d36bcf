import { expect } from "chai";
import { beforeEach, describe, it } from "mocha";
import { StorageError } from "../../../src/errors/balsa-error.ts";
import { allEntries, entryKey, firstLane } from "../../../src/storage/log/key.ts";
import type { LogContents } from "../../../src/storage/log/log-storage.ts";
import { LogStore } from "../../../src/storage/log/log-store.ts";
import { MemoryRows } from "../../../src/storage/log/memory-rows.ts";
import { openRecord } from "../../../src/storage/log/record.ts";
import { append, appendsOf, command, commands, rejection, snapshotAt, texts } from "./fixtures.ts";

const everything = { bytesMax: 1_000_000 };

/** Commands with these texts. */
function named(term: number, words: string): ReturnType<typeof commands> {
  return words.split(" ").map((word) => command(term, word));
}

describe("the records of the log", () => {
  let rows: MemoryRows;
  let log: LogStore;

  beforeEach(async () => {
    rows = new MemoryRows();
    log = new LogStore(rows);
    await log.open();
  });

  async function reopen(): Promise<LogContents> {
    log = new LogStore(rows);
    return log.open();
  }

  /** What the rows say, by the index that their key names; of all lanes. */
  async function records(): Promise<Record<number, string>> {
    const keys = await rows.keys(allEntries, 10_000);
    return Object.fromEntries(
      keys.map((key) => [
        Number(key.readBigUInt64BE(1)),
        texts(openRecord(rows.get(key) ?? Buffer.alloc(0)).entries).join(" "),
      ]),
    );
  }

  async function readAll(from: number, last: number): Promise<string> {
    return texts(await log.read({ from, to: last + 1, ...everything })).join(" ");
  }

  it("are an append each, also when several are one write", async () => {
    await log.write([append(1, named(1, "a b c")), append(4, named(1, "d")), append(5, named(1, "e f"))]);
    expect(await records()).to.deep.equal({ 1: "a b c", 4: "d", 5: "e f" });
    await log.write([append(7, named(2, "g h"))]);
    expect((await reopen()).last).to.deep.equal({ index: 8, term: 2 });
    expect(await readAll(1, 8)).to.equal("a b c d e f g h");
  });

  for (const [where, from, left] of [
    ["inside a record", 5, { 1: "a b c", 4: "d", 5: "X Y" }],
    ["at the start of a record", 4, { 1: "a b c", 4: "X Y" }],
    ["inside the first record", 2, { 1: "a", 2: "X Y" }],
    ["at the first entry", 1, { 1: "X Y" }],
    ["at the last entry", 8, { 1: "a b c", 4: "d e f", 7: "g", 8: "X Y" }],
    ["behind the last entry", 9, { 1: "a b c", 4: "d e f", 7: "g h", 9: "X Y" }],
  ] as const)
    it(`keep what is in front of a tail that is replaced ${where}`, async () => {
      await log.write([append(1, named(1, "a b c")), append(4, named(1, "d e f")), append(7, named(1, "g h"))]);
      const head = await log.write([append(from, named(2, "X Y"))]);
      expect(head.last).to.deep.equal({ index: from + 1, term: 2 });
      expect(await records()).to.deep.equal(left);
      const opened = await reopen();
      expect(opened.last).to.deep.equal({ index: from + 1, term: 2 });
      expect(opened.bytes).to.equal(head.bytes);
      await log.write([append(from + 2, named(2, "after"))]);
      expect((await reopen()).last).to.deep.equal({ index: from + 2, term: 2 });
      expect(await readAll(1, from + 2)).to.equal(`${"a b c d e f g h ".slice(0, 2 * (from - 1))}X Y after`);
    });

  it("are replaced twice in one write, the second time what the first has put", async () => {
    await log.write([append(1, named(1, "a b c d")), append(5, named(1, "e f g h"))]);
    await log.write([append(7, named(2, "p q r s")), append(6, named(3, "t")), append(7, named(3, "u v w"))]);
    expect(await records()).to.deep.equal({ 1: "a b c d", 5: "e", 6: "t", 7: "u v w" });
    await log.write([append(10, named(3, "x y z")), append(12, named(4, "S")), append(3, named(5, "T"))]);
    expect(await records()).to.deep.equal({ 1: "a b", 3: "T" });
    const opened = await reopen();
    expect(opened.termRuns).to.deep.equal([
      { term: 1, firstIndex: 1 },
      { term: 5, firstIndex: 3 },
    ]);
    expect(await readAll(1, 3)).to.equal("a b T");
  });

  it("go with a reset that the same write begins with, which appends and replaces after it", async () => {
    await log.write([append(1, named(1, "a b c d"))]);
    await log.write([
      append(3, named(2, "lost")),
      { kind: "reset", snapshot: snapshotAt(10, 2) },
      append(11, named(2, "A B C")),
      append(12, named(3, "D")),
      { kind: "compact", index: 11, snapshot: snapshotAt(11, 2) },
    ]);
    const opened = await reopen();
    expect(opened.logStart).to.deep.equal({ index: 11, term: 2 });
    expect(await readAll(12, 12)).to.equal("D");
    while (await log.sweep());
    expect(await records()).to.deep.equal({ 12: "D" });
  });

  it("that hold an entry which still counts stay whole when the log is compacted", async () => {
    await log.write([append(1, named(1, "a b c")), append(4, named(2, "d e f")), append(7, named(2, "g"))]);
    await log.write([{ kind: "compact", index: 5, snapshot: snapshotAt(5, 2) }]);
    expect(await readAll(4, 7), "at once").to.equal("d e f g");
    const opened = await reopen();
    expect(opened.logStart).to.deep.equal({ index: 3, term: 1 });
    expect(opened.termRuns).to.deep.equal([{ term: 2, firstIndex: 4 }]);
    expect(opened.snapshot).to.deep.equal(snapshotAt(5, 2));
    await log.write([append(8, named(2, "h"))]);
    while (await log.sweep());
    expect(await records()).to.deep.equal({ 4: "d e f", 7: "g", 8: "h" });
    expect(await log.read({ from: 3, to: 5, ...everything })).to.deep.equal([]);
    await log.write([append(6, named(3, "over")), { kind: "compact", index: 6, snapshot: snapshotAt(6, 3) }]);
    expect((await reopen()).logStart).to.deep.equal({ index: 6, term: 3 });
    while (await log.sweep());
    expect(await records()).to.deep.equal({});
  });

  it("end where the log starts, with all that its start says of that entry", async () => {
    await log.write([append(1, [command(1, "a", 11), command(1, "b", 12)]), append(3, [command(2, "c", 13)])]);
    await log.write([{ kind: "compact", index: 3, snapshot: snapshotAt(3, 2) }]);
    expect(await reopen()).to.deep.include({ logStart: { index: 3, term: 2 }, lastTime: 13, bytes: 0 });
    await log.write([append(4, [command(2, "d", 14)])]);
    expect((await reopen()).lastTime).to.equal(14);
  });

  it("are put anew after a start inside what was the log, too", async () => {
    await log.write(appendsOf(3, 1, commands(1, 9)));
    await log.write([{ kind: "compact", index: 4, snapshot: snapshotAt(4, 1) }]);
    await log.write([append(5, named(2, "over"))]);
    const opened = await reopen();
    expect(opened.logStart).to.deep.equal({ index: 3, term: 1 });
    expect(opened.last).to.deep.equal({ index: 5, term: 2 });
    expect(await readAll(4, 5)).to.equal("command 3 of term 1 over");
  });

  it("are read from their middle to their middle, up to the bytes asked for", async () => {
    await log.write(appendsOf(5, 1, named(1, "a b c d e f g h i j k l m n o")));
    expect(await readAll(3, 13)).to.equal("c d e f g h i j k l m");
    expect(await readAll(7, 8)).to.equal("g h");
    for (const [from, bytesMax, read] of [
      [3, 6, "c d e f g h"],
      [3, 3, "c d e"],
      [4, 1, "d"],
      [5, 0, "e"],
      [6, 4, "f g h i"],
    ] as const)
      expect(texts(await log.read({ from, to: 14, bytesMax })).join(" ")).to.equal(read);
  });

  it("hold 64 KiB at most, or one entry: a longer append becomes several", async () => {
    const sizes = [30_000, 30_000, 30_000, 5, 100_000, 7, 60_000];
    const head = await log.write([
      append(
        1,
        sizes.map((size, at) => command(1, String(at).repeat(size))),
      ),
    ]);
    const keys = await rows.keys(allEntries, 100);
    expect(keys).to.deep.equal([1, 3, 5, 6].map((first) => entryKey(firstLane, first)));
    expect((await reopen()).bytes).to.equal(head.bytes);
    const read = await log.read({ from: 2, to: 8, ...everything });
    expect(read.map(([, , , payload]) => payload.byteLength)).to.deep.equal(sizes.slice(1));
  });

  describe("with three of them, and the second damaged", () => {
    const second = entryKey(firstLane, 3);

    beforeEach(() => log.write(appendsOf(2, 1, named(1, "a b c d e f"))));

    async function putSecond(record: Buffer | null): Promise<void> {
      const batch = rows.batch();
      if (record === null) batch.del(second);
      else batch.put(second, record);
      await batch.write({ sync: true });
    }

    async function refusal(call: () => Promise<unknown>): Promise<string> {
      const error = await rejection(call);
      expect(error).to.be.instanceOf(StorageError);
      return error.message;
    }

    it("give it away at open, when it is read and when it would be sealed anew, whatever bit it is", async () => {
      const whole = rows.get(second) ?? Buffer.alloc(0);
      for (let at = 0; at < whole.byteLength; at += 1) {
        const damaged = Buffer.from(whole);
        damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << (at % 8)), at);
        await putSecond(damaged);
        const about = `byte ${at}`;
        expect(await refusal(() => new LogStore(rows).open()), about).to.contain("entry 3 does not verify");
        for (const from of [1, 3, 4])
          expect(await refusal(() => log.read({ from, to: 7, ...everything })), about).to.contain("entry 3 does not");
        await putSecond(whole);
        const other = new LogStore(rows);
        await other.open();
        await putSecond(damaged);
        expect(await refusal(() => other.write([append(4, named(2, "over"))])), about).to.contain("entry 3 does not");
        await putSecond(whole);
      }
    });

    it("give it away when the log is to start after it", async () => {
      await putSecond(Buffer.from(rows.get(second) ?? []).fill(1, 30));
      const compact = { kind: "compact", index: 4, snapshot: snapshotAt(4, 1) } as const;
      expect(await refusal(() => log.write([compact]))).to.equal(
        "memory: entry 3 does not verify: its chain hash differs",
      );
    });

    it("are refused without it, wherever it is met", async () => {
      await putSecond(null);
      const missing = "memory: entry 3 does not verify: it is missing";
      expect(await refusal(() => new LogStore(rows).open())).to.equal(missing);
      for (const from of [1, 3, 4, 5])
        expect(await refusal(() => log.read({ from, to: 7, ...everything }))).to.equal(missing);
      expect(await refusal(() => log.write([append(6, named(2, "over"))]))).to.equal(missing);
    });
  });
});
