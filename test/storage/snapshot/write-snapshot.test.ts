import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { StorageError } from "../../../src/errors/balsa-error.ts";
import { rowPrefixes } from "../../../src/kv/keys.ts";
import { emptyMeta } from "../../../src/kv/meta.ts";
import type { Row } from "../../../src/kv/row.ts";
import { inspectSnapshot } from "../../../src/storage/snapshot/job.ts";
import { blocksInFlightMax, inlineJobs, type SnapshotJobs } from "../../../src/storage/snapshot/jobs.ts";
import { writeSnapshot } from "../../../src/storage/snapshot/write-snapshot.ts";
import { MemoryStateStorage } from "../../../src/storage/state/memory-state-storage.ts";
import type { StateSnapshot } from "../../../src/storage/state/state-storage.ts";
import { rejection } from "../log/fixtures.ts";
import { cleansUp, metadataOf, temporaryDirectory } from "../state/support.ts";

const header = { metadata: metadataOf(emptyMeta), meta: emptyMeta };
const isStopped = (): boolean => false;

/** Gives so many pieces of one row each. */
function pieces(count: number): StateSnapshot {
  const left: Row[] = Array.from({ length: count }, (_, at) => ({
    key: Uint8Array.of(1, at),
    value: Uint8Array.of(at),
  }));
  return {
    get: () => undefined,
    next: async () => left.splice(0, 1),
    close: async () => undefined,
  };
}

describe("making a snapshot file", () => {
  cleansUp();

  it("has a few blocks at once in the pool, however many there are, and writes them in order", async () => {
    const path = join(await temporaryDirectory(), "making");
    let inPool = 0;
    let mostInPool = 0;
    const jobs: SnapshotJobs = {
      ...inlineJobs,
      deflateBlock: async (rows) => {
        inPool += 1;
        mostInPool = Math.max(mostInPool, inPool);
        for (let turn = 0; turn < 5; turn += 1) await new Promise<void>((resolve) => void setImmediate(resolve));
        inPool -= 1;
        return inlineJobs.deflateBlock(rows);
      },
    };
    await writeSnapshot(path, header, pieces(20), jobs, isStopped);
    expect(mostInPool).to.equal(blocksInFlightMax);
    expect(inspectSnapshot(path).reason).to.equal(null);
  });

  it("takes no block for rows that are not carried", async () => {
    const directory = await temporaryDirectory();
    const empty = await writeSnapshot(join(directory, "a"), header, pieces(0), inlineJobs, isStopped);
    const uncarried = new MemoryStateStorage();
    await uncarried.write([{ key: Uint8Array.of(rowPrefixes.batch), value: Uint8Array.of(1) }]);
    const path = join(directory, "b");
    expect(await writeSnapshot(path, header, uncarried.snapshot(), inlineJobs, isStopped)).to.equal(empty);
    expect(inspectSnapshot(path).reason).to.equal(null);
  });

  it("fails once when blocks fail, with the reason, and leaves nothing behind in the pool", async () => {
    const path = join(await temporaryDirectory(), "making");
    let begun = 0;
    let ended = 0;
    const jobs: SnapshotJobs = {
      ...inlineJobs,
      deflateBlock: async () => {
        begun += 1;
        for (let turn = 0; turn < begun; turn += 1) await new Promise<void>((resolve) => void setImmediate(resolve));
        ended += 1;
        throw new Error("the pool is gone");
      },
    };
    const error = await rejection(() => writeSnapshot(path, header, pieces(20), jobs, isStopped));
    expect(error).to.be.instanceOf(StorageError);
    expect(error.message).to.contain(`cannot write the snapshot ${path}`);
    expect(begun).to.equal(blocksInFlightMax);
    expect(ended).to.equal(begun);
  });

  it("fails with a sentence where it cannot be written", async () => {
    const path = join(await temporaryDirectory(), "missing", "making");
    const error = await rejection(() => writeSnapshot(path, header, pieces(1), inlineJobs, isStopped));
    expect(error).to.be.instanceOf(StorageError);
    expect(error.message).to.equal(`cannot write the snapshot ${path}: ENOENT`);
  });

  it("fails as the state does that is read", async () => {
    const path = join(await temporaryDirectory(), "making");
    const rows = { ...pieces(0), next: () => Promise.reject(new StorageError("cannot read the state")) };
    const error = await rejection(() => writeSnapshot(path, header, rows, inlineJobs, isStopped));
    expect(error.message).to.equal("cannot read the state");
  });
});
