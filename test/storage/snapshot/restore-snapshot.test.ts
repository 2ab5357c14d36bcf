import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { StorageError } from "../../../src/errors/balsa-error.ts";
import { emptyMeta } from "../../../src/kv/meta.ts";
import { inlineJobs } from "../../../src/storage/snapshot/jobs.ts";
import { restoreSnapshot } from "../../../src/storage/snapshot/restore-snapshot.ts";
import { writeSnapshot } from "../../../src/storage/snapshot/write-snapshot.ts";
import { MemoryStateStorage } from "../../../src/storage/state/memory-state-storage.ts";
import { rejection } from "../log/fixtures.ts";
import { apply, cleansUp, metadataOf, put, temporaryDirectory } from "../state/support.ts";

async function made(): Promise<string> {
  const path = join(await temporaryDirectory(), "2-1.snap");
  const storage = new MemoryStateStorage();
  const { meta } = await apply(storage, emptyMeta, [put("a", "1"), put("b", "2")]);
  await writeSnapshot(path, { metadata: metadataOf(meta), meta }, storage.snapshot(), inlineJobs, () => false);
  return path;
}

const ignored = async (): Promise<void> => undefined;

describe("a snapshot that is to be restored", () => {
  cleansUp();

  it("fails with its name when it is not there", async () => {
    const path = join(await temporaryDirectory(), "1-1.snap");
    const error = await rejection(() => restoreSnapshot(path, ignored, inlineJobs));
    expect(error).to.be.instanceOf(StorageError);
    expect(error.message).to.equal(`cannot read the snapshot ${path}: ENOENT`);
  });

  it("fails when it is cut off anywhere, and never says where its state stands", async () => {
    const path = await made();
    const file = await readFile(path);
    // The digest at its end was checked when the file was inspected.
    for (let length = 0; length < file.byteLength - 44; length += 7) {
      await writeFile(path, file.subarray(0, length));
      const written: number[] = [];
      const write = async (rows: readonly unknown[]): Promise<void> => void written.push(rows.length);
      const error = await rejection(() => restoreSnapshot(path, write, inlineJobs));
      expect(error).to.be.instanceOf(StorageError);
      expect(error.message, `${length} bytes`).to.equal(`the snapshot ${path} is cut off`);
    }
  });

  it("fails when a block does not verify", async () => {
    const path = await made();
    const file = await readFile(path);
    // Before the trailer, in the only block.
    const at = file.byteLength - 48 - 5;
    file.writeUInt8(file.readUInt8(at) ^ 1, at);
    await writeFile(path, file);
    const error = await rejection(() => restoreSnapshot(path, ignored, inlineJobs));
    expect(error).to.be.instanceOf(StorageError);
    expect(error.message).to.equal(`cannot restore the snapshot ${path}`);
    expect(String(error.cause)).to.contain("the checksum of a block is wrong");
  });

  it("fails as the storage does that it is written to", async () => {
    const path = await made();
    const failing = (): Promise<void> => Promise.reject(new StorageError("disk full"));
    expect((await rejection(() => restoreSnapshot(path, failing, inlineJobs))).message).to.equal("disk full");
  });
});
