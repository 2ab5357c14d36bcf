import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { StorageError } from "../../../src/errors/balsa-error.ts";
import { type Mark, slotBytes } from "../../../src/storage/watermark/mark.ts";
import { DiskSlotFile } from "../../../src/storage/watermark/slot-file.ts";
import { startProcessTimer, Watermark } from "../../../src/storage/watermark/watermark.ts";
import { rejection } from "../log/fixtures.ts";
import { identity, MemorySlotFile } from "./fixtures.ts";

/** Long enough never to fire in a test. */
const syncIntervalMs = 1_000_000;

function mark(index: number, term = 1): Mark {
  return { last: { index, term }, hardState: { currentTerm: term, votedFor: "n1" } };
}

function watermarkOver(file: MemorySlotFile): Watermark {
  return new Watermark(file, {
    identity,
    syncIntervalMs,
    onFailure: (cause) => {
      throw cause;
    },
    startTimer: startProcessTimer,
  });
}

describe("the watermark", () => {
  it("is missing at first, and then says what was written last", async () => {
    const file = new MemorySlotFile();
    const first = watermarkOver(file);
    expect(await first.open()).to.equal(null);
    await first.create(mark(0, 0));
    for (let index = 1; index <= 10; index++) first.write(mark(index));
    expect(await watermarkOver(file).open()).to.deep.equal(mark(10));
    await first.close();
  });

  it("keeps one slot synced at every moment, also while a sync is under way", async () => {
    const file = new MemorySlotFile();
    const watermark = watermarkOver(file);
    await watermark.create(mark(0, 0));
    let index = 0;
    for (let round = 0; round < 5; round++) {
      watermark.write(mark(++index));
      watermark.write(mark(++index));
      file.holdsSyncs = true;
      const synced = watermark.sync();
      const durable = index;
      watermark.write(mark(++index));
      watermark.write(mark(++index));
      expect(file.unsynced.size).to.be.lessThan(3);
      file.finishSync();
      file.holdsSyncs = false;
      await synced;
      // A power cut that tears every unsynced write leaves at least what the sync covered.
      const torn = new MemorySlotFile();
      torn.bytes = Buffer.from(file.bytes ?? []);
      for (const position of file.unsynced) torn.bytes.fill(0xff, position, position + slotBytes);
      expect((await watermarkOver(torn).open())?.last.index).to.be.at.least(durable);
    }
    await watermark.close();
  });

  it("is durable up to the newest mark after sync, and not synced twice for one", async () => {
    const file = new MemorySlotFile();
    const watermark = watermarkOver(file);
    await watermark.create(mark(0, 0));
    watermark.write(mark(1));
    await Promise.all([watermark.sync(), watermark.sync()]);
    expect(file.syncs).to.equal(1);
    const cut = new MemorySlotFile();
    cut.bytes = file.synced;
    expect(await watermarkOver(cut).open()).to.deep.equal(mark(1));
    await watermark.close();
    expect(file.syncs).to.equal(1);
  });

  it("syncs by itself after the interval", async () => {
    const file = new MemorySlotFile();
    const synced = new Promise<void>((resolve) => {
      const sync = file.sync.bind(file);
      file.sync = () => sync().then(resolve);
    });
    const options = { identity, syncIntervalMs: 1, onFailure: () => {}, startTimer: startProcessTimer };
    const watermark = new Watermark(file, options);
    await watermark.create(mark(0, 0));
    watermark.write(mark(1));
    await synced;
    expect(file.unsynced.size).to.equal(0);
    await watermark.close();
  });

  it("syncs what a killed process has left, when it is opened, and nothing after that", async () => {
    const file = new MemorySlotFile();
    const first = watermarkOver(file);
    await first.create(mark(0, 0));
    first.write(mark(1));
    expect(file.synced?.equals(file.bytes ?? Buffer.alloc(0))).to.equal(false);
    const second = watermarkOver(file);
    expect(await second.open()).to.deep.equal(mark(1));
    expect(file.synced).to.deep.equal(file.bytes);
    expect(second.mark).to.deep.equal(mark(1));
    await second.sync();
    expect(file.syncs).to.equal(1);
    await second.close();
    expect(file.syncs).to.equal(1);
  });

  it("goes on from what it found, and leaves that alone until something newer is synced", async () => {
    const file = new MemorySlotFile();
    const first = watermarkOver(file);
    await first.create(mark(0, 0));
    await first.close();
    // The newest mark lies in another slot each time.
    for (let index = 1; index <= 7; index += 1) {
      const found = Buffer.from(file.bytes ?? []);
      const watermark = watermarkOver(file);
      expect((await watermark.open())?.last.index).to.equal(index - 1);
      watermark.write(mark(index));
      expect((await watermarkOver(file).open())?.last.index, "the later one counts").to.equal(index);
      const torn = new MemorySlotFile();
      torn.bytes = Buffer.from(file.bytes ?? []);
      for (let slot = 0; slot < 3; slot += 1) {
        const [from, to] = [slot * slotBytes, (slot + 1) * slotBytes];
        if (!found.subarray(from, to).equals(torn.bytes.subarray(from, to))) torn.bytes.fill(0xff, from, to);
      }
      expect((await watermarkOver(torn).open())?.last.index, "the write was torn").to.equal(index - 1);
      await watermark.close();
    }
  });

  it("leaves no timer and no open file behind, also when its last sync fails", async () => {
    for (const [isUnderWay, fails] of [
      [false, false],
      [true, false],
      [true, true],
    ] as const) {
      const file = new MemorySlotFile();
      const timers = new Set<() => void>();
      const startTimer = (run: () => void): (() => void) => {
        timers.add(run);
        return () => void timers.delete(run);
      };
      const watermark = new Watermark(file, { identity, syncIntervalMs: 1, onFailure: () => {}, startTimer });
      await watermark.create(mark(0, 0));
      watermark.write(mark(1));
      if (isUnderWay) {
        file.holdsSyncs = true;
        for (const run of timers) {
          timers.delete(run);
          run();
        }
        // It is due again when the sync under way ends, which does not cover it.
        watermark.write(mark(2));
      }
      const closed = watermark.close().then(
        () => "closed",
        (error: unknown) => String(error),
      );
      expect(timers.size, "none is due once it closes").to.equal(0);
      file.holdsSyncs = false;
      file.finishSync(fails ? new StorageError("EIO") : null);
      expect(await closed).to.equal(fails ? "StorageError: EIO" : "closed");
      expect(timers.size).to.equal(0);
      expect(file.closes).to.equal(1);
      if (!fails) expect(file.synced).to.deep.equal(file.bytes);
    }
  });

  it("needs no sync after it was made", async () => {
    const file = new MemorySlotFile();
    const watermark = watermarkOver(file);
    await watermark.create(mark(0, 0));
    await watermark.sync();
    expect(file.syncs).to.equal(0);
    await watermark.close();
  });

  it("waits for its interval again while something is written and not synced, and not longer", async () => {
    const file = new MemorySlotFile();
    const timers: (() => void)[] = [];
    const startTimer = (run: () => void): (() => void) => {
      timers.push(run);
      return () => undefined;
    };
    const watermark = new Watermark(file, { identity, syncIntervalMs: 1, onFailure: () => {}, startTimer });
    const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
    await watermark.create(mark(0, 0));
    watermark.write(mark(1));
    watermark.write(mark(2));
    expect(timers).to.have.length(1);
    file.holdsSyncs = true;
    timers.shift()?.();
    watermark.write(mark(3));
    expect(timers, "a sync is under way").to.have.length(0);
    file.holdsSyncs = false;
    file.finishSync();
    await settled();
    expect(timers, "it did not cover the last").to.have.length(1);
    timers.shift()?.();
    await settled();
    expect(file.unsynced.size).to.equal(0);
    expect(timers).to.have.length(0);
    await watermark.close();
  });

  it("writes and syncs nothing any more once a sync has failed", async () => {
    const file = new MemorySlotFile();
    const watermark = watermarkOver(file);
    await watermark.create(mark(0, 0));
    watermark.write(mark(1));
    file.holdsSyncs = true;
    const synced = rejection(() => watermark.sync());
    file.finishSync(new StorageError("EIO"));
    expect((await synced).message).to.equal("EIO");
    expect(() => watermark.write(mark(2))).to.throw("EIO");
    expect((await rejection(() => watermark.sync())).message).to.equal("EIO");
    expect(file.syncs).to.equal(1);
    await rejection(() => watermark.close());
  });

  it("tells when a sync in the background fails", async () => {
    const file = new MemorySlotFile();
    file.sync = () => Promise.reject(new StorageError("EIO"));
    const failure = await new Promise<unknown>((resolve) => {
      const made = new Watermark(file, {
        identity,
        syncIntervalMs: 1,
        onFailure: resolve,
        startTimer: startProcessTimer,
      });
      void made.create(mark(0, 0)).then(() => made.write(mark(1)));
    });
    expect(failure).to.be.instanceOf(StorageError);
  });

  it("refuses to open when no slot is whole, and takes the newest whole one otherwise", async () => {
    const file = new MemorySlotFile();
    const watermark = watermarkOver(file);
    await watermark.create(mark(3));
    watermark.write(mark(4));
    file.bytes?.writeUInt8(0xff, slotBytes + 35);
    expect(await watermarkOver(file).open()).to.deep.equal(mark(3));
    file.bytes?.writeUInt8(0xff, 35);
    const error = await rejection(() => watermarkOver(file).open());
    expect(error).to.be.instanceOf(StorageError);
    expect(error.message).to.equal("memory/watermark does not verify: none of its slots is whole");
    await watermark.close();
  });

  it("refuses that of another node, cluster or directory", async () => {
    const file = new MemorySlotFile();
    await watermarkOver(file).create(mark(3));
    for (const field of ["nodeId", "clusterId", "incarnation"] as const) {
      const options = {
        identity: { ...identity, [field]: "other" },
        syncIntervalMs,
        onFailure: () => {},
        startTimer: startProcessTimer,
      };
      const error = await rejection(() => new Watermark(file, options).open());
      expect(error.message).to.contain(`belongs to another log: its ${field} is ${identity[field]}, not other`);
    }
  });

  it("does the same on a disk", async () => {
    const directory = await mkdtemp(join(tmpdir(), "balsa-watermark-"));
    const path = join(directory, "watermark");
    const options = { identity, syncIntervalMs, onFailure: () => {}, startTimer: startProcessTimer };
    const watermark = new Watermark(new DiskSlotFile(path), options);
    expect(await watermark.open()).to.equal(null);
    await watermark.create(mark(0, 0));
    for (let index = 1; index <= 5; index++) {
      watermark.write(mark(index));
      await watermark.sync();
    }
    watermark.write(mark(6));
    const other = new Watermark(new DiskSlotFile(path), options);
    expect(await other.open()).to.deep.equal(mark(6));
    await other.close();
    await watermark.close();
    await rm(directory, { recursive: true });
  });
});
