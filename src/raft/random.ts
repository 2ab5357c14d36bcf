/**
 * @module
 * The seeded generator behind randomised election timeouts (§5.2): a number of state, no hidden source.
 */

/** Advances with every draw; equal states draw equal numbers. */
export interface RandomState {
  value: number;
}

export function createRandom(seed: number): RandomState {
  return { value: seed | 0 };
}

/** An integer in [0, below), by mulberry32; `below` is at most 2^32. */
export function drawBelow(random: RandomState, below: number): number {
  random.value = (random.value + 0x6d2b79f5) | 0;
  let mixed = Math.imul(random.value ^ (random.value >>> 15), 1 | random.value);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
}

/**
 * A whole election timeout, in (`electionTimeoutTicks`, 2 × `electionTimeoutTicks`). The others are loyal to the leader
 * for `electionTimeoutTicks` of their own ticks (§6), and who asked with its tick of that number would find those whose
 * tick comes later still so, and be disregarded for a whole timeout more.
 */
export function drawElectionTimeout(random: RandomState, electionTimeoutTicks: number): number {
  return electionTimeoutTicks + 1 + drawBelow(random, electionTimeoutTicks - 1);
}
