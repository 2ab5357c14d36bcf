/**
 * @module
 * Small buffers cut from larger ones. A row of 300 bytes with a buffer of its own costs the garbage collector more
 * than all the work on it: each is memory outside the heap, counted, registered and freed one by one.
 */

const blockBytes = 65_536;
/** What is larger gets a buffer of its own, so that it keeps no block alive. */
const pieceBytesMax = 8_192;

let block: Uint8Array = new Uint8Array(blockBytes);
let used = 0;

/** That many bytes, all zero, that nobody else has. They keep their whole block alive: for what is soon let go. */
export function allocate(bytes: number): Uint8Array {
  if (bytes > pieceBytesMax) return new Uint8Array(bytes);
  if (used + bytes > blockBytes) {
    block = new Uint8Array(blockBytes);
    used = 0;
  }
  const piece = block.subarray(used, used + bytes);
  used += bytes;
  return piece;
}
