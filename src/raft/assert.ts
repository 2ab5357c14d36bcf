/**
 * @module
 * Assertions of the core, which imports nothing: one that fails means that the code is wrong.
 */

export class RaftAssertionError extends Error {
  constructor(invariant: string) {
    super(`broken invariant: ${invariant}`);
    this.name = "RaftAssertionError";
  }
}

/** Ends the node unless `condition` holds; `invariant` says, positively, what must be true. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new RaftAssertionError(invariant);
}

/** The item at a position that is known to be there. */
export function itemAt<T>(items: readonly T[], position: number): T {
  const item = items[position];
  if (item === undefined) throw new RaftAssertionError(`position ${position} is one of ${items.length} items`);
  return item;
}

/** Makes a switch over a union exhaustive: the compiler refuses a call that can be reached. */
export function unreachable(value: never): never {
  throw new RaftAssertionError(`unexpected ${JSON.stringify(value)}`);
}
