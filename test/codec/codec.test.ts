import { expect } from "chai";
import { describe, it } from "mocha";
import { decode, decodeUntrusted, encode, encodeBehind } from "../../src/codec/codec.ts";
import { CodecError } from "../../src/codec/codec-error.ts";
import { type CodecLimits, defaultCodecLimits } from "../../src/codec/well-formed.ts";

const limits: CodecLimits = { depthMax: 3, itemsMax: 10, textBytesMax: 8 };

function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}

function refusalOf(bytes: Uint8Array, within: CodecLimits = limits): CodecError {
  try {
    decodeUntrusted(bytes, within);
  } catch (error) {
    if (error instanceof CodecError) return error;
    throw error;
  }
  throw new Error("it was decoded");
}

describe("encode and decode", () => {
  it("keep every whole number up to 2^53 exactly, of both signs", () => {
    const numbers: number[] = [];
    for (let power = 0; power <= 53; power += 1) {
      for (const near of [2 ** power - 1, 2 ** power, 2 ** power + 1]) {
        if (Number.isSafeInteger(near)) numbers.push(near, -near - 1 >= Number.MIN_SAFE_INTEGER ? -near - 1 : -near);
      }
    }
    expect(decodeUntrusted(encode(numbers), { ...defaultCodecLimits })).to.deep.equal(numbers);
  });

  it("give byte strings as plain views of what was decoded, also of a Buffer", () => {
    const source = encode([new Uint8Array([1, 2, 3])]);
    for (const bytes of [source, Buffer.from(source)]) {
      for (const value of [decode(bytes), decodeUntrusted(bytes, limits)]) {
        const [view] = value as [Uint8Array];
        expect(Buffer.isBuffer(view)).to.equal(false);
        expect(view).to.deep.equal(new Uint8Array([1, 2, 3]));
        expect(view.buffer).to.equal(bytes.buffer);
      }
    }
  });

  it("write a Uint8Array and a Buffer as an untagged byte string", () => {
    expect(encode(new Uint8Array([1, 2]))).to.deep.equal(hex("420102"));
    expect(encode(Buffer.from([1, 2]))).to.deep.equal(hex("420102"));
  });

  it("give bytes in a buffer of their own, behind a prefix too", () => {
    const first = encode({ a: 1 });
    encode({ b: 2 });
    expect(first.buffer.byteLength).to.equal(first.byteLength);
    expect(decode(first)).to.deep.equal({ a: 1 });
    const behind = encodeBehind(4, { a: 1 });
    expect(behind.subarray(4)).to.deep.equal(first);
    expect(behind.subarray(0, 4)).to.deep.equal(new Uint8Array(4));
  });
});

describe("decodeUntrusted", () => {
  it("takes what encode writes", () => {
    const value = { a: [1, -1, 1.5, true, null], b: "é", c: { d: 2 ** 40 } };
    expect(decodeUntrusted(encode(value), { depthMax: 2, itemsMax: 14, textBytesMax: 2 })).to.deep.equal(value);
  });

  const refused: readonly (readonly [name: string, bytes: string, what: string, offset: number])[] = [
    ["no bytes", "", "ends within an item", 0],
    ["bytes after the value", "0000", "bytes after the end", 1],
    ["a number cut short", "1901", "ends within an item", 0],
    ["a float cut short", "fb000000", "ends within an item", 0],
    ["a byte string longer than its bytes", "43ffff", "a string longer than its bytes", 0],
    ["a byte string that says 4 GiB", "5affffffff", "a string longer than its bytes", 0],
    ["a text longer than its bytes", "62ff", "a string longer than its bytes", 0],
    ["a text longer than allowed", `69${"61".repeat(9)}`, "too long a text", 0],
    ["a list longer than its bytes", "8201", "a list longer than its bytes", 0],
    ["a list that says 4 G items", "9affffffff", "a list longer than its bytes", 0],
    ["a map that says 4 G entries", "baffffffff", "a list longer than its bytes", 0],
    ["more items than allowed", "8a".concat("00".repeat(10)), "too many items", 0],
    ["lists too deep", "8181818100", "too deep", 3],
    ["a map key that is not text", "a10102", "a map key that is not text", 1],
    ["a map key that is a list", "a18000", "a map key that is not text", 1],
    ["a tag", "c000", "a tag", 0],
    ["a bignum", "c24100", "a tag", 0],
    ["a shared reference", "d81c80", "a tag", 0],
    ["a cbor-x record", "d9dfff83", "a tag", 0],
    ["an indefinite list", "9fff", "an indefinite length or a reserved head", 0],
    ["an indefinite byte string", "5f4100ff", "an indefinite length or a reserved head", 0],
    ["a reserved head", "1c", "an indefinite length or a reserved head", 0],
    ["a 64-bit integer", "1b0020000000000000", "a 64-bit head", 0],
    ["a negative 64-bit integer", "3b0000000100000000", "a 64-bit head", 0],
    ["a 64-bit length", "5b0000000000000001ff", "a 64-bit head", 0],
    ["undefined", "f7", "a simple value or a float of another width", 0],
    ["a half float", "f97c00", "a simple value or a float of another width", 0],
    ["a packed simple value", "81e0", "a simple value or a float of another width", 1],
    ["a stop code", "81ff", "a simple value or a float of another width", 1],
  ];
  for (const [name, bytes, what, offset] of refused) {
    it(`refuses ${name}`, () => {
      expect(refusalOf(hex(bytes))).to.include({ what, offset });
    });
  }

  it("counts items over all lists, not list by list", () => {
    expect(refusalOf(hex("8384000000008400000000840000000000")).what).to.equal("too many items");
  });

  it("does not let a key reach a prototype", () => {
    const value = decodeUntrusted(hex("a1695f5f70726f746f5f5fa1616101"), { ...limits, textBytesMax: 16 });
    expect(Object.getPrototypeOf(value)).to.equal(Object.prototype);
    expect((value as { a?: unknown }).a).to.equal(undefined);
  });

  it("looks at 100 KB that would be a bignum, and at 16 MiB of depth, without building anything", () => {
    const bignum = new Uint8Array(100_005);
    bignum.set([0xc2, 0x5a, 0, 1, 0x86, 0xa0]);
    expect(refusalOf(bignum, defaultCodecLimits).what).to.equal("a tag");
    expect(refusalOf(new Uint8Array(2 ** 24).fill(0x81), defaultCodecLimits)).to.include({
      what: "too deep",
      offset: 16,
    });
  });
});
