/**
 * @module
 * What may name a node, wherever a name comes from: a flag, a request, a peer, a disk.
 */

const pattern = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * 1 to 64 letters, digits, dots, underscores and dashes, and not the name of a property that every object has
 * (`constructor`, `__proto__`): members are kept in records by their ids.
 */
export function isNodeId(value: unknown): value is string {
  return typeof value === "string" && pattern.test(value) && !(value in Object.prototype);
}
