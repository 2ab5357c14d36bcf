/**
 * @module
 * How bytes that came from elsewhere are refused.
 */

/** Bytes, or a value decoded from them, are not what this version writes. Expected of strangers: never a bug here. */
export class CodecError extends Error {
  /** What was met, in words that may be logged: it never repeats foreign bytes. */
  readonly what: string;
  /** Where in the bytes that were given, from 0; of a shape found wrong after decoding, 0. */
  readonly offset: number;

  constructor(what: string, offset: number) {
    super(`${what} (at byte ${offset})`);
    this.name = "CodecError";
    this.what = what;
    this.offset = offset;
  }
}
