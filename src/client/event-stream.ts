/**
 * @module
 * Event streams as the HTML standard has them (server-sent events), read line by line.
 */

/** A block of the stream, ended by an empty line. */
export interface StreamEvent {
  /** The last id that the stream has given, in this block or before; "" before the first. */
  readonly id: string;
  /** "" when the block names none. */
  readonly event: string;
  /** Undefined when the block has none: then it is no event, but its id counts. */
  readonly data: string | undefined;
}

export class EventStreamReader {
  #id = "";
  #event = "";
  #data: string[] = [];

  /** What this line ends, if anything. */
  take(line: string): StreamEvent | undefined {
    if (line === "") return this.#end();
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "id" && !value.includes("\0")) this.#id = value;
    else if (name === "event") this.#event = value;
    else if (name === "data") this.#data.push(value);
    return undefined;
  }

  #end(): StreamEvent {
    const data = this.#data.length === 0 ? undefined : this.#data.join("\n");
    const event = { id: this.#id, event: this.#event, data };
    this.#event = "";
    this.#data = [];
    return event;
  }
}
