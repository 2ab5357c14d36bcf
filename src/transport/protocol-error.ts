/**
 * @module
 * What ends a connection between peers: somebody said what the protocol does not allow.
 */

import { CodecError } from "../codec/codec-error.ts";

export type ProtocolErrorCode =
  /** A length field above the cap. Nothing was allocated for it. */
  | "frameTooLarge"
  /** A length field of 0: even a frame without messages takes a byte. */
  | "frameEmpty"
  /** Not the CBOR that a frame is. */
  | "frameMalformed"
  /** CBOR, but no message that this version knows. */
  | "messageMalformed"
  /** A message in another node's name, or for another node. */
  | "messageMisdirected"
  /** A frame that has no place here: before the hello was answered, or on a connection that only receives. */
  | "frameUnexpected";

/** Data, not a bug: the connection is closed with one line and the node goes on. */
export class PeerProtocolError extends Error {
  readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, detail: string) {
    super(detail);
    this.name = "PeerProtocolError";
    this.code = code;
  }
}

/** Runs `parse` and gives its value, or the protocol error it met. Anything else it throws is a bug and is thrown on. */
export function orProtocolError<T>(code: ProtocolErrorCode, parse: () => T): T | PeerProtocolError {
  try {
    return parse();
  } catch (error) {
    if (error instanceof PeerProtocolError) return error;
    if (error instanceof CodecError) return new PeerProtocolError(code, error.message);
    throw error;
  }
}
