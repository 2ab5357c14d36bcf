/**
 * @module
 * What a client is told whose bytes could not be parsed as a request.
 */

/** As node:http hands it to `clientError`; where the parser stopped is known only for its own errors. */
export interface ParseError extends Error {
  readonly code?: string | undefined;
  readonly bytesParsed?: number;
  readonly rawPacket?: Uint8Array;
}

type ParseErrorCode = "HEADERS_TOO_LARGE" | "REQUEST_TIMEOUT" | "METHOD_NOT_ALLOWED" | "BAD_REQUEST";

/** A request line in order, whatever its method. */
const requestLine = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64} [^ ]+ HTTP\/1\.[01]\r?$/;
/** So much of a packet is looked at before and after the byte at which the parser stopped. */
const lineBytesMax = 8192;

export function describeParseError(error: ParseError): readonly [code: ParseErrorCode, detail: string] {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return ["HEADERS_TOO_LARGE", "request line and header fields are larger than this node takes"];
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return ["BAD_REQUEST", "the chunk extensions are too large"];
    case "HPE_INVALID_URL":
      return ["BAD_REQUEST", "the path holds a byte that has to be percent-encoded"];
    case "HPE_INVALID_METHOD":
      return requestLine.test(lineAtError(error))
        ? ["METHOD_NOT_ALLOWED", "no path takes this method"]
        : ["BAD_REQUEST", "the request is not HTTP/1.1"];
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return ["REQUEST_TIMEOUT", "the request did not arrive in time"];
    default:
      return ["BAD_REQUEST", "the request is not HTTP/1.1"];
  }
}

/** The line in which the parser stopped, without its line feed; empty when it is not whole in the packet. */
function lineAtError({ rawPacket, bytesParsed = 0 }: ParseError): string {
  if (rawPacket === undefined) return "";
  const around = Buffer.from(rawPacket.subarray(Math.max(0, bytesParsed - lineBytesMax), bytesParsed + lineBytesMax));
  const text = around.toString("latin1");
  const at = Math.min(bytesParsed, lineBytesMax);
  const end = text.indexOf("\n", at);
  return end < 0 ? "" : text.slice(text.lastIndexOf("\n", at - 1) + 1, end);
}
