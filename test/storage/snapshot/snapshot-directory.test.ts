import { readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { StorageError } from "../../../src/errors/balsa-error.ts";
import { SnapshotDirectory } from "../../../src/storage/snapshot/snapshot-directory.ts";
import { cleansUp, temporaryDirectory } from "../state/support.ts";

describe("the directory of snapshots", () => {
  cleansUp();

  it("removes what was not finished, and keeps the newest two", async () => {
    const path = await temporaryDirectory();
    await writeFile(join(path, "making-4-1"), "half");
    await writeFile(join(path, "incoming-4-1"), "half");
    const directory = await SnapshotDirectory.open(path);
    expect(await readdir(path)).to.deep.equal([]);
    for (const index of [9, 10, 100]) {
      await writeFile(directory.makingPath({ index, term: 1 }), "whole");
      await directory.adopt(directory.makingPath({ index, term: 1 }), { index, term: 1 });
    }
    expect(await directory.list()).to.deep.equal([
      { index: 100, term: 1 },
      { index: 10, term: 1 },
    ]);
  });

  it("keeps the one that the log names, and its own beside any number of received ones", async () => {
    const directory = await SnapshotDirectory.open(await temporaryDirectory());
    const make = async (index: number): Promise<void> => {
      await writeFile(directory.makingPath({ index, term: 1 }), "own");
      await directory.adopt(directory.makingPath({ index, term: 1 }), { index, term: 1 });
    };
    await make(10);
    await make(20);
    const again = await SnapshotDirectory.open(directory.path);
    await again.keepRecorded({ index: 10, term: 1 });
    for (const index of [31, 32, 33, 34, 35, 36]) {
      await writeFile(again.incomingPath({ index, term: 1 }), "a leader's");
      await again.receive(again.incomingPath({ index, term: 1 }), { index, term: 1 });
    }
    expect((await again.list()).map(({ index }) => index)).to.deep.equal([20, 10]);
    await writeFile(again.makingPath({ index: 30, term: 1 }), "own");
    await again.adopt(again.makingPath({ index: 30, term: 1 }), { index: 30, term: 1 });
    expect((await again.list()).map(({ index }) => index)).to.deep.equal([30, 20, 10]);
    expect(await readdir(again.path)).to.have.length(3 + 4);
    await again.takeOn({ index: 35, term: 1 });
    expect((await readdir(again.path)).sort()).to.deep.equal(["30-1.snap", "35-1.snap", "36-1.received"]);
  });

  it("removes what an earlier process received once the core begins, but for what has come again", async () => {
    const path = await temporaryDirectory();
    for (const index of [5, 6, 7]) await writeFile(join(path, `${index}-1.received`), "old");
    const directory = await SnapshotDirectory.open(path);
    expect(await readdir(path)).to.have.length(3);
    await directory.takeOn({ index: 5, term: 1 });
    await writeFile(directory.incomingPath({ index: 6, term: 1 }), "new");
    await directory.receive(directory.incomingPath({ index: 6, term: 1 }), { index: 6, term: 1 });
    await directory.keepRecorded({ index: 5, term: 1 });
    expect((await readdir(path)).sort()).to.deep.equal(["5-1.snap", "6-1.received"]);
  });

  it("removes what was received once its own snapshot is as new, and nothing newer", async () => {
    const directory = await SnapshotDirectory.open(await temporaryDirectory());
    for (const index of [4, 5, 6]) {
      await writeFile(directory.incomingPath({ index, term: 1 }), "a leader's");
      await directory.receive(directory.incomingPath({ index, term: 1 }), { index, term: 1 });
    }
    await writeFile(directory.makingPath({ index: 5, term: 1 }), "own");
    await directory.adopt(directory.makingPath({ index: 5, term: 1 }), { index: 5, term: 1 });
    expect((await readdir(directory.path)).sort()).to.deep.equal(["5-1.snap", "6-1.received"]);
  });

  it("lists its files by index, then by term, the newest first", async () => {
    const directory = await SnapshotDirectory.open(await temporaryDirectory());
    const ids = [
      [3, 1],
      [20, 2],
      [3, 4],
      [20, 1],
      [4, 1],
    ].map(([index = 0, term = 0]) => ({ index, term }));
    for (const id of ids) await writeFile(directory.pathOf(id), "whole");
    for (const name of ["5-1.snap.old", "x5-1.snap", "6-1.received"]) await writeFile(join(directory.path, name), "no");
    expect((await directory.list()).map(({ index, term }) => [index, term])).to.deep.equal([
      [20, 2],
      [20, 1],
      [4, 1],
      [3, 4],
      [3, 1],
    ]);
  });

  it("lets its own go once a leader's has been taken on in its place", async () => {
    const directory = await SnapshotDirectory.open(await temporaryDirectory());
    const make = async (index: number): Promise<void> => {
      await writeFile(directory.makingPath({ index, term: 1 }), "own");
      await directory.adopt(directory.makingPath({ index, term: 1 }), { index, term: 1 });
    };
    await make(10);
    await writeFile(directory.incomingPath({ index: 20, term: 1 }), "a leader's");
    await directory.receive(directory.incomingPath({ index: 20, term: 1 }), { index: 20, term: 1 });
    expect(await directory.takeOn({ index: 20, term: 1 })).to.equal(directory.pathOf({ index: 20, term: 1 }));
    await make(30);
    expect((await directory.list()).map(({ index }) => index)).to.deep.equal([30, 20]);
    await make(40);
    expect((await directory.list()).map(({ index }) => index)).to.deep.equal([40, 30]);
  });

  it("keeps the last four that wait, each counted once, and none of those that were overtaken", async () => {
    const directory = await SnapshotDirectory.open(await temporaryDirectory());
    const receive = async (index: number): Promise<void> => {
      await writeFile(directory.incomingPath({ index, term: 1 }), "a leader's");
      await directory.receive(directory.incomingPath({ index, term: 1 }), { index, term: 1 });
    };
    const waiting = async (): Promise<string[]> =>
      (await readdir(directory.path)).filter((name) => name.endsWith(".received")).sort();
    for (const index of [31, 32, 31, 31, 33]) await receive(index);
    await receive(34);
    expect(await waiting()).to.deep.equal([31, 32, 33, 34].map((index) => `${index}-1.received`));
    await writeFile(directory.makingPath({ index: 32, term: 1 }), "own");
    await directory.adopt(directory.makingPath({ index: 32, term: 1 }), { index: 32, term: 1 });
    for (const index of [35, 36]) await receive(index);
    expect(await waiting()).to.deep.equal([33, 34, 35, 36].map((index) => `${index}-1.received`));
  });

  it("fails with the file's name where it cannot be read", async () => {
    const directory = await SnapshotDirectory.open(await temporaryDirectory());
    const id = { index: 3, term: 1 };
    const loop = directory.pathOf(id);
    await symlink(loop, loop);
    const error = await directory.readChunk(id, 0, 1).catch((cause: unknown) => cause);
    expect(error).to.be.instanceOf(StorageError);
    expect(String(error)).to.contain(`cannot read the snapshot ${loop}: ELOOP`);
  });

  it("reads chunks by offset, and says where the file ends", async () => {
    const directory = await SnapshotDirectory.open(await temporaryDirectory());
    const id = { index: 3, term: 1 };
    await writeFile(directory.pathOf(id), "0123456789");
    const text = async (offset: number, bytesMax: number): Promise<unknown> => {
      const chunk = await directory.readChunk(id, offset, bytesMax);
      return chunk === null ? null : [new TextDecoder().decode(chunk.bytes), chunk.last];
    };
    expect(await text(0, 4)).to.deep.equal(["0123", false]);
    expect(await text(4, 6)).to.deep.equal(["456789", true]);
    expect(await text(8, 100)).to.deep.equal(["89", true]);
    expect(await text(10, 1)).to.equal(null);
    expect(await directory.readChunk({ index: 4, term: 1 }, 0, 1)).to.equal(null);
  });
});
