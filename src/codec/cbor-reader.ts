/**
 * @module
 * Reads CBOR item by item, strictly (RFC 8949): the part of it that this project writes, and nothing else.
 *
 * Refused: tags (so bignums and every extension too), indefinite lengths, `undefined` and other simple values,
 * half and single floats, and heads with a 64-bit argument. The encoder writes whole numbers from 2^32 on as
 * double floats, which hold them exactly up to 2^53; cbor-x would give 64-bit ones as bigint.
 */

import { CodecError } from "./codec-error.ts";

/** Major types of RFC 8949 §3.1. */
export const majorTypes = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const;

/** Arguments of the simple values and the float that are read. */
export const simpleValues = { false: 20, true: 21, null: 22, float64: 27 } as const;

/** A position in bytes. Every read either gives a whole item of the kind asked for, or throws `CodecError`. */
export class CborReader {
  readonly bytes: Uint8Array;
  offset = 0;
  /** Of the head read last. */
  major = 0;
  /** Of the head read last: the number, the length in bytes or items, or the simple value. */
  argument = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get remaining(): number {
    return this.bytes.byteLength - this.offset;
  }

  /** Reads one head into `major` and `argument`; of a string or list, its content comes next. */
  readHead(): void {
    const start = this.offset;
    const initial = this.bytes[start];
    if (initial === undefined) throw new CodecError("ends within an item", start);
    this.major = initial >> 5;
    const additional = initial & 0x1f;
    if (this.major === majorTypes.tag) throw new CodecError("a tag", start);
    if (this.major === majorTypes.simple) {
      this.#readSimple(additional, start);
      return;
    }
    if (additional < 24) {
      this.argument = additional;
      this.offset = start + 1;
      return;
    }
    if (additional > 26) {
      throw new CodecError(additional === 27 ? "a 64-bit head" : "an indefinite length or a reserved head", start);
    }
    const width = 1 << (additional - 24);
    if (this.remaining < 1 + width) throw new CodecError("ends within an item", start);
    let argument = 0;
    for (let at = start + 1; at <= start + width; at += 1) argument = argument * 256 + (this.bytes[at] ?? 0);
    this.argument = argument;
    this.offset = start + 1 + width;
  }

  #readSimple(additional: number, start: number): void {
    if (additional === simpleValues.float64) {
      if (this.remaining < 9) throw new CodecError("ends within an item", start);
      this.offset = start + 9;
    } else if (additional >= simpleValues.false && additional <= simpleValues.null) {
      this.offset = start + 1;
    } else {
      throw new CodecError("a simple value or a float of another width", start);
    }
    this.argument = additional;
  }

  /** A list's length in items. There are at least so many bytes left. */
  readArrayLength(): number {
    const start = this.offset;
    this.readHead();
    if (this.major !== majorTypes.array) throw new CodecError("not an array", start);
    if (this.argument > this.remaining) throw new CodecError("an array longer than its bytes", start);
    return this.argument;
  }

  /** A whole number from 0 to 2^53 - 1, also when it was written as a double float. */
  readWhole(): number {
    const start = this.offset;
    this.readHead();
    if (this.major === majorTypes.unsigned) return this.argument;
    if (this.major === majorTypes.simple && this.argument === simpleValues.float64) {
      const { buffer, byteOffset } = this.bytes;
      const value = new DataView(buffer, byteOffset + this.offset - 8, 8).getFloat64(0);
      if (Number.isSafeInteger(value) && value >= 0) return value;
    }
    throw new CodecError("not a whole number from 0 to 2^53 - 1", start);
  }

  /** A view of the bytes; it keeps all of them alive. */
  readBytes(): Uint8Array {
    const start = this.offset;
    this.readHead();
    if (this.major !== majorTypes.bytes) throw new CodecError("not a byte string", start);
    return this.bytes.subarray(this.#skip("a byte string", start), this.offset);
  }

  /** Steps over the content of the byte or text string whose head was read; gives where it began. */
  skipString(start: number): number {
    return this.#skip("a string", start);
  }

  /** Nothing may follow. */
  readEnd(): void {
    if (this.remaining !== 0) throw new CodecError("bytes after the end", this.offset);
  }

  #skip(name: string, start: number): number {
    const content = this.offset;
    if (this.argument > this.remaining) throw new CodecError(`${name} longer than its bytes`, start);
    this.offset = content + this.argument;
    return content;
  }
}
