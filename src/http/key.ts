/**
 * @module
 * Keys as they stand in a path: everything after `/key/`, percent-decoded once. A key is bytes and never a file
 * path: nothing is normalised, `..` and `%2F` are bytes as any other.
 */

import { BalsaError } from "../errors/balsa-error.ts";

const percent = 0x25;

/**
 * The bytes of `url` in [from, to). Characters of `url` are bytes (latin1), as node:http gives them.
 *
 * Throws BAD_REQUEST for an empty or too long key and for a `%` without two hexadecimal digits behind it.
 */
export function decodeKey(url: string, from: number, to: number, keyBytesMax: number): Uint8Array {
  const text = url.substring(from, to);
  const key = text.includes("%") ? percentDecode(text) : Buffer.from(text, "latin1");
  if (key.length === 0) throw new BalsaError("BAD_REQUEST", "the key is empty");
  if (key.length > keyBytesMax) {
    throw new BalsaError("BAD_REQUEST", `the key has ${key.length} bytes, at most ${keyBytesMax} are allowed`);
  }
  return key;
}

function percentDecode(text: string): Uint8Array {
  const raw = Buffer.from(text, "latin1");
  let length = 0;
  for (let at = 0; at < raw.length; at++) {
    let byte = raw[at] ?? 0;
    if (byte === percent) {
      byte = (hexDigit(raw[at + 1]) << 4) | hexDigit(raw[at + 2]);
      at += 2;
    }
    raw[length++] = byte;
  }
  return raw.subarray(0, length);
}

function hexDigit(code: number | undefined): number {
  if (code !== undefined) {
    if (code >= 0x30 && code <= 0x39) return code - 0x30;
    const lower = code | 0x20;
    if (lower >= 0x61 && lower <= 0x66) return lower - 0x61 + 10;
  }
  throw new BalsaError("BAD_REQUEST", "a % in the key is not followed by two hexadecimal digits");
}
