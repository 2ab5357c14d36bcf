import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { emptyMeta } from "../../../src/kv/meta.ts";
import { encodeHead, packRows, unpackRows } from "../../../src/storage/snapshot/format.ts";
import { inspectSnapshot } from "../../../src/storage/snapshot/job.ts";
import { inlineJobs, PoolJobs } from "../../../src/storage/snapshot/jobs.ts";
import { cleansUp, cleanUp, metadataOf, temporaryDirectory } from "../state/support.ts";

for (const [name, open] of [
  ["in the pool", () => new PoolJobs()],
  ["on the calling thread", () => inlineJobs],
] as const)
  describe(`the jobs of snapshots ${name}`, () => {
    cleansUp();

    it("give back what they deflated, and refuse it with a byte flipped", async () => {
      const jobs = open();
      cleanUp(() => jobs.close());
      const rows = [
        { key: Uint8Array.of(1), value: new Uint8Array(5000).fill(3) },
        { key: Uint8Array.of(2), value: new Uint8Array(0) },
      ];
      const packed = packRows(rows);
      const inflatedBytes = packed.byteLength;
      const { deflated, digest } = await jobs.deflateBlock(packed);
      expect(deflated.byteLength).to.be.below(inflatedBytes);
      const head = { deflatedBytes: deflated.byteLength, inflatedBytes, rows: 2, digest };
      const back = unpackRows(await jobs.inflateBlock(head, Uint8Array.from(deflated)));
      expect(back.map(({ key, value }) => [...key, value.byteLength])).to.deep.equal([
        [1, 5000],
        [2, 0],
      ]);
      deflated[0] = (deflated[0] ?? 0) ^ 1;
      const failure = await jobs.inflateBlock(head, deflated).catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(Error);
    });

    it("refuse a block that has another length than its head says", async () => {
      const jobs = open();
      cleanUp(() => jobs.close());
      const packed = packRows([{ key: Uint8Array.of(1), value: new Uint8Array(100) }]);
      const inflatedBytes = packed.byteLength;
      const { deflated, digest } = await jobs.deflateBlock(packed);
      const head = { deflatedBytes: deflated.byteLength, inflatedBytes, rows: 1, digest };
      for (const [change, why] of [
        [{ inflatedBytes: inflatedBytes + 1 }, /a block has another length/],
        [{ inflatedBytes: inflatedBytes - 1 }, /./],
        [{ digest: digest.slice(0, 15) }, /the checksum of a block is wrong/],
        [{ digest: Uint8Array.of(...digest, 0) }, /the checksum of a block is wrong/],
      ] as const) {
        const failure = await jobs.inflateBlock({ ...head, ...change }, Uint8Array.from(deflated)).then(
          () => "inflated",
          (error: unknown) => (error instanceof Error ? error.message : "no error"),
        );
        expect(failure).to.not.equal("inflated");
        expect(failure).to.match(why);
      }
    });

    it("inspect a file", async () => {
      const jobs = open();
      cleanUp(() => jobs.close());
      const path = join(await temporaryDirectory(), "1-1.snap");
      await writeFile(path, "no snapshot at all");
      expect((await jobs.inspectSnapshot(path)).reason).to.contain("does not begin as one");
    });
  });

describe("a snapshot file whose length is damaged", () => {
  cleansUp();

  it("is refused before memory is taken for what it says", async () => {
    const path = join(await temporaryDirectory(), "1-1.snap");
    const head = encodeHead({ metadata: metadataOf(emptyMeta), meta: emptyMeta });
    const block = new Uint8Array(100);
    new DataView(block.buffer).setUint32(0, 0xffff_fff0);
    await writeFile(path, Buffer.concat([head, block]));
    const before = process.memoryUsage().arrayBuffers;
    expect(inspectSnapshot(path)).to.deep.equal({ header: null, reason: "not a whole snapshot: it is cut off" });
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(64 * 1024 * 1024);
  });

  it("fails to be inspected when it is not there", async () => {
    const path = join(await temporaryDirectory(), "1-1.snap");
    expect(() => inspectSnapshot(path)).to.throw("ENOENT");
  });
});
