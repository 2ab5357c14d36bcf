import { expect } from "chai";
import { describe, it } from "mocha";
import { StorageError } from "../../../src/errors/balsa-error.ts";
import { LevelStateStorage, openStateDatabase } from "../../../src/storage/state/level-state-storage.ts";
import { MemoryStateStorage } from "../../../src/storage/state/memory-state-storage.ts";
import type { Row, StateStorage } from "../../../src/storage/state/state-storage.ts";
import { bytes, cleansUp, cleanUp, temporaryDirectory } from "./support.ts";

async function openLevel(): Promise<StateStorage> {
  const storage = await LevelStateStorage.open(await temporaryDirectory());
  cleanUp(() => storage.close());
  return storage;
}

function words(rows: readonly Row[]): string[] {
  return rows.map(({ key, value }) => `${new TextDecoder().decode(key)}=${new TextDecoder().decode(value)}`);
}

function row(key: string, value: string | null): { key: Uint8Array; value: Uint8Array | null } {
  return { key: bytes(key), value: value === null ? null : bytes(value) };
}

const all = { from: bytes("a"), to: bytes("z"), rowsMax: 1000, bytesMax: 1_000_000 };

const storages: readonly (readonly [string, () => Promise<StateStorage>])[] = [
  ["LevelDB", openLevel],
  ["memory", async () => new MemoryStateStorage()],
];

for (const [name, open] of storages)
  describe(`the storage of the state: ${name}`, () => {
    cleansUp();

    it("gives what was written last, and nothing of what was deleted", async () => {
      const storage = await open();
      expect(storage.get(bytes("b"))).to.equal(undefined);
      await storage.write([row("b", "1"), row("c", "2"), row("d", "")]);
      await storage.write([row("b", "3"), row("c", null), row("missing", null)]);
      expect(words(await storage.read(all))).to.deep.equal(["b=3", "d="]);
      expect(storage.get(bytes("d"))?.byteLength).to.equal(0);
    });

    it("takes an empty batch", async () => {
      const storage = await open();
      await storage.write([]);
      expect(await storage.read(all)).to.deep.equal([]);
    });

    it("reads ranges in order of bytes, up to either bound, one row at least", async () => {
      const storage = await open();
      const keys = Array.from({ length: 50 }, (_, number) => Uint8Array.of(0x62, (number * 37) % 251));
      await storage.write(keys.map((key) => ({ key, value: new Uint8Array(100) })));
      await storage.write([row("a", "below"), row("c", "above")]);
      const range = { from: Uint8Array.of(0x62), to: Uint8Array.of(0x63), rowsMax: 1000, bytesMax: 1_000_000 };
      const read = (await storage.read(range)).map(({ key }) => key[1] ?? 0);
      expect(read).to.deep.equal(keys.map((key) => key[1] ?? 0).sort((one, other) => one - other));
      expect(await storage.read({ ...range, rowsMax: 7 })).to.have.length(7);
      expect(await storage.read({ ...range, bytesMax: 250 })).to.have.length(3);
      expect(await storage.read({ ...range, bytesMax: 1 })).to.have.length(1);
      // A row is 102 bytes.
      expect(await storage.read({ ...range, bytesMax: 204 }), "met exactly").to.have.length(2);
      expect(await storage.read({ ...range, bytesMax: 205 })).to.have.length(3);
      const backward = (await storage.read({ ...range, order: "desc" })).map(({ key }) => key[1] ?? 0);
      expect(backward).to.deep.equal(read.toReversed());
      expect(await storage.read({ ...range, from: Uint8Array.of(0x62, read[40] ?? 0) })).to.have.length(10);
      expect(await storage.read({ ...range, to: Uint8Array.of(0x62, read[40] ?? 0) })).to.have.length(40);
    });

    it("gives the keys of a range in order", async () => {
      const storage = await open();
      await storage.write([row("d", "4"), row("b", "2"), row("c", "3"), row("y", "5")]);
      const keys: string[] = [];
      for await (const piece of storage.keys(bytes("b"), bytes("d")))
        keys.push(...piece.map((key) => new TextDecoder().decode(key)));
      expect(keys).to.deep.equal(["b", "c"]);
    });

    it("gives many keys of a range, each once", async () => {
      const storage = await open();
      const names = Array.from({ length: 9000 }, (_, at) => `b${String(at).padStart(4, "0")}`);
      await storage.write(names.map((name) => row(name, "")));
      const keys: string[] = [];
      for await (const piece of storage.keys(bytes("b"), bytes("c"))) {
        expect(piece.length).to.be.at.least(1);
        keys.push(...piece.map((key) => new TextDecoder().decode(key)));
      }
      expect(keys).to.deep.equal(names);
    });

    it("has snapshots that later writes do not reach", async () => {
      const storage = await open();
      await storage.write([row("b", "1"), row("c", "2")]);
      const snapshot = storage.snapshot();
      await storage.write([row("b", "changed"), row("c", null), row("d", "new")]);
      expect(new TextDecoder().decode(snapshot.get(bytes("b")))).to.equal("1");
      expect(snapshot.get(bytes("d"))).to.equal(undefined);
      expect(words(await snapshot.next(1_000_000))).to.deep.equal(["b=1", "c=2"]);
      expect(await snapshot.next(1_000_000)).to.deep.equal([]);
      await snapshot.close();
    });

    it("gives the rows of a snapshot in pieces of about as many bytes as it is asked for", async () => {
      const storage = await open();
      const names = Array.from({ length: 3000 }, (_, at) => `b${String(at).padStart(4, "0")}`);
      await storage.write(names.map((name) => row(name, "x".repeat(95))));
      const snapshot = storage.snapshot();
      const found: string[] = [];
      let pieces = 0;
      for (let rows = await snapshot.next(10_000); rows.length > 0; rows = await snapshot.next(10_000)) {
        expect(rows.length).to.be.within(100, 1000);
        found.push(...rows.map(({ key }) => new TextDecoder().decode(key)));
        pieces += 1;
      }
      expect(found).to.deep.equal(names);
      expect(pieces).to.be.within(3, 30);
      await snapshot.close();
    });

    it("keeps what it was given when the caller changes its bytes", async () => {
      const storage = await open();
      const value = bytes("one");
      await storage.write([{ key: bytes("b"), value }]);
      value[0] = 0x78;
      expect(words(await storage.read(all))).to.deep.equal(["b=one"]);
    });
  });

describe("the storage of the state in LevelDB", () => {
  cleansUp();

  it("has after reopening what was written before", async () => {
    const path = await temporaryDirectory();
    const first = await LevelStateStorage.open(path);
    await first.write([row("b", "1")]);
    await first.close();
    const second = await LevelStateStorage.open(path);
    cleanUp(() => second.close());
    expect(words(await second.read(all))).to.deep.equal(["b=1"]);
  });

  /** A storage whose batches are written by `write`, which is told whether they are to be synced. */
  async function openWatched(
    write: (sync: boolean | undefined, go: () => Promise<void>) => Promise<void>,
  ): Promise<LevelStateStorage> {
    const database = await openStateDatabase(await temporaryDirectory());
    const makeBatch = database.batch.bind(database);
    const watched = (): ReturnType<typeof makeBatch> => {
      const batch = makeBatch();
      const go = batch.write.bind(batch);
      const writeWatched = (options: { readonly sync?: boolean } = {}): Promise<void> =>
        write(options.sync, () => go(options));
      return Object.assign(batch, { write: writeWatched });
    };
    Object.assign(database, { batch: watched });
    const storage = new LevelStateStorage(database);
    cleanUp(() => storage.close());
    return storage;
  }

  it("writes nothing after a write that has failed, though the disk would take it again", async () => {
    let fails = true;
    const storage = await openWatched((_, go) => (fails ? Promise.reject(new Error("ENOSPC")) : go()));
    const failed = await storage.write([row("b", "1")]).catch((error: unknown) => error);
    expect(failed).to.be.instanceOf(StorageError);
    expect(String(failed)).to.contain("cannot write the state");
    fails = false;
    for (const write of [storage.write([row("c", "1")]), storage.writeSynced([row("d", "1")])]) {
      const refused = await write.catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(StorageError);
      expect(String(refused)).to.contain("a write of the state has failed before");
    }
    expect(await storage.read(all)).to.deep.equal([]);
  });

  it("syncs what is to outlive the machine, and nothing else", async () => {
    const synced: unknown[] = [];
    const storage = await openWatched((sync, go) => {
      synced.push(sync);
      return go();
    });
    await storage.write([row("b", "1")]);
    await storage.writeSynced([row("c", "2")]);
    expect(synced).to.deep.equal([false, true]);
    expect(words(await storage.read(all))).to.deep.equal(["b=1", "c=2"]);
  });

  it("fails with a StorageError when it cannot write, and writes nothing afterwards", async () => {
    const storage = await LevelStateStorage.open(await temporaryDirectory());
    await storage.close();
    for (let attempt = 0; attempt < 2; attempt++)
      expect(await storage.write([row("b", "1")]).catch((error: unknown) => error)).to.be.instanceOf(Error);
    expect(() => storage.get(bytes("b"))).to.throw(StorageError);
  });
});
