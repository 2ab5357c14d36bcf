import { crc32 } from "node:zlib";
import { expect } from "chai";
import { describe, it } from "mocha";
import { decodeChunk, encodeChunk, summarizeChunk } from "../../src/kv/history.ts";
import { batchKey, compareBytes, historyKey, keyName, numberOfKey, positionOfHistory } from "../../src/kv/keys.ts";
import { decodeBatchRow, decodeMeta, emptyMeta, encodeBatchRow, encodeMeta, exchangeHash } from "../../src/kv/meta.ts";
import { decodeRecord, encodeDeleted, encodeValue, RecordFormatError } from "../../src/kv/record.ts";
import { bytes } from "./support.ts";

const key = bytes("key");
const large = Number.MAX_SAFE_INTEGER;
const record = { value: bytes("value"), createRevision: 3, modRevision: large, version: 2, leaseId: 5 };

/** Calls `use` with the row, each of its bytes flipped in turn. */
function withEachByteFlipped(row: Uint8Array, use: (flipped: Uint8Array) => void): void {
  for (let at = 0; at < row.byteLength; at++) {
    const flipped = Uint8Array.from(row);
    flipped[at] = (flipped[at] ?? 0) ^ 0x10;
    use(flipped);
  }
}

describe("records", () => {
  it("come back as they went", () => {
    const { row, hash } = encodeValue(key, record, crc32);
    expect(decodeRecord(key, row, crc32)).to.deep.equal({ kind: "value", hash, ...record });
    const deleted = encodeDeleted(key, 9, crc32);
    expect(decodeRecord(key, deleted.row, crc32)).to.deep.equal({ kind: "deleted", modRevision: 9 });
  });

  it("do not verify with any byte flipped, cut off, or under another key", () => {
    const { row } = encodeValue(key, record, crc32);
    withEachByteFlipped(row, (flipped) => expect(() => decodeRecord(key, flipped, crc32)).to.throw(RecordFormatError));
    for (let length = 0; length < row.byteLength; length++)
      expect(() => decodeRecord(key, row.subarray(0, length), crc32)).to.throw(RecordFormatError);
    expect(() => decodeRecord(bytes("kez"), row, crc32)).to.throw(RecordFormatError);
  });
});

describe("chunks of history", () => {
  const after = encodeValue(key, { ...record, modRevision: 7 }, crc32).row;
  const other = encodeDeleted(bytes("other"), 7, crc32).row;
  const last = encodeDeleted(key, 9, crc32).row;
  const chunk = encodeChunk(
    { revision: 7, ordinal: 4 },
    [
      { key, after, before: null },
      { key: bytes("other"), after: other, before: encodeDeleted(bytes("other"), 1, crc32).row },
      { key, after: last, before: after },
    ],
    1234,
    crc32,
  );

  it("come back with the position of each change", () => {
    const { time, changes } = decodeChunk(chunk.key, chunk.value, crc32);
    expect(time).to.equal(1234);
    expect(changes.map(({ revision, ordinal }) => [revision, ordinal])).to.deep.equal([
      [7, 4],
      [7, 5],
      [9, 0],
    ]);
    expect(changes.map((change) => change.before?.modRevision ?? null)).to.deep.equal([null, 1, 7]);
    expect(changes.map((change) => change.after.kind)).to.deep.equal(["value", "deleted", "deleted"]);
  });

  it("are summed up for those who drop them", () => {
    const { time, lastRevision, deletions } = summarizeChunk(chunk.key, chunk.value, crc32);
    expect({ time, lastRevision }).to.deep.equal({ time: 1234, lastRevision: 9 });
    expect(deletions).to.deep.equal([
      { key: bytes("other"), revision: 7 },
      { key, revision: 9 },
    ]);
    const damaged = Uint8Array.from(chunk.value);
    damaged[40] = (damaged[40] ?? 0) ^ 1;
    expect(() => summarizeChunk(chunk.key, damaged, crc32)).to.throw(RecordFormatError);
  });

  it("do not verify with any byte flipped, cut off, or in another place", () => {
    withEachByteFlipped(chunk.value, (flipped) =>
      expect(() => decodeChunk(chunk.key, flipped, crc32)).to.throw(RecordFormatError),
    );
    for (let length = 0; length < chunk.value.byteLength; length++)
      expect(() => decodeChunk(chunk.key, chunk.value.subarray(0, length), crc32)).to.throw(RecordFormatError);
    const elsewhere = historyKey({ revision: 7, ordinal: 3 });
    expect(() => decodeChunk(elsewhere, chunk.value, crc32)).to.throw(RecordFormatError);
  });
});

describe("where the state stands", () => {
  const meta = { ...emptyMeta, appliedIndex: large, time: 5, stateHash: 2 ** 48 - 1, historyFrom: 2 };

  it("comes back as it went, and not with any byte flipped", () => {
    const row = encodeMeta(meta, crc32);
    expect(decodeMeta(row, crc32)).to.deep.equal(meta);
    withEachByteFlipped(row, (flipped) => expect(() => decodeMeta(flipped, crc32)).to.throw(RecordFormatError));
    expect(() => decodeMeta(row.subarray(0, 3), crc32)).to.throw(RecordFormatError);
  });

  it("is repeated by the numbered row, which belongs to its number", () => {
    const row = encodeBatchRow(3, 17, crc32);
    expect(decodeBatchRow(3, row, crc32)).to.equal(17);
    expect(() => decodeBatchRow(4, row, crc32)).to.throw(RecordFormatError);
  });

  it("has a hash in which order does not show", () => {
    const one = 0xffffffff;
    const sum = exchangeHash(exchangeHash(2 ** 48 - 5, 0, one), 0, 12);
    expect(exchangeHash(exchangeHash(2 ** 48 - 5, 0, 12), 0, one)).to.equal(sum);
    expect(exchangeHash(exchangeHash(sum, one, 0), 12, 0)).to.equal(2 ** 48 - 5);
  });
});

describe("keys of rows", () => {
  it("order as their numbers do", () => {
    const numbers = [0, 1, 255, 256, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 3, large];
    for (const [at, number] of numbers.entries()) {
      expect(numberOfKey(batchKey(number))).to.equal(number);
      const next = numbers[at + 1];
      if (next !== undefined) expect(compareBytes(batchKey(number), batchKey(next))).to.be.below(0);
    }
    const position = { revision: 2 ** 33, ordinal: 70_000 };
    expect(positionOfHistory(historyKey(position))).to.deep.equal(position);
  });

  it("have names that differ where they do", () => {
    const long = new Uint8Array(5000).fill(200);
    const longer = new Uint8Array(5001).fill(200);
    expect(keyName(long)).to.have.length(5000);
    expect(keyName(long)).to.not.equal(keyName(longer));
    expect(keyName(Uint8Array.of(0, 255))).to.not.equal(keyName(Uint8Array.of(255, 0)));
  });
});
