/**
 * @module
 * Reading the positional lists that commands are on disk and wire, item by item and strictly.
 */

import { CborReader, simpleValues } from "./cbor-reader.ts";

/** Thrown for bytes that are not a command of a version this node knows: the log must not hold such. */
export class CommandFormatError extends Error {
  constructor(what: string) {
    super(`not a command that this version understands: ${what}`);
    this.name = "CommandFormatError";
  }
}

/**
 * Gives the items of a command in their order. Each throws `CommandFormatError` for an item of another kind, which it
 * names by its place in the list begun last, and `CodecError` where there is no item.
 */
export class CommandReader extends CborReader {
  #at = 0;

  /** Begins a list; gives its length in items. `refusal` says what is wrong when it is none. */
  list(refusal: string): number {
    const length = this.tryArrayLength();
    if (length < 0) throw new CommandFormatError(refusal);
    this.#at = 0;
    return length;
  }

  whole(): number {
    const value = this.tryWhole();
    if (value < 0) throw this.#wrong("a whole number");
    this.#at += 1;
    return value;
  }

  content(): Uint8Array {
    const content = this.tryBytes();
    if (content === null) throw this.#wrong("bytes");
    this.#at += 1;
    return content;
  }

  contentOrNull(): Uint8Array | null {
    const start = this.offset;
    this.readHead();
    if (this.isSimple(simpleValues.null)) {
      this.#at += 1;
      return null;
    }
    this.offset = start;
    return this.content();
  }

  key(): Uint8Array {
    const key = this.content();
    if (key.byteLength === 0) throw new CommandFormatError("its key is empty");
    return key;
  }

  boolean(): boolean {
    this.readHead();
    const value = this.isSimple(simpleValues.true);
    if (!value && !this.isSimple(simpleValues.false)) throw this.#wrong("true or false");
    this.#at += 1;
    return value;
  }

  #wrong(expected: string): CommandFormatError {
    return new CommandFormatError(`item ${this.#at} is not ${expected}`);
  }
}

/** A list has so many items as its first ones say. */
export function expectLength(length: number, expected: number): void {
  if (length !== expected) throw new CommandFormatError(`it has ${length} items instead of ${expected}`);
}
