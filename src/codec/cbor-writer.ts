/**
 * @module
 * Writes CBOR item by item (RFC 8949), with the same bytes as `encode` would: for the few forms that are written all
 * the time, where a general encoder has to look at every value to find out what it is.
 */

import { majorTypes } from "./cbor-reader.ts";

const float64Head = 0xfb;

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

/** A position in bytes that are exactly as long as what is written into them. */
export class CborWriter {
  readonly bytes: Uint8Array<ArrayBuffer>;
  #offset = 0;

  constructor(byteLength: number) {
    this.bytes = new Uint8Array(byteLength);
  }

  writeArrayLength(length: number): void {
    this.#writeHead(majorTypes.array, length);
  }

  writeWhole(value: number): void {
    if (value < 0x1_0000_0000) {
      this.#writeHead(majorTypes.unsigned, value);
      return;
    }
    this.bytes[this.#offset] = float64Head;
    new DataView(this.bytes.buffer).setFloat64(this.#offset + 1, value);
    this.#offset += 9;
  }

  writeBytes(content: Uint8Array): void {
    this.#writeHead(majorTypes.bytes, content.byteLength);
    this.bytes.set(content, this.#offset);
    this.#offset += content.byteLength;
  }

  #writeHead(major: number, argument: number): void {
    const { bytes } = this;
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
}
