/**
 * @module
 * Seeded randomness for fuzz: a run is repeated by `BALSA_FUZZ_SEED=<seed>`.
 */

/** The seed of this run: given, or drawn once. */
export const fuzzSeed: number = Number(process.env["BALSA_FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 32));

/** xorshift128, seeded by splitmix32. */
export class Random {
  readonly #state = new Uint32Array(4);

  constructor(seed: number) {
    let s = seed >>> 0;
    for (let word = 0; word < 4; word += 1) {
      s = (s + 0x9e3779b9) >>> 0;
      let z = Math.imul(s ^ (s >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.#state[word] = z ^ (z >>> 16);
    }
  }

  /** A whole number from 0 to below `bound`. */
  below(bound: number): number {
    const [x = 0, y = 0, z = 0, w = 0] = this.#state;
    const t = x ^ (x << 11);
    this.#state.set([y, z, w, w ^ (w >>> 19) ^ (t ^ (t >>> 8))]);
    return Math.floor(((this.#state[3] ?? 0) / 2 ** 32) * bound);
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.below(from.length)];
    if (picked === undefined) throw new RangeError("nothing to pick from");
    return picked;
  }

  bytes(length: number): Uint8Array {
    return new Uint8Array(length).map(() => this.below(256));
  }
}

/** Heads that have hurt CBOR decoders: bignums, references, indefinite, huge and deep lists. */
const nastyHeads: readonly (readonly number[])[] = [
  [0xc2, 0x5a, 0x00, 0x01, 0x86, 0xa0],
  [0xd8, 0x1c],
  [0xd8, 0x1d, 0x00],
  [0xd9, 0xdf, 0xff],
  [0x9f],
  [0xbf],
  [0x5f],
  [0x9a, 0xff, 0xff, 0xff, 0xff],
  [0xba, 0x7f, 0xff, 0xff, 0xff],
  [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x5a, 0xff, 0xff, 0xff, 0xff],
  [0x7a, 0x00, 0xff, 0xff, 0xff],
  [0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0],
  [0xf7],
  [0xff],
];

/** A changed copy of bytes that were valid. */
export function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  let copy: Uint8Array = bytes.slice();
  for (let changes = 1 + random.below(4); changes > 0; changes -= 1) copy = mutatedOnce(copy, random);
  return copy;
}

function mutatedOnce(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.byteLength + 1);
  switch (random.below(7)) {
    case 0: {
      const copy = bytes.slice();
      copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
      return copy;
    }
    case 1: {
      const copy = bytes.slice();
      copy[at] = random.below(256);
      return copy;
    }
    case 2:
      return bytes.slice(0, at);
    case 3:
      return new Uint8Array([...bytes.subarray(0, at), ...random.pick(nastyHeads), ...bytes.subarray(at)]);
    case 4:
      return new Uint8Array([...bytes.subarray(0, at), ...random.bytes(random.below(16)), ...bytes.subarray(at)]);
    case 5:
      return new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(random.below(bytes.byteLength + 1))]);
    default:
      return new Uint8Array([...new Uint8Array(random.below(2000)).fill(random.pick([0x81, 0xa1, 0x9f])), ...bytes]);
  }
}

/**
 * How long `call` takes, in milliseconds: the least of three when it seems long, for the machine has others to serve.
 */
export function durationOf(call: () => void, enoughMs: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let attempts = 0; attempts < 3 && least > enoughMs; attempts += 1) {
    const startedAt = performance.now();
    call();
    least = Math.min(least, performance.now() - startedAt);
  }
  return least;
}
