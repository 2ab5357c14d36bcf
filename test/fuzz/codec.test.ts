import { expect } from "chai";
import { describe, it } from "mocha";
import { decodeUntrusted, encode } from "../../src/codec/codec.ts";
import { CodecError } from "../../src/codec/codec-error.ts";
import { defaultEntryLimits, encodeEntries, entriesFromPeer } from "../../src/codec/entries.ts";
import { defaultCodecLimits } from "../../src/codec/well-formed.ts";
import { peerMessageToWire } from "../../src/transport/message-parser.ts";
import { messageToWire } from "../../src/transport/message-writer.ts";
import { sampleEntries, sampleMessages, sampleServices } from "../transport/sample.ts";
import { durationOf, fuzzSeed, mutated, Random } from "./random.ts";

const cases = 10_000;
const hangMs = 50;

function refusedOrParsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}

describe(`fuzzed bytes (BALSA_FUZZ_SEED=${fuzzSeed})`, () => {
  it(`of ${cases} values are refused as CodecError, or decode to what encodes to the same again`, () => {
    const random = new Random(fuzzSeed);
    const valid = [
      ...sampleMessages("n1", "n2").map((message) => encode([messageToWire(message, undefined)])),
      ...sampleServices.map((message) => encode([peerMessageToWire({ kind: "service", message })])),
      encode({ a: [1, { b: "c" }], d: new Uint8Array(9), e: null, f: [true, -(2 ** 40), 0.1] }),
    ];
    let decoded = 0;
    for (let position = 0; position < cases; position += 1) {
      const bytes = random.below(4) === 0 ? random.bytes(random.below(200)) : mutated(random.pick(valid), random);
      let value: unknown;
      const tookMs = durationOf(() => {
        value = refusedOrParsed(() => decodeUntrusted(bytes, defaultCodecLimits));
      }, hangMs);
      expect(tookMs, Buffer.from(bytes).toString("hex")).to.be.below(hangMs);
      if (value === undefined) continue;
      decoded += 1;
      const again = encode(value);
      expect(encode(decodeUntrusted(again, defaultCodecLimits))).to.deep.equal(again);
    }
    // Otherwise the mutations would be too wild to reach beyond the structure.
    expect(decoded).to.be.above(cases / 50);
  }).timeout(60_000);

  it(`of ${cases} packed runs are refused as CodecError, or parse to entries that pack again`, () => {
    const random = new Random(fuzzSeed + 1);
    const packed = encodeEntries(sampleEntries);
    let parsed = 0;
    for (let position = 0; position < cases; position += 1) {
      const bytes = mutated(packed, random);
      const entries = refusedOrParsed(() => entriesFromPeer(bytes, 8, defaultEntryLimits));
      if (entries === undefined) continue;
      parsed += 1;
      expect(entriesFromPeer(encodeEntries(entries), 8, defaultEntryLimits)).to.deep.equal(entries);
    }
    expect(parsed).to.be.above(cases / 200);
  }).timeout(60_000);

  it("as large as a frame may be take less than 50 ms to refuse or decode", () => {
    const frameBytes = 16 * 1024 * 1024;
    for (const fill of [0x00, 0x20, 0x40, 0x60, 0x80, 0x81, 0xa0, 0xf6, 0xff]) {
      const bytes = new Uint8Array(frameBytes).fill(fill);
      bytes.set([0x9a, 0x00, 0xff, 0xff, 0xfb]);
      const tookMs = durationOf(() => refusedOrParsed(() => decodeUntrusted(bytes, defaultCodecLimits)), hangMs);
      expect(tookMs, `a list of ${fill}`).to.be.below(hangMs);
    }
    for (const item of [0x00, 0x60, 0x80, 0xa0]) {
      const bytes = new Uint8Array(defaultCodecLimits.itemsMax + 2).fill(item);
      bytes.set([0x99, 0xff, 0xff]);
      const most = bytes.subarray(0, 3 + 0xffff);
      const tookMs = durationOf(() => refusedOrParsed(() => decodeUntrusted(most, defaultCodecLimits)), hangMs);
      expect(tookMs, `as many items as allowed of ${item}`).to.be.below(hangMs);
    }
  }).timeout(60_000);
});
