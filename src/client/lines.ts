/**
 * @module
 * Bytes that come in pieces, as lines of text.
 */

import { BalsaError } from "../errors/balsa-error.ts";

/** The largest value as base64 in JSON, twice (with what it was before), and some room. */
const lineLengthMax = 32 * 1024 * 1024;

/**
 * The lines, without their ends; the empty ones too. What follows the last end is no line.
 *
 * Throws a BalsaError `INTERNAL` when a line is longer than any that a node sends, and what the pieces throw.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let pieces: string[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let text = decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      const line = pieces.length === 0 ? text.slice(0, end) : pieces.join("") + text.slice(0, end);
      text = text.slice(end + 1);
      pieces = [];
      length = 0;
      yield line.endsWith("\r") ? line.slice(0, -1) : line;
    }
    length += text.length;
    if (length > lineLengthMax) throw new BalsaError("INTERNAL", "the node sends a line without an end");
    if (text !== "") pieces.push(text);
  }
}
