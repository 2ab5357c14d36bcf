/**
 * @module
 * CBOR: the one place where bytes are made, for threads, peers and disk.
 *
 * cbor-x encodes into a buffer that it shares between calls. Posting or keeping a view of it would show the
 * receiver other messages, and transferring it would empty them; so `encode` always gives a copy in a
 * buffer of its own, which may be transferred.
 */

import { Decoder, Encoder } from "cbor-x";

const settings = { useRecords: false, variableMapSize: true, tagUint8Array: false, mapsAsObjects: true } as const;
const encoder = new Encoder(settings);
const decoder = new Decoder(settings);

/** Encodes plain data into exactly its own buffer, which may be transferred to another thread. */
export function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encoder.encode(value));
}

/**
 * Encodes plain data behind `prefixBytes` bytes that the caller fills in: a frame without a second copy.
 */
export function encodeBehind(prefixBytes: number, value: unknown): Uint8Array<ArrayBuffer> {
  const shared = encoder.encode(value);
  const own = new Uint8Array(prefixBytes + shared.byteLength);
  own.set(shared, prefixBytes);
  return own;
}

/**
 * Decodes what this process encoded itself. Byte strings in the result are views of `bytes`.
 *
 * For anything that came from a socket or a disk use `decodeUntrusted`.
 */
export function decode(bytes: Uint8Array): unknown {
  return decoder.decode(bytes);
}
