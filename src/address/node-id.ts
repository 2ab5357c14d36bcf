/**
 * @module
 * What may name a node and its data directory, wherever the name comes from: a flag, a request, a peer, a disk.
 */

const nodeIdPattern = /^[A-Za-z0-9._-]{1,64}$/;
const incarnationPattern = /^[A-Za-z0-9._-]{0,64}$/;

const reservedNames: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype));

/**
 * 1 to 64 letters, digits, dots, underscores and dashes, and not the name of a property that every object has
 * (`constructor`, `__proto__`): members are kept in records by their ids.
 */
export function isNodeId(value: unknown): value is string {
  return typeof value === "string" && nodeIdPattern.test(value) && !reservedNames.has(value);
}

/** Names a data directory: at most 64 of the same characters, none when it is not known yet. */
export function isIncarnation(value: unknown): value is string {
  return typeof value === "string" && incarnationPattern.test(value);
}
