/**
 * @module
 * Simulated time, in whole microseconds, and what is to happen when. What is due at the same time happens in the
 * order in which it was scheduled.
 */

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class Schedule {
  #now = 0;
  #scheduled = 0;
  /** A binary heap, the next event first. */
  readonly #heap: Event[] = [];

  get now(): number {
    return this.#now;
  }

  at(time: number, run: () => void): void {
    this.#scheduled += 1;
    const event = { at: Math.max(time, this.#now), order: this.#scheduled, run };
    const heap = this.#heap;
    let position = heap.length;
    heap.push(event);
    while (position > 0) {
      const above = (position - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || isBefore(parent, event)) break;
      heap[position] = parent;
      position = above;
    }
    heap[position] = event;
  }

  after(delayUs: number, run: () => void): void {
    this.at(this.#now + Math.max(0, Math.round(delayUs)), run);
  }

  /** Goes on to the next event and runs it; false when there is none up to and with `until`. */
  step(until: number): boolean {
    const next = this.#heap[0];
    if (next === undefined || next.at > until) {
      this.#now = Math.max(this.#now, until);
      return false;
    }
    this.#takeFirst();
    this.#now = next.at;
    next.run();
    return true;
  }

  #takeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    const { length } = heap;
    if (last === undefined || length === 0) return;
    let position = 0;
    for (;;) {
      let below = 2 * position + 1;
      if (below >= length) break;
      const right = heap[below + 1];
      let child = heap[below] as Event;
      if (right !== undefined && below + 1 < length && isBefore(right, child)) {
        child = right;
        below += 1;
      }
      if (isBefore(last, child)) break;
      heap[position] = child;
      position = below;
    }
    heap[position] = last;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
