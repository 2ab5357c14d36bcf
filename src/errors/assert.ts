/**
 * @module
 * Assertions: on in production. One that fails means that the code is wrong, and ends the node.
 */

export class AssertionError extends Error {
  constructor(invariant: string) {
    super(`broken invariant: ${invariant}`);
    this.name = "AssertionError";
  }
}

/** Ends the node unless `condition` holds; `invariant` says, positively, what must be true. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new AssertionError(invariant);
}

/** Makes a switch over a union exhaustive: the compiler refuses a call that can be reached. */
export function unreachable(value: never): never {
  throw new AssertionError(`unexpected ${JSON.stringify(value)}`);
}
