import { expect } from "chai";
import { afterEach, describe, it } from "mocha";
import { Reclaim } from "../../../src/actors/store/reclaim.ts";
import { DroppedSpace, type SpacedRows } from "../../../src/storage/state/dropped-space.ts";
import { applyMessage, command, put, Stepped } from "./support.ts";

const bounds = { bytesMin: 10, stepBytesMax: 100, busyBytesMin: 1000 };

/** Files that hold so many bytes of dropped rows, whatever is asked for; a piece of them goes when it is told to. */
class FilesDouble implements SpacedRows {
  filed = 0;
  writtenBytes = 0;
  pieces = 0;
  failure: Error | null = null;
  /** Done at the beginning of each piece. */
  onPiece: () => void = () => undefined;

  async filedBytes(from: Uint8Array): Promise<number> {
    return from[0] === "h".charCodeAt(0) ? this.filed : 0;
  }

  async write(): Promise<void> {
    throw new Error("what can be reclaimed at once needs no help");
  }

  async reclaim(): Promise<void> {
    this.pieces++;
    this.onPiece();
    if (this.failure !== null) throw this.failure;
    this.filed = this.filed > 100 ? Math.floor(this.filed / 3) : 0;
  }
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 10_000;
  while (!isSo()) {
    if (performance.now() > giveUpAt) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

describe("the space of what the store has dropped", () => {
  const open: Reclaim[] = [];
  const failures: unknown[] = [];

  function reclaimOf(files: FilesDouble): Reclaim {
    const reclaim = new Reclaim(new DroppedSpace(files, 1, bounds), (cause) => failures.push(cause), 1);
    open.push(reclaim);
    return reclaim;
  }

  afterEach(async () => {
    for (const reclaim of open.splice(0)) await reclaim.close();
    failures.length = 0;
  });

  it("is looked for after the start, and again after each drop, until nothing is left", async () => {
    const files = new FilesDouble();
    files.filed = 1000;
    const reclaim = reclaimOf(files);
    await until("what an earlier process has left", () => files.filed === 0);
    expect(files.pieces).to.equal(4);
    files.filed = 50;
    reclaim.onDropped(2, 0);
    await until("what was dropped now", () => files.filed === 0);
    expect(files.pieces).to.equal(5);
    expect(failures).to.deep.equal([]);
  });

  it("is looked for again when rows were dropped during the last piece", async () => {
    const files = new FilesDouble();
    files.filed = 50;
    const reclaim = reclaimOf(files);
    let dropped = 0;
    files.onPiece = () => {
      if (dropped++ === 0) reclaim.onDropped(2, 0);
    };
    await until("the first piece", () => files.pieces === 1 && files.filed === 0);
    files.filed = 50;
    await until("the second", () => files.pieces === 2 && files.filed === 0);
  });

  it("fails the store when the disk does, and is left alone once it is closed", async () => {
    const files = new FilesDouble();
    files.filed = 50;
    files.failure = new Error("the disk is broken");
    const reclaim = reclaimOf(files);
    await until("the failure", () => failures.length === 1);
    expect(failures).to.deep.equal([files.failure]);
    await reclaim.close();
    reclaim.onDropped(2, 0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(files.pieces).to.equal(1);
  });

  it("is asked for with the batch that drops, and with how much the deleted keys held", async () => {
    const store = new Stepped();
    const key = new TextEncoder().encode("a");
    const removal = command({ kind: "delete", key, condition: { kind: "none" } }, 2);
    store.raft(applyMessage([put(1, "a", "x".repeat(1000)), removal, command({ kind: "compact", revision: 2 }, 3)]));
    await store.finishWrite();
    const { tasks, write } = await store.readHistory();
    expect(write?.meta.historyFrom).to.equal(2);
    const [asked] = tasks.filter(({ kind }) => kind === "reclaim");
    expect(asked).to.include({ kind: "reclaim", historyFrom: 2 });
    expect(asked?.kind === "reclaim" ? asked.deletedBytes : 0).to.be.within(1000, 1100);
  });
});
