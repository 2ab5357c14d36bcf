/**
 * @module
 * A hash of a key, for tables in memory: quick, and the same in every process; not one that resists somebody who seeks
 * collisions. Those make such tables slow, never wrong.
 */

/** 32 bits, as a signed number (FNV-1a, and a last step that lets every bit reach every other). */
export function hashOfKey(key: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ (key[at] ?? 0), 0x01000193);
  return mixed(hash);
}

/** Another hash out of a hash (the last step of MurmurHash3). */
export function mixed(hash: number): number {
  let bits = hash;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
