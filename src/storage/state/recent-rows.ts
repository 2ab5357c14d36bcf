/**
 * @module
 * The rows that were written last, copied one behind the other into a ring of bytes: the newest takes the place of the
 * oldest. A table says where the row of a key stands; of keys that share all their places in it, the last ones are found.
 *
 * Bytes and numbers only: ten thousand small objects that live for seconds would cost the garbage collector more than they save.
 */

import { allocate } from "../../kv/arena.ts";

/** Larger rows would push out too many others. */
const rowBytesMax = 4_096;
/** Lengths of key and row, before both. */
const headBytes = 4;
/** So many bytes of the ring for each place in the table. */
const bytesPerPlace = 128;
/** A key may stand in any of so many places. */
const placesPerKey = 4;

export class RecentRows {
  readonly #ring: Uint8Array;
  /** Where an entry begins, counted from the first that was ever written; -1 for none. */
  readonly #places: Float64Array;
  /** Of the keys whose entries stand there. */
  readonly #hashes: Int32Array;
  /** Where the next one begins, counted the same way. */
  #end = 0;

  /** `bytes` of memory, a power of two, from 8 KiB on. */
  constructor(bytes: number) {
    this.#ring = new Uint8Array(bytes);
    this.#places = new Float64Array(bytes / bytesPerPlace).fill(-1);
    this.#hashes = new Int32Array(bytes / bytesPerPlace);
  }

  /** A copy of the row; undefined when it is not, or not any more, in here. `hash` is the key's. */
  get(key: Uint8Array, hash: number): Uint8Array | undefined {
    const place = this.#places[this.#slotOf(hash)] ?? -1;
    if (place < 0 || this.#end - place > this.#ring.length) return undefined;
    const ring = this.#ring;
    const at = place % ring.length;
    const keyBytes = read16(ring, at);
    if (keyBytes !== key.length) return undefined;
    const keyAt = at + headBytes;
    for (let i = 0; i < keyBytes; i++) if (ring[keyAt + i] !== key[i]) return undefined;
    const row = allocate(read16(ring, at + 2));
    row.set(ring.subarray(keyAt + keyBytes, keyAt + keyBytes + row.length));
    return row;
  }

  /** What was known of the key counts no more. A row of null is none. */
  set(key: Uint8Array, hash: number, row: Uint8Array | null): void {
    const slot = this.#slotOf(hash);
    if (row === null || key.length + row.length > rowBytesMax) {
      if (this.#hashes[slot] === hash) this.#places[slot] = -1;
      return;
    }
    const ring = this.#ring;
    const bytes = headBytes + key.length + row.length;
    const left = ring.length - (this.#end % ring.length);
    // An entry lies in one piece.
    if (bytes > left) this.#end += left;
    const at = this.#end % ring.length;
    write16(ring, at, key.length);
    write16(ring, at + 2, row.length);
    ring.set(key, at + headBytes);
    ring.set(row, at + headBytes + key.length);
    this.#places[slot] = this.#end;
    this.#hashes[slot] = hash;
    this.#end += bytes;
  }

  /** Where a key of that hash stands; when none does, the one of its places whose entry is the oldest. */
  #slotOf(hash: number): number {
    const first = (hash & (this.#places.length / placesPerKey - 1)) * placesPerKey;
    let oldest = first;
    for (let slot = first; slot < first + placesPerKey; slot++) {
      if (this.#hashes[slot] === hash) return slot;
      if ((this.#places[slot] ?? 0) < (this.#places[oldest] ?? 0)) oldest = slot;
    }
    return oldest;
  }
}

function read16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function write16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}
