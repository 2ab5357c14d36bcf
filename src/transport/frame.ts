/**
 * @module
 * Frames: a length of four bytes, big-endian, and that many bytes of CBOR, a list of messages.
 *
 * A list without messages asks for a sign of life, and is answered by another.
 */

import { encodeBehind } from "../codec/codec.ts";
import { PeerProtocolError } from "./protocol-error.ts";

export const lengthBytes = 4;

/** Reserved at once for a frame that has begun to arrive; the rest is reserved as its bytes come. */
const firstReserveBytes = 256 * 1024;

/** Messages of one frame: so that those of a busy turn stay far below the items that a peer decodes. */
const messagesPerFrameMax = 1024;

/** One frame with these messages in their wire form. Nothing bounds it here: see `encodeFrames`. */
export function encodeFrame(wires: readonly unknown[]): Uint8Array<ArrayBuffer> {
  const frame = encodeBehind(lengthBytes, wires);
  new DataView(frame.buffer).setUint32(0, frame.byteLength - lengthBytes);
  return frame;
}

/**
 * Frames that hold these messages in order, each within `frameBytesMax` and of at most 1 024 messages: by halving.
 *
 * Throws `PeerProtocolError` (`frameTooLarge`) when one message alone is above it.
 */
export function encodeFrames(wires: readonly unknown[], frameBytesMax: number): readonly Uint8Array[] {
  if (wires.length === 0) return [];
  if (wires.length <= messagesPerFrameMax) {
    const frame = encodeFrame(wires);
    if (frame.byteLength - lengthBytes <= frameBytesMax) return [frame];
    if (wires.length === 1) throw tooLarge(frame.byteLength - lengthBytes, frameBytesMax);
  }
  const half = wires.length >> 1;
  return [...encodeFrames(wires.slice(0, half), frameBytesMax), ...encodeFrames(wires.slice(half), frameBytesMax)];
}

/**
 * Puts frames together from the chunks of one connection, however they are cut.
 *
 * Holds at most one frame that is not whole: reserved is twice of what has come, and never more than its length.
 * A frame that comes whole within a chunk is a view of it, without a copy.
 */
export class FrameReader {
  readonly #frameBytesMax: number;
  readonly #header = new Uint8Array(lengthBytes);
  #headerFilled = 0;
  /** Null between frames. */
  #body: Uint8Array | null = null;
  #length = 0;
  #filled = 0;

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  /** Has it ended where a frame ended? Otherwise a close now is one in mid-frame. */
  get isBetweenFrames(): boolean {
    return this.#headerFilled === 0;
  }

  /** Reserved now for a frame that is not whole. */
  get reservedBytes(): number {
    return this.#body?.byteLength ?? 0;
  }

  /**
   * Takes the next chunk, which must not change afterwards; gives the contents of the frames that it completes.
   *
   * Throws `PeerProtocolError` (`frameTooLarge`, `frameEmpty`) before anything is reserved; the reader is of no use then.
   */
  push(source: Uint8Array): readonly Uint8Array[] {
    // A Buffer's subarray would be a Buffer: what is decoded from a frame are plain views.
    const chunk = new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
    const frames: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.byteLength) {
      if (this.#headerFilled < lengthBytes) {
        at += this.#takeHeader(chunk, at);
        continue;
      }
      const wanted = this.#length - this.#filled;
      const available = Math.min(wanted, chunk.byteLength - at);
      if (this.#filled === 0 && available === wanted) {
        frames.push(chunk.subarray(at, at + wanted));
        this.#headerFilled = 0;
      } else {
        const body = this.#takeBody(chunk.subarray(at, at + available));
        if (body !== null) frames.push(body);
      }
      at += available;
    }
    return frames;
  }

  #takeHeader(chunk: Uint8Array, at: number): number {
    const taken = Math.min(lengthBytes - this.#headerFilled, chunk.byteLength - at);
    this.#header.set(chunk.subarray(at, at + taken), this.#headerFilled);
    this.#headerFilled += taken;
    if (this.#headerFilled < lengthBytes) return taken;
    this.#length = new DataView(this.#header.buffer).getUint32(0);
    if (this.#length === 0) throw new PeerProtocolError("frameEmpty", "a frame of no bytes");
    if (this.#length > this.#frameBytesMax) throw tooLarge(this.#length, this.#frameBytesMax);
    return taken;
  }

  /** Gives the body once it is whole. */
  #takeBody(part: Uint8Array): Uint8Array | null {
    const filled = this.#filled + part.byteLength;
    let body = this.#body;
    if (body === null || body.byteLength < filled) {
      const reserve = Math.min(this.#length, Math.max(firstReserveBytes, filled * 2));
      const grown = new Uint8Array(reserve);
      if (body !== null) grown.set(body.subarray(0, this.#filled));
      body = grown;
    }
    body.set(part, this.#filled);
    if (filled < this.#length) {
      this.#body = body;
      this.#filled = filled;
      return null;
    }
    this.#body = null;
    this.#filled = 0;
    this.#headerFilled = 0;
    return body;
  }
}

function tooLarge(length: number, frameBytesMax: number): PeerProtocolError {
  return new PeerProtocolError("frameTooLarge", `a frame of ${length} bytes, where ${frameBytesMax} are allowed`);
}
