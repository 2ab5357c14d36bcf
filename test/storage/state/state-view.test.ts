import { expect } from "chai";
import { describe, it } from "mocha";
import { StorageError } from "../../../src/errors/balsa-error.ts";
import { currentKey } from "../../../src/kv/keys.ts";
import { emptyMeta, type StateMeta } from "../../../src/kv/meta.ts";
import { LevelStateStorage } from "../../../src/storage/state/level-state-storage.ts";
import { LevelStateView, RowStateView } from "../../../src/storage/state/level-state-view.ts";
import { MemoryStateStorage } from "../../../src/storage/state/memory-state-storage.ts";
import { apply, bytes, cleansUp, cleanUp, del, put, temporaryDirectory } from "./support.ts";

class Cells {
  revisionApplied = 0;
  compactedRevision = 0;

  get(cell: "revisionApplied" | "compactedRevision"): number {
    return this[cell];
  }
}

function read(view: RowStateView, key: string): { revision: number; value: string | undefined } {
  const { revision, record } = view.read(bytes(key));
  return { revision, value: record === undefined ? undefined : new TextDecoder().decode(record.value) };
}

function viewOn(storage: MemoryStateStorage, cells: Cells): RowStateView {
  return new RowStateView(
    (key) => storage.get(key),
    cells,
    async () => undefined,
    () => storage.moment(),
  );
}

describe("the view of the state", () => {
  it("gives each value with a revision at which it was the key's value, and never goes back", async () => {
    const storage = new MemoryStateStorage();
    const cells = new Cells();
    const view = viewOn(storage, cells);
    let meta: StateMeta = (await apply(storage, emptyMeta, [put("a", "1"), put("b", "1")])).meta;
    cells.revisionApplied = meta.revision;
    expect(read(view, "a")).to.deep.equal({ revision: 2, value: "1" });

    // Written, and not on the board yet.
    meta = (await apply(storage, meta, [put("c", "1"), put("a", "2"), del("b"), put("d", "1")])).meta;
    expect(read(view, "missing")).to.deep.equal({ revision: 2, value: undefined });
    expect(read(view, "a")).to.deep.equal({ revision: 4, value: "2" });
    expect(read(view, "c")).to.deep.equal({ revision: 4, value: "1" });
    expect(read(view, "b")).to.deep.equal({ revision: 5, value: undefined });
    expect(view.revision()).to.equal(5);

    cells.revisionApplied = meta.revision;
    expect(read(view, "a")).to.deep.equal({ revision: 6, value: "2" });
  });

  it("starts at the revision of its generation, which may be ahead of the board", async () => {
    const storage = new MemoryStateStorage();
    await apply(storage, emptyMeta, [put("a", "1"), put("a", "2")]);
    const view = viewOn(storage, new Cells());
    expect(view.revision()).to.equal(2);
    expect(read(view, "missing")).to.deep.equal({ revision: 2, value: undefined });
  });

  it("opens moments of the same rows, which stay as they are", async () => {
    const storage = new MemoryStateStorage();
    const { meta } = await apply(storage, emptyMeta, [put("a", "1")]);
    const moment = viewOn(storage, new Cells()).moment();
    await apply(storage, meta, [put("a", "2")]);
    expect(moment.revision).to.equal(1);
    expect(new TextDecoder().decode(moment.get(bytes("a"))?.value)).to.equal("1");
    await moment.close();
  });

  it("gives nothing older after a moment than the moment is", async () => {
    const storage = new MemoryStateStorage();
    const view = viewOn(storage, new Cells());
    await apply(storage, emptyMeta, [put("a", "1"), put("a", "2")]);
    const moment = view.moment();
    expect(moment.revision).to.equal(2);
    expect(view.revision()).to.equal(2);
    await moment.close();
  });

  it("does not say that a key was missing at a revision whose deletions it cannot see any more", async () => {
    const storage = new MemoryStateStorage();
    const cells = new Cells();
    const { meta } = await apply(storage, emptyMeta, [put("a", "1")]);
    cells.revisionApplied = 1;
    // The reader took revision 1 from the board; before it reads the row, the key is deleted and its row trimmed.
    let hasRun = false;
    const view = new RowStateView(
      (key) => {
        if (!hasRun && key[0] === currentKey(bytes("a"))[0]) {
          hasRun = true;
          cells.revisionApplied = 2;
          cells.compactedRevision = 2;
          return undefined;
        }
        return key[0] === currentKey(bytes("a"))[0] ? undefined : storage.get(key);
      },
      cells,
      async () => undefined,
      () => storage.moment(),
    );
    expect(meta.revision).to.equal(1);
    expect(read(view, "a")).to.deep.equal({ revision: 2, value: undefined });
  });

  it("never answers a record that does not verify", async () => {
    const storage = new MemoryStateStorage();
    await apply(storage, emptyMeta, [put("a", "value"), put("b", "value")]);
    const view = viewOn(storage, new Cells());
    const rowKey = currentKey(bytes("a"));
    const row = storage.get(rowKey);
    if (row === undefined) throw new Error("the key is there");
    for (let at = 0; at < row.byteLength; at++) {
      const damaged = Uint8Array.from(row);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      await storage.write([{ key: rowKey, value: damaged }]);
      expect(() => view.read(bytes("a"))).to.throw(StorageError);
    }
    await storage.write([{ key: rowKey, value: storage.get(currentKey(bytes("b"))) ?? null }]);
    expect(() => view.read(bytes("a"))).to.throw(StorageError);
    await storage.write([{ key: rowKey, value: row }]);
    expect(read(view, "a").value).to.equal("value");
  });
});

describe("the view of the state in LevelDB", () => {
  cleansUp();

  it("reads through its own handle what the store writes through another", async () => {
    const path = await temporaryDirectory();
    const storage = await LevelStateStorage.open(path);
    cleanUp(() => storage.close());
    const cells = new Cells();
    const view = await LevelStateView.open(path, cells);
    cleanUp(() => view.close());
    expect(read(view, "a")).to.deep.equal({ revision: 0, value: undefined });
    const { meta } = await apply(storage, emptyMeta, [put("a", "1"), put("b", "2"), del("a")]);
    cells.revisionApplied = meta.revision;
    expect(read(view, "a")).to.deep.equal({ revision: 3, value: undefined });
    expect(read(view, "b")).to.deep.equal({ revision: 3, value: "2" });
  });
});
