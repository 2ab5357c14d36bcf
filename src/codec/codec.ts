/**
 * @module
 * CBOR: the one place where bytes are made, for threads, peers and disk.
 *
 * cbor-x encodes into a buffer that it shares between calls. Posting or keeping a view of it would show the
 * receiver other messages, and transferring it would empty them; so `encode` always gives a copy in a
 * buffer of its own, which may be transferred.
 */

import { Decoder, Encoder } from "cbor-x";
import { CodecError } from "./codec-error.ts";
import { assertWellFormed, type CodecLimits } from "./well-formed.ts";

const settings = { useRecords: false, variableMapSize: true, tagUint8Array: false, mapsAsObjects: true } as const;
/**
 * Lets each call write where the last one did, since all of them are copied from: otherwise every few frames take a new
 * buffer. (`RESET_BUFFER_MODE` of cbor-x, which its types leave out.)
 */
const resetBufferMode = 1024;
const encoder = new Encoder(settings) as unknown as { encode(value: unknown, mode: number): Buffer };
const decoder = new Decoder(settings);

/** Encodes plain data into exactly its own buffer, which may be transferred to another thread. */
export function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encoder.encode(value, resetBufferMode));
}

/**
 * Encodes plain data into bytes that share a larger buffer with others: cheap, and never to be transferred.
 */
export function encodePooled(value: unknown): Uint8Array {
  const shared = encoder.encode(value, resetBufferMode);
  const own = Buffer.allocUnsafe(shared.byteLength);
  own.set(shared);
  return own;
}

/**
 * Encodes plain data behind `prefixBytes` bytes that the caller fills in: a frame without a second copy.
 */
export function encodeBehind(prefixBytes: number, value: unknown): Uint8Array<ArrayBuffer> {
  const shared = encoder.encode(value, resetBufferMode);
  const own = new Uint8Array(prefixBytes + shared.byteLength);
  own.set(shared, prefixBytes);
  return own;
}

/**
 * Decodes what this process encoded itself. Byte strings in the result are views of `bytes`, plain `Uint8Array`s
 * also when `bytes` are a `Buffer`; whole numbers up to 2^53 and negative ones come back exactly.
 *
 * For anything that came from a socket or a disk use `decodeUntrusted`.
 */
export function decode(bytes: Uint8Array): unknown {
  return decoder.decode(asPlain(bytes));
}

/**
 * Decodes what somebody else encoded: its structure is looked at once before anything is built. Byte strings in
 * the result are views of `bytes`. What the value means is for the caller's parser.
 *
 * Throws `CodecError` and nothing else. Text that is not UTF-8 comes with U+FFFD in it; of a key that a map has
 * twice, the last counts; a key `__proto__` comes as `__proto_`.
 */
export function decodeUntrusted(bytes: Uint8Array, limits: CodecLimits): unknown {
  assertWellFormed(bytes, limits);
  try {
    return decoder.decode(asPlain(bytes));
  } catch (error) {
    throw new CodecError(`undecodable: ${error instanceof Error ? error.message : String(error)}`, 0);
  }
}

/** The same bytes, no `Buffer`: byte strings decoded from them, by cbor-x and by `subarray`, are of the class of their source. */
export function asPlain(bytes: Uint8Array): Uint8Array {
  return Buffer.isBuffer(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes;
}
