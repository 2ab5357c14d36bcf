/**
 * @module
 * Writes CBOR item by item (RFC 8949), with the same bytes as `encode` would: for the few forms that are written all
 * the time, where a general encoder has to look at every value to find out what it is.
 */

import { assert } from "../errors/assert.ts";
import { majorTypes, simpleValues } from "./cbor-reader.ts";
import { writeFloat64 } from "./float64.ts";

const simpleHead = majorTypes.simple << 5;

/** Bytes of the head of an item with that argument, below 2^32. */
export function headBytes(argument: number): number {
  if (argument < 24) return 1;
  if (argument < 0x100) return 2;
  return argument < 0x1_0000 ? 3 : 5;
}

/** Bytes of a whole number from 0 to 2^53 - 1; from 2^32 on it is a double float. */
export function wholeBytes(value: number): number {
  return value < 0x1_0000_0000 ? headBytes(value) : 9;
}

/** A position in bytes, which grow when they turn out too short. */
export class CborWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #offset: number;
  #end: number;

  constructor(byteLength: number) {
    this.#bytes = new Uint8Array(byteLength);
    this.#offset = 0;
    this.#end = byteLength;
  }

  /** All bytes, for one that was made exactly as long as what was written into it. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  /** A copy of what was written, in bytes that share a larger buffer with others: cheap, and never to be transferred. */
  copyPooled(): Uint8Array {
    const own = Buffer.allocUnsafe(this.#offset);
    own.set(this.#bytes.subarray(0, this.#offset));
    return own;
  }

  /** Leaves the next bytes as they are: zero, or what was there before `rewind`. */
  skip(byteLength: number): void {
    this.#reserve(byteLength);
    this.#offset += byteLength;
  }

  /** Begins anew in the same bytes. */
  rewind(): void {
    this.#offset = 0;
  }

  writeArrayLength(length: number): void {
    this.#writeHead(majorTypes.array, length);
  }

  /** A whole number from 0 to 2^53 - 1; another would be read back as something else, or never. */
  writeWhole(value: number): void {
    if (value >>> 0 === value) {
      this.#writeHead(majorTypes.unsigned, value);
      return;
    }
    assert(Number.isSafeInteger(value) && value > 0, "what is written as a whole number is one");
    this.#reserve(9);
    this.#bytes[this.#offset] = simpleHead | simpleValues.float64;
    writeFloat64(this.#bytes, this.#offset + 1, value);
    this.#offset += 9;
  }

  writeBytes(content: Uint8Array): void {
    const { length } = content;
    this.#writeHead(majorTypes.bytes, length);
    this.#reserve(length);
    this.#bytes.set(content, this.#offset);
    this.#offset += length;
  }

  writeBoolean(value: boolean): void {
    this.#writeSimple(value ? simpleValues.true : simpleValues.false);
  }

  writeNull(): void {
    this.#writeSimple(simpleValues.null);
  }

  #writeSimple(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#offset++] = simpleHead | value;
  }

  #writeHead(major: number, argument: number): void {
    this.#reserve(headBytes(argument));
    const bytes = this.#bytes;
    const initial = major << 5;
    if (argument < 24) {
      bytes[this.#offset++] = initial | argument;
    } else if (argument < 0x100) {
      bytes[this.#offset++] = initial | 24;
      bytes[this.#offset++] = argument;
    } else if (argument < 0x1_0000) {
      bytes[this.#offset++] = initial | 25;
      bytes[this.#offset++] = argument >>> 8;
      bytes[this.#offset++] = argument;
    } else {
      bytes[this.#offset++] = initial | 26;
      bytes[this.#offset++] = argument >>> 24;
      bytes[this.#offset++] = argument >>> 16;
      bytes[this.#offset++] = argument >>> 8;
      bytes[this.#offset++] = argument;
    }
  }

  /** Makes room for so many bytes more. */
  #reserve(byteLength: number): void {
    const needed = this.#offset + byteLength;
    if (needed <= this.#end) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#end));
    grown.set(this.#bytes.subarray(0, this.#offset));
    this.#bytes = grown;
    this.#end = grown.length;
  }
}
