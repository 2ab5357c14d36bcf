import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { StorageError } from "../../../src/errors/balsa-error.ts";
import { batchKey, metaKey } from "../../../src/kv/keys.ts";
import { applyBatch } from "../../../src/kv/machine.ts";
import { batchRowsKept, emptyMeta, type StateMeta } from "../../../src/kv/meta.ts";
import { ReadAhead } from "../../../src/kv/read-ahead.ts";
import { inlineJobs } from "../../../src/storage/snapshot/jobs.ts";
import { SnapshotDirectory } from "../../../src/storage/snapshot/snapshot-directory.ts";
import { writeSnapshot } from "../../../src/storage/snapshot/write-snapshot.ts";
import {
  listGenerations,
  makeGeneration,
  readCurrentGeneration,
  removeOtherGenerations,
  writeCurrentGeneration,
} from "../../../src/storage/state/generation.ts";
import { stateDatabaseOptions } from "../../../src/storage/state/level-state-storage.ts";
import { StateGenerations } from "../../../src/storage/state/state-generations.ts";
import type { StateStorage } from "../../../src/storage/state/state-storage.ts";
import {
  apply,
  batchOptions,
  cleansUp,
  cleanUp,
  configurationEntry,
  metadataOf,
  put,
  TestKeeper,
  temporaryDirectory,
} from "./support.ts";

interface Home {
  readonly path: string;
  readonly keeper: TestKeeper;
  readonly snapshots: SnapshotDirectory;
  readonly generations: StateGenerations;
}

async function home(at?: string): Promise<Home> {
  const path = at ?? (await temporaryDirectory());
  const keeper = new TestKeeper();
  const snapshots = await SnapshotDirectory.open(join(path, "snapshots"));
  return {
    path: join(path, "state"),
    keeper,
    snapshots,
    generations: new StateGenerations(join(path, "state"), snapshots, keeper, inlineJobs),
  };
}

async function snapshotOf({ snapshots }: Home, storage: StateStorage, meta: StateMeta): Promise<void> {
  const id = { index: meta.appliedIndex, term: meta.appliedTerm };
  const rows = storage.snapshot();
  const header = { metadata: metadataOf(meta), meta };
  await writeSnapshot(snapshots.makingPath(id), header, rows, inlineJobs, () => false);
  await rows.close();
  await snapshots.adopt(snapshots.makingPath(id), id);
}

describe("generations of the state", () => {
  cleansUp();

  it("begin empty, and continue where they were", async () => {
    const { generations, path, keeper } = await home();
    const first = await generations.open();
    expect(first.meta).to.deep.equal(emptyMeta);
    expect(first.warnings).to.deep.equal([]);
    expect(keeper.paths).to.deep.equal([first.path]);
    const { meta } = await apply(first.storage, first.meta, [configurationEntry(), put("a", "1")]);
    await generations.close(first);
    expect(keeper.paths).to.deep.equal([]);
    const second = await generations.open();
    cleanUp(() => generations.close(second));
    expect(second.meta).to.deep.equal(meta);
    expect(second.generation).to.equal(first.generation);
    expect((await readdir(path)).sort()).to.deep.equal([String(first.generation), "CURRENT"]);
  });

  it("are rebuilt empty when a batch is missing, and say so", async () => {
    const { generations, path } = await home();
    const first = await generations.open();
    let { meta } = first;
    for (const value of ["1", "2", "3", "4"]) meta = (await apply(first.storage, meta, [put("a", value)])).meta;
    await first.storage.write([{ key: batchKey(3), value: null }]);
    await generations.close(first);
    const second = await generations.open();
    cleanUp(() => generations.close(second));
    expect(second.meta).to.deep.equal(emptyMeta);
    expect(second.warnings.join()).to.contain("batch 3 is missing");
    expect((await readdir(path)).sort()).to.deep.equal([String(second.generation), "CURRENT"]);
    expect(second.generation).to.be.above(first.generation);
  });

  const damages: readonly (readonly [string, (storage: StateStorage, meta: StateMeta) => Promise<void>])[] = [
    ["the first batch is gone", (storage) => storage.write([{ key: batchKey(1), value: null }])],
    ["the last batch is gone", (storage, meta) => storage.write([{ key: batchKey(meta.batch), value: null }])],
    ["the row that says where it stands is gone", (storage) => storage.write([{ key: metaKey, value: null }])],
    [
      "the row that says where it stands is damaged",
      async (storage) => {
        const row = Uint8Array.from(storage.get(metaKey) ?? []);
        row[8] = (row[8] ?? 0) ^ 1;
        await storage.write([{ key: metaKey, value: row }]);
      },
    ],
    [
      "a batch is there that it does not stand at",
      (storage, meta) =>
        storage.write([{ key: batchKey(meta.batch + 1), value: storage.get(batchKey(meta.batch)) ?? null }]),
    ],
    [
      "its last batch ends elsewhere",
      (storage, meta) => storage.write([{ key: batchKey(meta.batch), value: storage.get(batchKey(1)) ?? null }]),
    ],
  ];
  for (const [what, damage] of damages)
    it(`are rebuilt from the newest snapshot that verifies when ${what}`, async () => {
      const at = await home();
      const first = await at.generations.open();
      const { meta: covered } = await apply(first.storage, first.meta, [configurationEntry(), put("a", "1")]);
      await snapshotOf(at, first.storage, covered);
      const { meta } = await apply(first.storage, covered, [put("a", "2")]);
      await snapshotOf(at, first.storage, meta);
      const newest = at.snapshots.pathOf({ index: meta.appliedIndex, term: meta.appliedTerm });
      const file = await readFile(newest);
      file[40] = (file[40] ?? 0) ^ 1;
      await writeFile(newest, file);
      await damage(first.storage, meta);
      await at.generations.close(first);

      const second = await at.generations.open();
      cleanUp(() => at.generations.close(second));
      expect(second.warnings).to.have.length(2);
      expect(second.meta).to.deep.equal({ ...covered, batch: 1 });
      const replayed = await apply(second.storage, second.meta, [put("a", "2")]);
      expect(replayed.meta.stateHash).to.equal(meta.stateHash);
    });

  it("leave exactly one valid after a crash at any step of replacing one", async () => {
    const root = await temporaryDirectory();
    const at = await home(root);
    const first = await at.generations.open();
    const { meta } = await apply(first.storage, first.meta, [configurationEntry(), put("a", "1")]);
    await snapshotOf(at, first.storage, meta);
    await at.generations.close(first);
    const old = String(first.generation);

    // The directory was made, and half filled.
    await mkdir(join(at.path, "7"));
    await writeFile(join(at.path, "7", "000003.log"), "half");
    const unfinished = await at.generations.open();
    expect((await readdir(at.path)).sort()).to.deep.equal([old, "CURRENT"]);
    expect(unfinished.meta).to.deep.equal(meta);

    // The new one counts already, the old one was not removed yet.
    const id = { index: meta.appliedIndex, term: meta.appliedTerm };
    const next = await at.generations.buildFrom(id);
    expect((await readdir(at.path)).sort()).to.deep.equal([old, String(next.generation), "CURRENT"].sort());
    await at.generations.close(next);
    await at.generations.close(unfinished);
    const reopened = await at.generations.open();
    expect(reopened.generation).to.equal(next.generation);
    expect(reopened.meta).to.deep.equal({ ...meta, batch: 1 });
    expect((await readdir(at.path)).sort()).to.deep.equal([String(next.generation), "CURRENT"]);
    await at.generations.close(reopened);
  });

  it("are kept below any snapshot, and never made of one that only came from a leader", async () => {
    const at = await home();
    const first = await at.generations.open();
    const { meta: own } = await apply(first.storage, first.meta, [configurationEntry(), put("a", "1")]);
    await snapshotOf(at, first.storage, own);
    const { meta: newer } = await apply(first.storage, own, [put("a", "2")]);
    const id = { index: newer.appliedIndex, term: newer.appliedTerm };
    const rows = first.storage.snapshot();
    await writeSnapshot(
      at.snapshots.incomingPath(id),
      { metadata: metadataOf(newer), meta: newer },
      rows,
      inlineJobs,
      () => false,
    );
    await rows.close();
    await at.snapshots.receive(at.snapshots.incomingPath(id), id);
    await at.generations.close(first);
    await rm(first.path, { recursive: true });
    const second = await at.generations.open();
    expect(second.generation).to.equal(first.generation);
    expect(second.meta).to.deep.equal(emptyMeta);
    expect(second.warnings).to.deep.equal([]);
    await at.generations.close(second);

    await rm(join(at.path, "CURRENT"));
    const third = await at.generations.open();
    cleanUp(() => at.generations.close(third));
    expect(third.meta).to.deep.equal({ ...own, batch: 1 });
  });

  it("keep the old one open and readable until it is retired", async () => {
    const at = await home();
    const first = await at.generations.open();
    const { meta } = await apply(first.storage, first.meta, [configurationEntry(), put("a", "1")]);
    await snapshotOf(at, first.storage, meta);
    const next = await at.generations.buildFrom({ index: meta.appliedIndex, term: meta.appliedTerm });
    cleanUp(() => at.generations.close(next));
    expect(first.storage.get(metaKey)).to.not.equal(undefined);
    expect(at.keeper.paths).to.deep.equal([first.path, next.path]);
    await at.generations.retire(first, next.generation);
    expect(at.keeper.paths).to.deep.equal([next.path]);
    expect((await readdir(at.path)).sort()).to.deep.equal([String(next.generation), "CURRENT"]);
  });
});

describe("the numbered rows", () => {
  it("reach back over two full memtables, also when every batch is the smallest there is", () => {
    const before = { ...emptyMeta, batch: batchRowsKept };
    const empty = { get: () => undefined };
    const readAhead = new ReadAhead();
    const { rows } = applyBatch(before, empty, [{ kind: "noop", term: 1, time: 0 }], { ...batchOptions, readAhead });
    // A memtable holds beside key and value their lengths (a byte each, at least) and a tag of 8 bytes.
    const bytes = rows.reduce((sum, row) => sum + row.key.byteLength + (row.value?.byteLength ?? 0) + 10, 0);
    expect(bytes * batchRowsKept).to.be.above(2 * stateDatabaseOptions.writeBufferSize);
  });
});

describe("the directories of generations", () => {
  cleansUp();

  it("are counted on from the highest there ever was, whether it is still there or not", async () => {
    const path = await temporaryDirectory();
    expect((await makeGeneration(path)).generation).to.equal(1);
    for (const name of ["10", "9", "2x", "x2", "notes"]) await mkdir(join(path, name));
    expect(await listGenerations(path)).to.deep.equal([1, 9, 10]);
    expect((await makeGeneration(path)).generation).to.equal(11);
    await writeCurrentGeneration(path, 40);
    const { generation, path: made } = await makeGeneration(path);
    expect(generation).to.equal(41);
    expect(made).to.equal(join(path, "41"));
    await removeOtherGenerations(path, 10);
    expect((await readdir(path)).sort()).to.deep.equal(["10", "2x", "CURRENT", "notes", "x2"]);
  });
});

describe("the file that names the valid generation", () => {
  cleansUp();

  it("fails with its name when it cannot be read: a state is not rebuilt for that", async () => {
    const path = await temporaryDirectory();
    await mkdir(join(path, "CURRENT"));
    const error = await readCurrentGeneration(path).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(StorageError);
    expect(String(error)).to.contain(`cannot read ${join(path, "CURRENT")}: EISDIR`);
  });

  it("is nothing when any byte of it is wrong", async () => {
    const path = await temporaryDirectory();
    expect(await readCurrentGeneration(path)).to.equal(null);
    await writeCurrentGeneration(path, 12);
    expect(await readCurrentGeneration(path)).to.equal(12);
    const file = await readFile(join(path, "CURRENT"));
    for (let at = 0; at < file.byteLength; at++) {
      const damaged = Uint8Array.from(file);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      await writeFile(join(path, "CURRENT"), damaged);
      expect(await readCurrentGeneration(path)).to.equal(null);
    }
  });
});
