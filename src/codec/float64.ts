/**
 * @module
 * Double floats in bytes, big-endian, at any offset and without a view of its own for each.
 */

const view = new DataView(new ArrayBuffer(8));
const bytes = new Uint8Array(view.buffer);

export function writeFloat64(target: Uint8Array, offset: number, value: number): void {
  view.setFloat64(0, value);
  for (let at = 0; at < 8; at += 1) target[offset + at] = bytes[at] ?? 0;
}

/** `source` has eight bytes at `offset`. */
export function readFloat64(source: Uint8Array, offset: number): number {
  for (let at = 0; at < 8; at += 1) bytes[at] = source[offset + at] ?? 0;
  return view.getFloat64(0);
}
