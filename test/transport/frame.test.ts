import { expect } from "chai";
import { describe, it } from "mocha";
import { decode } from "../../src/codec/codec.ts";
import { encodeFrame, encodeFrames, FrameReader } from "../../src/transport/frame.ts";
import { PeerProtocolError } from "../../src/transport/protocol-error.ts";

function joined(frames: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(frames));
}

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof PeerProtocolError) return error.code;
    throw error;
  }
  throw new Error("it was taken");
}

describe("FrameReader", () => {
  const contents: readonly unknown[] = [[], [1, "two", new Uint8Array(300).fill(3)], [[]], [new Uint8Array(1000)]];
  const bytes = joined(contents.map((content) => encodeFrame(content as readonly unknown[])));

  it("gives the same frames wherever the bytes are cut in two", () => {
    for (let cut = 0; cut <= bytes.byteLength; cut += 1) {
      const reader = new FrameReader(2000);
      const frames = [...reader.push(bytes.subarray(0, cut)), ...reader.push(bytes.subarray(cut))];
      expect(frames.map(decode), `cut at ${cut}`).to.deep.equal(contents);
      expect(reader.isBetweenFrames).to.equal(true);
    }
  });

  it("gives the same frames byte by byte", () => {
    const reader = new FrameReader(2000);
    const frames = [...bytes].flatMap((byte) => reader.push(new Uint8Array([byte])));
    expect(frames.map(decode)).to.deep.equal(contents);
  });

  it("says when it has ended in the middle of a frame", () => {
    for (const end of [1, 3, 4]) {
      const reader = new FrameReader(2000);
      reader.push(bytes.subarray(0, end));
      expect(reader.isBetweenFrames).to.equal(false);
    }
  });

  it("gives frames within a chunk as plain views of it", () => {
    const chunk = Buffer.from(bytes);
    const [, second] = new FrameReader(2000).push(chunk);
    expect(second?.buffer).to.equal(chunk.buffer);
    expect(Buffer.isBuffer(second)).to.equal(false);
  });

  it("refuses a length above the cap before it reserves anything", () => {
    for (const length of [2001, 2 ** 31, 2 ** 32 - 1]) {
      const reader = new FrameReader(2000);
      const header = new Uint8Array(4);
      new DataView(header.buffer).setUint32(0, length);
      expect(codeOf(() => reader.push(header))).to.equal("frameTooLarge");
      expect(reader.reservedBytes).to.equal(0);
    }
  });

  it("refuses a frame of no bytes", () => {
    expect(codeOf(() => new FrameReader(2000).push(new Uint8Array(4)))).to.equal("frameEmpty");
  });

  it("reserves at most twice of what has come, and copies each byte a bounded number of times", () => {
    const frameBytesMax = 16 * 1024 * 1024;
    const reader = new FrameReader(frameBytesMax);
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint32(0, frameBytesMax);
    reader.push(header);
    expect(reader.reservedBytes).to.equal(0);
    const chunk = new Uint8Array(64 * 1024).fill(7);
    const startedAt = performance.now();
    let frames: readonly Uint8Array[] = [];
    for (let come = chunk.byteLength; come <= frameBytesMax; come += chunk.byteLength) {
      frames = reader.push(chunk);
      expect(reader.reservedBytes).to.be.at.most(Math.max(256 * 1024, 2 * come));
    }
    expect(frames.map(({ byteLength }) => byteLength)).to.deep.equal([frameBytesMax]);
    expect(performance.now() - startedAt).to.be.below(1000);
  });
});

describe("encodeFrames", () => {
  it("splits messages over frames within the cap, in order", () => {
    const messages = Array.from({ length: 50 }, (_, position) => [position, new Uint8Array(100)]);
    const frames = encodeFrames(messages, 1000);
    const reader = new FrameReader(1000);
    const come = reader.push(joined(frames)).flatMap((frame) => decode(frame) as readonly unknown[]);
    expect(come).to.deep.equal(messages);
    expect(encodeFrames([], 1000)).to.deep.equal([]);
  });

  it("splits what a busy turn says over frames of at most 1 024 messages", () => {
    const messages = Array.from({ length: 5000 }, (_, position) => [position]);
    const contents = encodeFrames(messages, 2 ** 20).map((frame) => decode(frame.subarray(4)) as readonly unknown[]);
    expect(contents.flat()).to.deep.equal(messages);
    expect(Math.max(...contents.map(({ length }) => length))).to.be.at.most(1024);
  });

  it("refuses one message above the cap", () => {
    expect(codeOf(() => encodeFrames([1, new Uint8Array(1000)], 1000))).to.equal("frameTooLarge");
  });
});
