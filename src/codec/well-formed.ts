/**
 * @module
 * One look at the structure of foreign CBOR before it is decoded: cbor-x alone would follow a stranger into
 * bignums that block the thread for seconds, into tags that build objects and cycles, and into any depth.
 */

import { CborReader, majorTypes } from "./cbor-reader.ts";
import { CodecError } from "./codec-error.ts";

/** What a decoder may be made to build. The length of the bytes is bounded by whoever received them. */
export interface CodecLimits {
  /** Lists and maps within each other. */
  readonly depthMax: number;
  /** Items of all lists and maps together, the outermost value included; a map's entry is two. */
  readonly itemsMax: number;
  /** Of one text string. */
  readonly textBytesMax: number;
}

/** For anything that a peer may send: 65 536 items take less than 10 ms to decode. */
export const defaultCodecLimits: CodecLimits = { depthMax: 16, itemsMax: 65_536, textBytesMax: 4096 };

/** Throws `CodecError` unless `bytes` are exactly one value within `limits`, of the CBOR that `encode` writes. */
export function assertWellFormed(bytes: Uint8Array, limits: CodecLimits): void {
  const reader = new CborReader(bytes);
  // What is still to come at each depth, in items; of a map, even counts are before a key.
  const pending: number[] = [];
  const isMap: boolean[] = [];
  let items = 1;
  let left = 1;
  let inMap = false;
  for (;;) {
    while (left === 0) {
      const outer = pending.pop();
      if (outer === undefined) {
        reader.readEnd();
        return;
      }
      left = outer;
      inMap = isMap.pop() ?? false;
    }
    const start = reader.offset;
    const keyExpected = inMap && left % 2 === 0;
    left -= 1;
    reader.readHead();
    const { major } = reader;
    if (keyExpected && major !== majorTypes.text) throw new CodecError("a map key that is not text", start);
    if (major === majorTypes.bytes || major === majorTypes.text) {
      if (major === majorTypes.text && reader.argument > limits.textBytesMax)
        throw new CodecError("too long a text", start);
      reader.skipString(start);
    } else if (major === majorTypes.array || major === majorTypes.map) {
      const within = major === majorTypes.map ? reader.argument * 2 : reader.argument;
      items += within;
      if (within > reader.remaining) throw new CodecError("a list longer than its bytes", start);
      if (items > limits.itemsMax) throw new CodecError("too many items", start);
      if (pending.length + 1 > limits.depthMax) throw new CodecError("too deep", start);
      pending.push(left);
      isMap.push(inMap);
      left = within;
      inMap = major === majorTypes.map;
    }
  }
}
