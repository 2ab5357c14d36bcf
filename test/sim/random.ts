/**
 * @module
 * Randomness of the simulator: one seed, and a stream of its own for everybody who draws, so that leaving one
 * out changes nothing that the others draw.
 */

export class Random {
  #state: number;

  constructor(seed: number, stream: string) {
    let hash = 0x811c9dc5 ^ seed;
    for (let at = 0; at < stream.length; at += 1) hash = Math.imul(hash ^ stream.charCodeAt(at), 0x01000193);
    this.#state = hash | 0;
    for (let round = 0; round < 4; round += 1) this.next();
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number in [0, end). */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** A whole number in [from, end). */
  between(from: number, end: number): number {
    return from + this.below(end - from);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Every order of magnitude is as likely as any other. */
  logUniform(from: number, end: number): number {
    return from * (end / from) ** this.next();
  }

  /** How long until the next of events that come `perSecond`, in microseconds. */
  waitUs(perSecond: number): number {
    return Math.ceil((-Math.log(1 - this.next()) / perSecond) * 1e6);
  }

  /** One of `items`, which are not empty. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError("nothing to pick from");
    return item;
  }

  /** `count` of `items`, in random order. */
  some<T>(items: readonly T[], count: number): T[] {
    const rest = [...items];
    const taken: T[] = [];
    while (taken.length < count && rest.length > 0) taken.push(...rest.splice(this.below(rest.length), 1));
    return taken;
  }
}
