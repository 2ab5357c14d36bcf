import { expect } from "chai";
import fc from "fast-check";
import { afterEach, describe, it } from "mocha";
import { currentKey, metaKey, sessionKey } from "../../../src/kv/keys.ts";
import type { RowChange } from "../../../src/kv/row.ts";
import { KnownRows, type KnownRowsLimits } from "../../../src/storage/state/known-rows.ts";
import { LevelStateStorage } from "../../../src/storage/state/level-state-storage.ts";
import { MemoryStateStorage } from "../../../src/storage/state/memory-state-storage.ts";
import { collectGarbage } from "../../support/garbage.ts";
import { bytes, cleansUp, cleanUp, temporaryDirectory } from "./support.ts";

const limits: KnownRowsLimits = {
  filterBytesMax: 1024 * 1024,
  learnBytesMax: 1000,
  removedMin: 10,
  recentBytes: 8192,
};

/** Rows in memory that remember what was asked of them. */
class AskedStorage extends MemoryStateStorage {
  readonly asked: string[] = [];
  filed = 0;
  scans = 0;
  /** Awaited before rows are written. */
  beforeWrite: () => Promise<void> = () => Promise.resolve();
  /** Awaited before the keys are given. */
  gate: Promise<void> = Promise.resolve();

  override get(key: Uint8Array): Uint8Array | undefined {
    this.asked.push(new TextDecoder().decode(key));
    return super.get(key);
  }

  override async write(rows: readonly RowChange[]): Promise<void> {
    await this.beforeWrite();
    await super.write(rows);
  }

  override async *keys(from: Uint8Array, to: Uint8Array): AsyncIterable<readonly Uint8Array[]> {
    this.scans += 1;
    await this.gate;
    yield* super.keys(from, to);
  }

  filedBytes(): Promise<number> {
    return Promise.resolve(this.filed);
  }
}

function change(key: Uint8Array, value: string | null): RowChange {
  return { key, value: value === null ? null : bytes(value) };
}

function closedGate(): { readonly gate: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { gate, open };
}

const keyOf = (name: string): Uint8Array => currentKey(bytes(name));

describe("the rows that commands read", () => {
  cleansUp();
  const failures: unknown[] = [];
  afterEach(() => void failures.splice(0));

  function known(storage: AskedStorage, changes: Partial<KnownRowsLimits> = {}): KnownRows {
    const rows = new KnownRows(storage, (cause) => failures.push(cause), { ...limits, ...changes });
    cleanUp(() => rows.close());
    return rows;
  }

  it("are not asked of the disk when they surely are not there", async () => {
    const storage = new AskedStorage();
    await storage.write([change(keyOf("old"), "1"), change(sessionKey(bytes("s")), "2")]);
    const rows = known(storage);
    await rows.learnt();
    expect(rows.get(keyOf("new"))).to.equal(undefined);
    expect(rows.get(sessionKey(bytes("t")))).to.equal(undefined);
    expect(storage.asked).to.deep.equal([]);
    expect(rows.get(keyOf("old"))).to.deep.equal(bytes("1"));
    expect(rows.get(sessionKey(bytes("s")))).to.deep.equal(bytes("2"));
    expect(rows.get(metaKey)).to.equal(undefined);
    expect(storage.asked).to.deep.equal(["kold", "ss", "m"]);
  });

  it("are asked of the disk as long as their keys are being read", async () => {
    const storage = new AskedStorage();
    const { gate, open } = closedGate();
    storage.gate = gate;
    await storage.write([change(keyOf("old"), "1")]);
    const rows = known(storage);
    expect(rows.get(keyOf("old"))).to.deep.equal(bytes("1"));
    expect(rows.get(keyOf("new"))).to.equal(undefined);
    expect(storage.asked).to.deep.equal(["kold", "knew"]);
    // Written while the keys are being read, so that the reading may have passed it.
    await rows.write([change(keyOf("late"), "2")]);
    for (let at = 0; at < 100; at++) await rows.write([change(keyOf(`x${at}`), "x".repeat(100))]);
    open();
    await rows.learnt();
    expect(rows.get(keyOf("late"))).to.deep.equal(bytes("2"));
  });

  it("come from memory when they were written lately", async () => {
    const storage = new AskedStorage();
    const rows = known(storage);
    await rows.learnt();
    await rows.write([change(keyOf("a"), "1"), change(keyOf("b"), "2")]);
    await rows.write([change(keyOf("b"), null)]);
    expect(rows.get(keyOf("a"))).to.deep.equal(bytes("1"));
    expect(storage.asked).to.deep.equal([]);
    expect(rows.get(keyOf("b"))).to.equal(undefined);
  });

  it("are learnt anew when most of those that were learnt have gone", async () => {
    const storage = new AskedStorage();
    const rows = known(storage);
    await rows.learnt();
    expect(storage.scans).to.equal(2);
    for (let at = 0; at < 9; at++) {
      await rows.write([change(sessionKey(bytes(`s${at}`)), "1")]);
      await rows.write([change(sessionKey(bytes(`s${at}`)), null)]);
    }
    await rows.learnt();
    expect(storage.scans).to.equal(2);
    expect(rows.get(sessionKey(bytes("s3")))).to.equal(undefined);
    expect(storage.asked).to.deep.equal(["ss3"]);
    await rows.write([change(sessionKey(bytes("s0")), null)]);
    await rows.write([change(keyOf("stays"), "1")]);
    await rows.learnt();
    expect(storage.scans).to.equal(4);
    expect(rows.get(sessionKey(bytes("s3")))).to.equal(undefined);
    expect(storage.asked).to.deep.equal(["ss3"]);
    expect(rows.get(keyOf("stays"))).to.deep.equal(bytes("1"));
  });

  it("are all learnt, also those that are being written meanwhile", async () => {
    const storage = new AskedStorage();
    const rows = known(storage, { removedMin: 2 });
    await rows.learnt();
    const session = sessionKey(bytes("s"));
    const large = "x".repeat(5_000);
    await rows.write([change(session, "1")]);
    // Two that are under way when a third begins to learn.
    const { gate, open } = closedGate();
    storage.beforeWrite = () => gate;
    const before = rows.write([change(session, null), change(session, null), change(keyOf("before"), large)]);
    const during = rows.write([change(keyOf("during"), large)]);
    const after = rows.write([change(keyOf("after"), large)]);
    await new Promise((resolve) => setImmediate(resolve));
    open();
    await Promise.all([before, during, after, rows.learnt()]);
    expect(storage.scans).to.equal(4);
    for (const name of ["before", "during", "after"]) expect(rows.get(keyOf(name)), name).to.deep.equal(bytes(large));
    storage.asked.length = 0;
    expect(rows.get(keyOf("new"))).to.equal(undefined);
    expect(storage.asked).to.deep.equal([]);
  });

  it("leave nothing of a write behind once it is done", async () => {
    const storage = new AskedStorage();
    const rows = known(storage);
    const write = async (): Promise<WeakRef<object>> => {
      const given = {};
      storage.write = () => Promise.resolve(given as unknown as undefined);
      await rows.write([]);
      return new WeakRef(given);
    };
    const first = await write();
    for (let time = 0; time < 3; time++) await write();
    await new Promise((resolve) => setImmediate(resolve));
    await collectGarbage();
    expect(first.deref()).to.equal(undefined);
  });

  it("are all asked of the disk where there are more than can be learnt", async () => {
    const large = new AskedStorage();
    large.filed = 501;
    const many = new AskedStorage();
    const cases: readonly (readonly [AskedStorage, KnownRows])[] = [
      [large, known(large)],
      [many, known(many, { filterBytesMax: 100_000 })],
    ];
    for (const [storage, rows] of cases) {
      await rows.learnt();
      await rows.write([change(keyOf("a"), "1")]);
      expect(rows.get(keyOf("new"))).to.equal(undefined);
      expect(storage.asked).to.deep.equal(["knew"]);
    }
    expect([large.scans, many.scans]).to.deep.equal([0, 2]);
  });

  it("are asked of the disk when their keys cannot be read, and somebody is told", async () => {
    const storage = new AskedStorage();
    storage.gate = Promise.reject(new Error("EIO"));
    const rows = known(storage);
    await rows.learnt();
    expect(failures).to.have.length(1);
    expect(rows.get(keyOf("new"))).to.equal(undefined);
    expect(storage.asked).to.deep.equal(["knew"]);
  });

  it("are read no further once they are closed", async () => {
    const storage = new AskedStorage();
    const { gate, open } = closedGate();
    storage.gate = gate;
    await storage.write([change(keyOf("old"), "1")]);
    const rows = known(storage);
    const closed = rows.close();
    open();
    await closed;
    expect(rows.get(keyOf("new"))).to.equal(undefined);
    expect(storage.asked).to.deep.equal(["knew"]);
    expect(failures).to.deep.equal([]);
  });

  it("are those of the disk, whatever is written, kept or learnt", async () => {
    const batch = fc.array(
      fc.tuple(fc.nat({ max: 30 }), fc.option(fc.oneof(fc.nat({ max: 600 }), fc.constant(5_000)))),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { maxLength: 30 }), async (batches) => {
        const storage = new AskedStorage();
        // So slow that keys which are being read meanwhile miss what is written.
        storage.beforeWrite = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
        const rows = new KnownRows(storage, (cause) => failures.push(cause), { ...limits, removedMin: 3 });
        for (const each of batches) {
          const changes = each.map(([key, length]) =>
            change(keyOf(String(key)), length === null ? null : "x".repeat(length)),
          );
          await rows.write(changes);
          for (let key = 0; key <= 30; key++)
            expect(rows.get(keyOf(String(key)))).to.deep.equal(
              MemoryStateStorage.prototype.get.call(storage, keyOf(String(key))),
            );
        }
        await rows.close();
      }),
      { numRuns: 60 },
    );
    expect(failures).to.deep.equal([]);
  });

  it("are learnt from LevelDB as an earlier process left them", async () => {
    const path = await temporaryDirectory();
    const before = await LevelStateStorage.open(path);
    const written = Array.from({ length: 10_000 }, (_, at) => change(keyOf(`key-${at}`), String(at)));
    await before.write(written);
    await before.close();
    const storage = await LevelStateStorage.open(path);
    const rows = new KnownRows(storage, (cause) => failures.push(cause));
    cleanUp(async () => {
      await rows.close();
      await storage.close();
    });
    await rows.learnt();
    for (const { key, value } of written) expect(rows.get(key)).to.deep.equal(value);
    storage.get = () => {
      throw new Error("the disk was asked");
    };
    expect(rows.get(keyOf("key-10000"))).to.equal(undefined);
    expect(failures).to.deep.equal([]);
  });
});
