import { crc32 } from "node:zlib";
import { expect } from "chai";
import { describe, it } from "mocha";
import { batchKey, compareBytes, metaKey } from "../../../src/kv/keys.ts";
import { batchRowsKept, emptyMeta, encodeBatchRow, encodeMeta } from "../../../src/kv/meta.ts";
import { MemoryStateStorage } from "../../../src/storage/state/memory-state-storage.ts";
import { verifyState } from "../../../src/storage/state/verify.ts";

/** A state that has written so many batches more than it keeps the numbers of, from this number on. */
class LongState extends MemoryStateStorage {
  readonly batch: number = batchRowsKept + 5;
  readonly #first: number;

  constructor(first: number) {
    super();
    this.#first = first;
  }

  override get(key: Uint8Array): Uint8Array | undefined {
    if (compareBytes(key, metaKey) === 0)
      return encodeMeta({ ...emptyMeta, batch: this.batch, appliedIndex: 9 }, crc32);
    return compareBytes(key, batchKey(this.batch)) === 0 ? encodeBatchRow(this.batch, 9, crc32) : undefined;
  }

  override async *keys(): AsyncIterable<readonly Uint8Array[]> {
    for (let number = this.#first; number <= this.batch; number += 1000) {
      const count = Math.min(1000, this.batch - number + 1);
      yield Array.from({ length: count }, (_, at) => batchKey(number + at));
    }
  }
}

describe("the check of a state that has numbered more batches than it keeps", () => {
  it("wants the newest of them, and no older one", async () => {
    expect((await verifyState(new LongState(6))).kind).to.equal("prefix");
    expect(await verifyState(new LongState(7))).to.deep.equal({ kind: "damaged", reason: "batch 6 is missing" });
    expect(await verifyState(new LongState(5))).to.deep.equal({ kind: "damaged", reason: "batch 6 is missing" });
  });
});
