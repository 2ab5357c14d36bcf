import { crc32 } from "node:zlib";
import { expect } from "chai";
import { describe, it } from "mocha";
import { encode } from "../../../src/codec/codec.ts";
import { emptyMeta, encodeMeta } from "../../../src/kv/meta.ts";
import {
  decodeHeader,
  encodeHead,
  fixedHeadBytes,
  headerBytesOf,
  packRows,
  SnapshotFormatError,
  unpackRows,
} from "../../../src/storage/snapshot/format.ts";
import { configuration, metadataOf } from "../state/support.ts";

const meta = { ...emptyMeta, appliedIndex: 12, appliedTerm: 3, time: 99 };
const metaRow = encodeMeta(meta, crc32);
const whole: readonly unknown[] = [12, 3, 99, configuration, metaRow];

function changed(place: number, value: unknown): Uint8Array {
  return encode(whole.map((each, at) => (at === place ? value : each)));
}

describe("the head of a snapshot", () => {
  it("gives back what it was made from", () => {
    const header = { metadata: metadataOf(meta), meta };
    const head = encodeHead(header);
    const bytes = headerBytesOf(head.subarray(0, fixedHeadBytes));
    expect(bytes).to.equal(head.byteLength - fixedHeadBytes);
    expect(decodeHeader(head.subarray(fixedHeadBytes))).to.deep.equal(header);
    expect(decodeHeader(encode(whole))).to.deep.equal(header);
  });

  it("is refused when it is none, of another version, or longer than any", () => {
    const head = encodeHead({ metadata: metadataOf(meta), meta }).slice(0, fixedHeadBytes);
    const refusal = (change: (view: DataView) => void): (() => number) => {
      const other = head.slice();
      change(new DataView(other.buffer));
      return () => headerBytesOf(other);
    };
    expect(() => headerBytesOf(head.subarray(0, 15))).to.throw(SnapshotFormatError, "does not begin as one");
    for (let at = 0; at < 8; at += 1)
      expect(refusal((view) => view.setUint8(at, view.getUint8(at) ^ 1))).to.throw("does not begin as one");
    expect(refusal((view) => view.setUint32(8, 2))).to.throw("its format is 2, this version knows 1");
    const bytesMax = 4 * 1024 * 1024;
    expect(refusal((view) => view.setUint32(12, bytesMax))()).to.equal(bytesMax);
    expect(refusal((view) => view.setUint32(12, bytesMax + 1))).to.throw(`its header has ${bytesMax + 1} bytes`);
  });

  const wrong: readonly (readonly [string, Uint8Array])[] = [
    ["no CBOR", Uint8Array.of(0xff, 0xff)],
    ["no list", encode(7)],
    ["too short", encode(whole.slice(0, 4))],
    ["too long", encode([...whole, 1])],
    ...[0, 1, 2].flatMap((place) =>
      [-1, 1.5, "12", null].map((value) => [`${String(value)} at ${place}`, changed(place, value)] as const),
    ),
    ["at another index than its state", changed(0, 11)],
    ["at another term than its state", changed(1, 4)],
    ["without a state", changed(4, "none")],
    [
      "with a damaged state",
      changed(
        4,
        metaRow.map((byte, at) => (at === 9 ? byte ^ 1 : byte)),
      ),
    ],
    ["without a configuration", changed(3, null)],
    ["with a text for a configuration", changed(3, "voters")],
    ...["voters", "votersOutgoing", "learners", "learnersNext"].flatMap((list) =>
      ["n1", [1], ["n1", 2], undefined].map(
        (value) => [`with ${String(value)} as ${list}`, changed(3, { ...configuration, [list]: value })] as const,
      ),
    ),
    ["with another autoLeave", changed(3, { ...configuration, autoLeave: 1 })],
    ["with no members", changed(3, { ...configuration, members: null })],
    ["with a text for members", changed(3, { ...configuration, members: "n1" })],
  ];
  for (const [what, bytes] of wrong)
    it(`is refused ${what}`, () => {
      expect(() => decodeHeader(bytes)).to.throw(SnapshotFormatError);
    });
});

describe("the rows of a block", () => {
  const rows = [
    { key: Uint8Array.of(1, 2), value: Uint8Array.of(3) },
    { key: new Uint8Array(0), value: Uint8Array.of(4, 5) },
    { key: Uint8Array.of(6), value: new Uint8Array(0) },
    { key: new Uint8Array(0), value: new Uint8Array(0) },
  ];

  it("come back as they were, wherever the bytes lie", () => {
    const packed = packRows(rows);
    const within = new Uint8Array(packed.byteLength + 10);
    within.set(packed, 5);
    for (const bytes of [packed, within.subarray(5, 5 + packed.byteLength)])
      expect(unpackRows(bytes).map(({ key, value }) => [[...key], [...value]])).to.deep.equal(
        rows.map(({ key, value }) => [[...key], [...value]]),
      );
    expect(unpackRows(packRows([]))).to.deep.equal([]);
  });

  it("are refused when they are cut off within one", () => {
    const packed = packRows(rows);
    const ends = new Map([0, 1, 2, 3, 4].map((count) => [packRows(rows.slice(0, count)).byteLength, count]));
    for (let length = 0; length <= packed.byteLength; length += 1) {
      const count = ends.get(length);
      const cut = packed.slice(0, length);
      if (count === undefined) expect(() => unpackRows(cut), `${length} bytes`).to.throw(SnapshotFormatError);
      else expect(unpackRows(cut)).to.have.length(count);
    }
  });
});
