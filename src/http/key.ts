/**
 * @module
 * Keys as they stand in a path: everything after `/key/`, percent-decoded once. A key is bytes and never a file
 * path: nothing is normalised, `..` and `%2F` are bytes as any other.
 */

import { BalsaError } from "../errors/balsa-error.ts";
import { percentDecode } from "./percent.ts";

/**
 * The bytes of `url` in [from, to). Characters of `url` are bytes (latin1), as node:http gives them.
 *
 * Throws BAD_REQUEST for an empty or too long key and for a `%` without two hexadecimal digits behind it.
 */
export function decodeKey(url: string, from: number, to: number, keyBytesMax: number): Uint8Array {
  const key = percentDecode(url.substring(from, to));
  if (key === undefined)
    throw new BalsaError("BAD_REQUEST", "a % in the key is not followed by two hexadecimal digits");
  if (key.length === 0) throw new BalsaError("BAD_REQUEST", "the key is empty");
  if (key.length > keyBytesMax) {
    throw new BalsaError("BAD_REQUEST", `the key has ${key.length} bytes, at most ${keyBytesMax} are allowed`);
  }
  return key;
}
