import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { packRows, unpackRows } from "../../../src/storage/snapshot/format.ts";
import { inlineJobs, PoolJobs } from "../../../src/storage/snapshot/jobs.ts";
import { cleansUp, cleanUp, temporaryDirectory } from "../state/support.ts";

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

    it("inspect a file", async () => {
      const jobs = open();
      cleanUp(() => jobs.close());
      const path = join(await temporaryDirectory(), "1-1.snap");
      await writeFile(path, "no snapshot at all");
      expect((await jobs.inspectSnapshot(path)).reason).to.contain("does not begin as one");
    });
  });
