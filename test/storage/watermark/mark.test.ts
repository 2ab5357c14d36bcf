import { expect } from "chai";
import { describe, it } from "mocha";
import type { LogContents } from "../../../src/storage/log/log-storage.ts";
import { checksum } from "../../../src/storage/log/record.ts";
import { decodeSlot, encodeSlot, findLoss, type Slot, slotBytes } from "../../../src/storage/watermark/mark.ts";
import { identity } from "./fixtures.ts";

const slot: Slot = {
  sequence: 2 ** 40 + 7,
  mark: { last: { index: 12, term: 3 }, hardState: { currentTerm: 4, votedFor: "n2" } },
  identity,
};

describe("a slot of the watermark", () => {
  it("gives back what it says, also with the rest of its page behind it", () => {
    const bytes = encodeSlot(slot);
    expect(decodeSlot(bytes)).to.deep.equal(slot);
    expect(decodeSlot(Buffer.concat([bytes, Buffer.alloc(slotBytes - bytes.byteLength, 0xff)]))).to.deep.equal(slot);
  });

  it("is nothing when it is cut off anywhere, or any bit of it is wrong", () => {
    const bytes = encodeSlot(slot);
    for (let length = 0; length < bytes.byteLength; length += 1)
      expect(decodeSlot(bytes.subarray(0, length)), `${length} bytes`).to.equal(null);
    for (let at = 0; at < bytes.byteLength; at += 1) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 0x10, at);
      expect(decodeSlot(damaged), `byte ${at}`).to.equal(null);
    }
    expect(decodeSlot(Buffer.alloc(slotBytes))).to.equal(null);
  });

  it("is nothing when it is of another version, though its checksum is right", () => {
    const bytes = encodeSlot(slot);
    bytes[3] = 2;
    bytes.fill(0, 14, 30);
    bytes.set(checksum(bytes), 14);
    expect(decodeSlot(bytes)).to.equal(null);
  });
});

describe("what a log lacks of its mark", () => {
  /** Starts after 5 of term 2; holds 6 and 7 of term 2, 8 to 10 of term 3. */
  const contents: LogContents = {
    snapshot: null,
    logStart: { index: 5, term: 2 },
    termRuns: [
      { term: 2, firstIndex: 6 },
      { term: 3, firstIndex: 8 },
    ],
    last: { index: 10, term: 3 },
    lastTime: 0,
    hardState: { currentTerm: 4, votedFor: "n1" },
    bytes: 0,
  };
  const lossOf = (index: number, term: number, currentTerm = 4, votedFor: string | null = "n1"): string | null =>
    findLoss({ last: { index, term }, hardState: { currentTerm, votedFor } }, contents);

  it("is nothing where it holds the entry with that term, and where a snapshot stands for it", () => {
    for (const [index, term] of [
      [10, 3],
      [8, 3],
      [7, 2],
      [6, 2],
      [5, 2],
    ] as const)
      expect(lossOf(index, term), `${index} of term ${term}`).to.equal(null);
    expect(lossOf(4, 9), "below its start nothing is known").to.equal(null);
  });

  it("is an entry that is gone, or of another term, also where the log starts", () => {
    expect(lossOf(11, 3)).to.equal("it ends at 10, entry 11 was durable");
    expect(lossOf(8, 2)).to.equal("its entry 8 is of term 3, one of term 2 was durable");
    expect(lossOf(7, 3)).to.equal("its entry 7 is of term 2, one of term 3 was durable");
    expect(lossOf(5, 1)).to.equal("its entry 5 is of term 2, one of term 1 was durable");
  });

  it("is a term or a vote of the present term, and no vote of a term that is over", () => {
    expect(lossOf(10, 3, 5)).to.equal("it knows term 4, 5 was durable");
    expect(lossOf(10, 3, 4, "n2")).to.equal("its vote of term 4 is n1, one for n2 was durable");
    expect(lossOf(10, 3, 4, null)).to.equal(null);
    expect(lossOf(10, 3, 3, "n2")).to.equal(null);
  });
});
