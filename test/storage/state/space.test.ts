import { randomBytes } from "node:crypto";
import { expect } from "chai";
import fc from "fast-check";
import { describe, it } from "mocha";
import { compareBytes, currentKey, historyKey } from "../../../src/kv/keys.ts";
import { between, DroppedSpace, type SpaceBounds } from "../../../src/storage/state/dropped-space.ts";
import { LevelStateStorage } from "../../../src/storage/state/level-state-storage.ts";
import { bytesIn } from "../../support/directory-bytes.ts";
import { bytes, cleansUp, cleanUp, temporaryDirectory } from "./support.ts";

const mebi = 1024 * 1024;
const bounds: SpaceBounds = { bytesMin: mebi, stepBytesMax: 4 * mebi, busyBytesMin: 8 * mebi };
const chunks = 1200;
const chunkBytes = 20_000;

function chunkKey(at: number): Uint8Array {
  return historyKey({ revision: at, ordinal: 0 });
}

function userKey(at: number): Uint8Array {
  return currentKey(bytes(`key ${String(at).padStart(5, "0")}`));
}

/** Some 24 MB of rows, beside a few that stay, in batches of a hundred; in files when it resolves. */
async function fill(storage: LevelStateStorage, keyOf: (at: number) => Uint8Array): Promise<void> {
  for (let first = 1; first <= chunks; first += 100) {
    const numbers = Array.from({ length: 100 }, (_, at) => first + at);
    await storage.write([
      ...numbers.map((at) => ({ key: keyOf(at), value: randomBytes(chunkBytes) })),
      { key: currentKey(bytes(`stays ${first}`)), value: bytes("here") },
    ]);
  }
  // LevelDB moves all that is in memory to files first, whatever range is named.
  await storage.reclaim(Uint8Array.of(0), Uint8Array.of(1));
}

async function drop(storage: LevelStateStorage, keyOf: (at: number) => Uint8Array): Promise<void> {
  await storage.write(Array.from({ length: chunks }, (_, at) => ({ key: keyOf(at + 1), value: null })));
}

/** Steps as long as there is more to do; gives how many, and how the last one ended. */
async function stepAll(space: DroppedSpace): Promise<{ steps: number; last: string }> {
  for (let steps = 1; ; steps++) {
    const last = await space.step();
    if (last !== "more") return { steps, last };
  }
}

async function expectWhatStays(storage: LevelStateStorage): Promise<void> {
  const range = { from: currentKey(bytes("stays")), to: currentKey(bytes("t")), rowsMax: 1000, bytesMax: mebi };
  expect(await storage.read(range)).to.have.length(chunks / 100);
}

describe("the space of the dropped history", () => {
  cleansUp();

  async function opened(path: string): Promise<LevelStateStorage> {
    const storage = await LevelStateStorage.open(path);
    cleanUp(() => storage.close());
    return storage;
  }

  it("comes back in a store at rest, in pieces, and costs no row that stays", async () => {
    const path = await temporaryDirectory();
    const storage = await opened(path);
    await fill(storage, chunkKey);
    await drop(storage, chunkKey);
    expect(await bytesIn(path)).to.be.greaterThan(20_000_000);
    const space = new DroppedSpace(storage, 0, bounds);
    expect(await space.step(), "nothing is dropped yet, as far as it knows").to.equal("done");
    space.onDropped(chunks + 1, 0);
    const { steps, last } = await stepAll(space);
    expect(last).to.equal("done");
    expect(steps).to.be.greaterThan(1);
    expect(await bytesIn(path)).to.be.lessThan(2_000_000);
    await expectWhatStays(storage);
  });

  it("comes back after the snapshot that still shows it has ended", async () => {
    const path = await temporaryDirectory();
    const storage = await opened(path);
    await fill(storage, chunkKey);
    const snapshot = storage.snapshot();
    await drop(storage, chunkKey);
    const space = new DroppedSpace(storage, chunks + 1, bounds);
    expect((await stepAll(space)).last).to.equal("later");
    expect(snapshot.get(chunkKey(7))).to.have.length(chunkBytes);
    await snapshot.close();
    expect((await stepAll(space)).last).to.equal("done");
    expect(await bytesIn(path)).to.be.lessThan(2_000_000);
  });

  it("is left to LevelDB while much is written", async () => {
    const storage = await opened(await temporaryDirectory());
    const space = new DroppedSpace(storage, chunks + 1, bounds);
    await fill(storage, chunkKey);
    await drop(storage, chunkKey);
    expect(await space.step()).to.equal("later");
    expect(await space.step()).to.equal("more");
  });
});

describe("the space of deleted keys", () => {
  cleansUp();

  it("comes back with their rows when they were most of what was there, and not before", async () => {
    const path = await temporaryDirectory();
    const storage = await LevelStateStorage.open(path);
    cleanUp(() => storage.close());
    await fill(storage, userKey);
    await drop(storage, userKey);
    const space = new DroppedSpace(storage, 0, bounds);
    space.onDropped(5, 4 * mebi);
    expect(await space.step(), "a lesser part").to.equal("done");
    expect(await bytesIn(path)).to.be.greaterThan(20_000_000);
    space.onDropped(chunks, chunks * chunkBytes - 4 * mebi);
    const { steps } = await stepAll(space);
    expect(steps).to.be.greaterThan(1);
    expect(await bytesIn(path)).to.be.lessThan(2_000_000);
    await expectWhatStays(storage);
    expect(await stepAll(space), "once").to.deep.equal({ steps: 1, last: "done" });
  });
});

describe("a key between two others", () => {
  it("is above the one and below the other, until there is none", () => {
    const key = fc.uint8Array({ minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(key, key, (one, other) => {
        const [low, high] = compareBytes(one, other) <= 0 ? [one, other] : [other, one];
        const middle = between(low, high);
        if (middle === null) return;
        expect(compareBytes(low, middle)).to.be.lessThan(0);
        expect(compareBytes(middle, high)).to.be.lessThan(0);
      }),
    );
    const [low, high] = [historyKey({ revision: 0, ordinal: 0 }), historyKey({ revision: 1000, ordinal: 0 })];
    expect(between(low, high)).to.deep.equal(historyKey({ revision: 500, ordinal: 0 }).subarray(0, 13));
  });
});
