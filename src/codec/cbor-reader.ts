/**
 * @module
 * Reads CBOR item by item, strictly (RFC 8949): the part of it that this project writes, and nothing else.
 *
 * Refused: tags (so bignums and every extension too), indefinite lengths, `undefined` and other simple values,
 * half and single floats, and heads with a 64-bit argument. The encoder writes whole numbers from 2^32 on as
 * double floats, which hold them exactly up to 2^53; cbor-x would give 64-bit ones as bigint.
 */

import { CodecError } from "./codec-error.ts";
import { readFloat64 } from "./float64.ts";

/** Major types of RFC 8949 §3.1. */
export const majorTypes = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const;

/** Arguments of the simple values and the float that are read. */
export const simpleValues = { false: 20, true: 21, null: 22, float64: 27 } as const;

/**
 * A position in bytes. Every `read` either gives a whole item of the kind asked for, or throws `CodecError`. A `try` is
 * for those who name the item themselves when it is of another kind; it throws like `read` for anything else.
 */
export class CborReader {
  readonly bytes: Uint8Array;
  offset: number;
  /** Of the head read last. */
  major: number;
  /** Of the head read last: the number, the length in bytes or items, or the simple value. */
  argument: number;
  readonly #end: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.offset = 0;
    this.major = 0;
    this.argument = 0;
    this.#end = bytes.length;
  }

  get remaining(): number {
    return this.#end - this.offset;
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
    const length = this.tryArrayLength();
    if (length < 0) throw new CodecError("not an array", start);
    return length;
  }

  /** As `readArrayLength`; -1 when the item is not a list. */
  tryArrayLength(): number {
    const start = this.offset;
    this.readHead();
    if (this.major !== majorTypes.array) return -1;
    if (this.argument > this.remaining) throw new CodecError("an array longer than its bytes", start);
    return this.argument;
  }

  /** A whole number from 0 to 2^53 - 1, also when it was written as a double float. */
  readWhole(): number {
    const start = this.offset;
    const value = this.tryWhole();
    if (value < 0) throw new CodecError("not a whole number from 0 to 2^53 - 1", start);
    return value;
  }

  /** As `readWhole`; -1 when the item is anything else. */
  tryWhole(): number {
    const initial = this.bytes[this.offset];
    if (initial !== undefined && initial < 24) {
      this.offset += 1;
      return initial;
    }
    this.readHead();
    if (this.major === majorTypes.unsigned) return this.argument;
    if (this.major === majorTypes.simple && this.argument === simpleValues.float64) {
      const value = readFloat64(this.bytes, this.offset - 8);
      if (Number.isSafeInteger(value) && value >= 0) return value;
    }
    return -1;
  }

  /** A view of the bytes; it keeps all of them alive. */
  readBytes(): Uint8Array {
    const start = this.offset;
    const content = this.tryBytes();
    if (content === null) throw new CodecError("not a byte string", start);
    return content;
  }

  /** As `readBytes`; null when the item is not a byte string. */
  tryBytes(): Uint8Array | null {
    const start = this.offset;
    this.readHead();
    if (this.major !== majorTypes.bytes) return null;
    return this.bytes.subarray(this.#skip("a byte string", start), this.offset);
  }

  /** Whether the head read last is of this simple value. */
  isSimple(value: number): boolean {
    return this.major === majorTypes.simple && this.argument === value;
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
