import { expect } from "chai";
import { describe, it } from "mocha";
import { encodePacked, type PackedEntry } from "../../../src/codec/entries.ts";
import { AssertionError } from "../../../src/errors/assert.ts";
import {
  checksum,
  findFault,
  findFaultAlone,
  firstLink,
  linkOf,
  openRecord,
  recordBytesMax,
  sealRecord,
  splitRun,
} from "../../../src/storage/log/record.ts";
import { command, texts } from "./fixtures.ts";

const before = firstLink({ index: 2 ** 33, term: 4, time: 77 });
const entries = [command(4, "first", 78), command(4, ""), command(2 ** 35, "last", 2 ** 40)];

describe("a record of the log", () => {
  it("says what it was sealed from", () => {
    const record = sealRecord(before, entries);
    const run = openRecord(record);
    expect(run.firstIndex).to.equal(2 ** 33 + 1);
    expect(texts(run.entries)).to.deep.equal(["first", "", "last"]);
    expect(run.entries.map(([term, time, type]) => [term, time, type])).to.deep.equal([
      [4, 78, 0],
      [4, 0, 0],
      [2 ** 35, 2 ** 40, 0],
    ]);
    const { chainHash, ...last } = run.link;
    expect(last).to.deep.equal({ index: 2 ** 33 + 3, term: 2 ** 35, time: 2 ** 40 });
    expect(linkOf(record, entries)).to.deep.equal(run.link);
    expect(chainHash).to.have.length(16);
  });

  it("has the layout that its file says", () => {
    const record = sealRecord(before, entries);
    expect(record[0]).to.equal(2);
    expect(record.readBigUInt64BE(1)).to.equal(2n ** 33n + 1n);
    expect(record.subarray(25)).to.deep.equal(Buffer.from(encodePacked(entries)));
    const hashed = Buffer.from(record);
    hashed.set(before.chainHash, 9);
    expect(record.subarray(9, 25)).to.deep.equal(checksum(hashed));
  });

  it("verifies behind the record that it was sealed after, and behind no other", () => {
    const record = sealRecord(before, entries);
    const copy = Buffer.from(record);
    expect(findFault(before, record)).to.equal(null);
    const { link } = openRecord(record);
    const next = sealRecord(link, entries);
    expect(findFault(link, next)).to.equal(null);
    expect(findFault({ ...link, chainHash: before.chainHash }, next)).to.equal("its chain hash differs");
    expect(findFault(before, next)).to.equal(`it begins with entry ${2 ** 33 + 4}`);
    expect(findFaultAlone(link.index + 1, next)).to.equal(null);
    expect(record).to.deep.equal(copy);
  });

  it("does not verify with any bit of it changed, or cut off anywhere", () => {
    const record = sealRecord(before, entries);
    for (let at = 0; at < record.byteLength; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const changed = Buffer.from(record);
        changed.writeUInt8(changed.readUInt8(at) ^ (1 << bit), at);
        expect(findFault(before, changed), `bit ${bit} of byte ${at}`).to.be.a("string");
      }
      expect(findFault(before, record.subarray(0, at)), `${at} bytes`).to.be.a("string");
    }
  });

  it("holds an entry at least", () => {
    expect(() => sealRecord(before, [])).to.throw(AssertionError);
    expect(findFaultAlone(1, sealRecord({ index: 0, chainHash: before.chainHash }, entries).subarray(0, 25))).to.equal(
      "it is cut off after 25 bytes",
    );
  });
});

describe("a run of entries among records", () => {
  const sized = (...lengths: readonly number[]): PackedEntry[] =>
    lengths.map((length) => command(1, "x".repeat(length)));
  const lengths = (run: readonly PackedEntry[]): number[][] =>
    splitRun(run).map((piece) => piece.map(([, , , payload]) => payload.byteLength));

  it("is one record while it fits, itself and not a copy", () => {
    const run = sized(1000, 2000);
    expect(splitRun(run)).to.have.length(1);
    expect(splitRun(run)[0]).to.equal(run);
    expect(splitRun([])).to.deep.equal([]);
  });

  it("fills each record up to its bound, which no packed run exceeds", () => {
    const half = recordBytesMax / 2 - 25;
    expect(lengths(sized(half, half))).to.deep.equal([[half, half]]);
    expect(lengths(sized(half, half + 1, 5))).to.deep.equal([[half], [half + 1, 5]]);
    const largest = 2 ** 53 - 1;
    const many = Array.from({ length: 9000 }, (_, at): PackedEntry => [largest, largest, 1, Buffer.alloc(at % 40)]);
    const pieces = splitRun(many);
    expect(pieces.flat()).to.deep.equal(many);
    expect(pieces.length).to.be.within(5, 7);
    for (const piece of pieces) expect(encodePacked(piece).byteLength).to.be.at.most(recordBytesMax);
  });

  it("gives an entry that is larger than the bound a record of its own", () => {
    const large = recordBytesMax + 1;
    expect(lengths(sized(5, large, 6, 7))).to.deep.equal([[5], [large], [6, 7]]);
    expect(lengths(sized(large))).to.deep.equal([[large]]);
    expect(lengths(sized(large, large))).to.deep.equal([[large], [large]]);
  });
});
