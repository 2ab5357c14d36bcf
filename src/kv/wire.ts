/**
 * @module
 * Reading the positional arrays that commands are on disk and wire, item by item and strictly.
 */

/** Thrown for bytes that are not a command of a version this node knows: the log must not hold such. */
export class CommandFormatError extends Error {
  constructor(what: string) {
    super(`not a command that this version understands: ${what}`);
    this.name = "CommandFormatError";
  }
}

export type WireItems = readonly unknown[];

export function itemsOf(value: unknown, what: string): WireItems {
  if (!Array.isArray(value)) throw new CommandFormatError(`${what} is not an array`);
  return value as WireItems;
}

export function expectLength(items: WireItems, length: number): void {
  if (items.length !== length) throw new CommandFormatError(`it has ${items.length} items instead of ${length}`);
}

export function wholeAt(items: WireItems, at: number): number {
  const value = items[at];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw new CommandFormatError(`item ${at} is not a whole number`);
  return value;
}

export function booleanAt(items: WireItems, at: number): boolean {
  const value = items[at];
  if (typeof value !== "boolean") throw new CommandFormatError(`item ${at} is not true or false`);
  return value;
}

export function bytesAt(items: WireItems, at: number): Uint8Array {
  const value = items[at];
  if (!(value instanceof Uint8Array)) throw new CommandFormatError(`item ${at} is not bytes`);
  return value;
}

export function keyAt(items: WireItems, at: number): Uint8Array {
  const key = bytesAt(items, at);
  if (key.byteLength === 0) throw new CommandFormatError("its key is empty");
  return key;
}
