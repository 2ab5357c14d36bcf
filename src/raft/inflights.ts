/**
 * @module
 * The appends on their way to one follower: a window bounded by messages and by bytes (dissertation §10.2.2).
 */

/** A queue; what lies before `head` has left it. */
export interface Inflights {
  readonly messagesMax: number;
  readonly bytesMax: number;
  readonly lastIndexes: number[];
  readonly sizes: number[];
  head: number;
  /** Of all that is in flight. May pass `bytesMax` by one message. */
  bytes: number;
}

export function createInflights(limits: { readonly messagesMax: number; readonly bytesMax: number }): Inflights {
  return { ...limits, lastIndexes: [], sizes: [], head: 0, bytes: 0 };
}

export function inflightMessages(inflights: Inflights): number {
  return inflights.lastIndexes.length - inflights.head;
}

export function isFull(inflights: Inflights): boolean {
  return inflightMessages(inflights) >= inflights.messagesMax || inflights.bytes >= inflights.bytesMax;
}

export function addInflight(inflights: Inflights, lastIndex: number, bytes: number): void {
  inflights.lastIndexes.push(lastIndex);
  inflights.sizes.push(bytes);
  inflights.bytes += bytes;
}

/** Frees every append that ends at or below `index`. */
export function freeInflightsTo(inflights: Inflights, index: number): void {
  const { lastIndexes, sizes } = inflights;
  while (inflights.head < lastIndexes.length && (lastIndexes[inflights.head] ?? 0) <= index) {
    inflights.bytes -= sizes[inflights.head] ?? 0;
    inflights.head += 1;
  }
  if (inflights.head === lastIndexes.length) return resetInflights(inflights);
  if (inflights.head < inflights.messagesMax) return;
  lastIndexes.splice(0, inflights.head);
  sizes.splice(0, inflights.head);
  inflights.head = 0;
}

export function resetInflights(inflights: Inflights): void {
  inflights.lastIndexes.length = 0;
  inflights.sizes.length = 0;
  inflights.head = 0;
  inflights.bytes = 0;
}
