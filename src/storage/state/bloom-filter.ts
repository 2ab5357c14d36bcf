/**
 * @module
 * Which keys surely were never added: a Bloom filter that grows as keys come.
 *
 * Ten bits a key and seven probes: of keys that were not added, some one in a hundred is taken for one that was. A key
 * that was added is never taken for another. It grows by layers, each with room for twice as many as the last, so no key
 * is looked at twice.
 */

import { mixed } from "./key-hash.ts";

const bitsPerKey = 10;
const probes = 7;
const firstLayerBits = 2 ** 20;

interface Layer {
  readonly words: Uint32Array;
  /** Bits, a power of two, less one. */
  readonly mask: number;
  room: number;
}

export class BloomFilter {
  readonly #layers: Layer[] = [];
  #size = 0;
  #bytes = 0;

  constructor() {
    this.#grow(firstLayerBits);
  }

  /** Keys that were added, each once; the few that were taken for others are not counted. */
  get size(): number {
    return this.#size;
  }

  /** Of memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `hash` is the key's (`hashOfKey`). */
  add(hash: number): void {
    if (this.mayHold(hash)) return;
    const last = this.#layers.at(-1);
    const layer = last === undefined || last.room === 0 ? this.#grow(2 * ((last?.mask ?? 0) + 1)) : last;
    layer.room -= 1;
    this.#size += 1;
    const { words, mask } = layer;
    const stride = strideOf(hash);
    for (let probe = 0, at = hash; probe < probes; probe++, at = (at + stride) | 0) {
      const word = (at & mask) >>> 5;
      words[word] = (words[word] ?? 0) | (1 << (at & 31));
    }
  }

  /** False only for keys that were never added. */
  mayHold(hash: number): boolean {
    const stride = strideOf(hash);
    for (const layer of this.#layers) if (isSet(layer, hash, stride)) return true;
    return false;
  }

  #grow(bits: number): Layer {
    const layer = { words: new Uint32Array(bits / 32), mask: bits - 1, room: Math.floor(bits / bitsPerKey) };
    this.#layers.push(layer);
    this.#bytes += layer.words.byteLength;
    return layer;
  }
}

/**
 * Each probe is a sum of two hashes (Kirsch and Mitzenmacher, "Less hashing, same performance"). Odd, so that no two
 * probes meet in a layer whose size is a power of two.
 */
function strideOf(hash: number): number {
  return mixed(hash ^ 0x5bd1e995) | 1;
}

function isSet({ words, mask }: Layer, hash: number, stride: number): boolean {
  for (let probe = 0, at = hash; probe < probes; probe++, at = (at + stride) | 0) {
    if (((words[(at & mask) >>> 5] ?? 0) & (1 << (at & 31))) === 0) return false;
  }
  return true;
}
