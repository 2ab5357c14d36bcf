/**
 * @module
 * What waits for an answer, by id, on a path where thousands come and go each second.
 *
 * A Map would do but for the collector: when a Map's table is replaced by a new one, V8 leaves in the old one its values
 * and a reference to the new one. Once any table of this chain has been promoted, it keeps all that follow, and the
 * requests in them, until the whole heap is marked. Here the Map holds numbers only, and its values are cleared in place.
 */

/** Entries by a number that is used once; values in the order in which they were added. */
export class ById<Value> {
  /** Where in `#values` an id's value is. */
  readonly #places = new Map<number, number>();
  readonly #values: (Value | undefined)[] = [];
  /** Places without a value. */
  readonly #free: number[] = [];

  get size(): number {
    return this.#places.size;
  }

  has(id: number): boolean {
    return this.#places.has(id);
  }

  get(id: number): Value | undefined {
    const place = this.#places.get(id);
    return place === undefined ? undefined : this.#values[place];
  }

  /** The id must not be in use. */
  add(id: number, value: Value): void {
    const place = this.#free.pop() ?? this.#values.length;
    this.#values[place] = value;
    this.#places.set(id, place);
  }

  /** False when there is none. */
  delete(id: number): boolean {
    const place = this.#places.get(id);
    if (place === undefined) return false;
    this.#places.delete(id);
    this.#values[place] = undefined;
    this.#free.push(place);
    return true;
  }

  /** Entries may be deleted meanwhile. */
  *values(): Generator<Value> {
    for (const place of this.#places.values()) {
      const value = this.#values[place];
      if (value !== undefined) yield value;
    }
  }
}
