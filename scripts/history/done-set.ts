/**
 * @module
 * A set of positions that fills up from below: all before `first` are in it, and few beyond.
 */

const wordBits = 16;

/** Never changes; `with` gives another. */
export class DoneSet {
  static readonly empty: DoneSet = new DoneSet(0, []);

  /** Equal for equal sets, and for no others. */
  readonly key: string;
  /** The first position that is not in it. */
  readonly first: number;
  /** Words before this one are full. */
  readonly #base: number;
  readonly #words: readonly number[];

  private constructor(base: number, words: readonly number[]) {
    this.#base = base;
    this.#words = words;
    this.key = `${base} ${String.fromCharCode(...words)}`;
    let first = base * wordBits;
    while (this.has(first)) first += 1;
    this.first = first;
  }

  has(position: number): boolean {
    const at = Math.floor(position / wordBits) - this.#base;
    return at < 0 || ((this.#words[at] ?? 0) & (1 << (position % wordBits))) !== 0;
  }

  with(positions: readonly number[]): DoneSet {
    const words = [...this.#words];
    for (const position of positions) {
      const at = Math.floor(position / wordBits) - this.#base;
      while (words.length <= at) words.push(0);
      words[at] = (words[at] ?? 0) | (1 << (position % wordBits));
    }
    const full = words.findIndex((word) => word !== 2 ** wordBits - 1);
    const skipped = full === -1 ? words.length : full;
    return new DoneSet(this.#base + skipped, words.slice(skipped));
  }
}
