/**
 * @module
 * The conversation that moves a snapshot (Figure 13): a header, then chunks, each answered before the next. All are
 * frames with one item: the InstallSnapshotRequest, `[offset, bytes, last]`, and back `[offset, accepted]`.
 */

import { decodeUntrusted } from "../codec/codec.ts";
import { CodecError } from "../codec/codec-error.ts";
import { booleanOf, bytesOf, tupleOf, wholeOf } from "../codec/field.ts";
import type { InstallSnapshotRequest, Message } from "../raft/message.ts";
import { encodeFrame, encodeFrames } from "./frame.ts";
import { parseFrame } from "./incoming-link.ts";
import type { LinkContext } from "./link-context.ts";
import { messageToWire } from "./message-writer.ts";

export interface SnapshotChunkFrame {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

export interface SnapshotAck {
  /** Where the next chunk starts. */
  readonly offset: number;
  /** False: the whole transfer is off. */
  readonly accepted: boolean;
}

export function encodeSnapshotHeader(message: Message): Uint8Array {
  return encodeFrame([messageToWire(message, undefined)]);
}

/** Throws `PeerProtocolError` (`frameTooLarge`) when the chunk does not fit into a frame. */
export function encodeSnapshotChunk(chunk: SnapshotChunkFrame, frameBytesMax: number): readonly Uint8Array[] {
  return encodeFrames([[chunk.offset, chunk.bytes, chunk.last]], frameBytesMax);
}

export function encodeSnapshotAck({ offset, accepted }: SnapshotAck): Uint8Array {
  return encodeFrame([[offset, accepted]]);
}

/** Throws `CodecError` and `PeerProtocolError`, like the next two. */
export function parseSnapshotHeader(
  frame: Uint8Array,
  from: string,
  context: Pick<LinkContext, "limits" | "keeper">,
): InstallSnapshotRequest {
  const [first, second] = parseFrame(frame, from, context);
  if (first?.kind === "core" && first.message.kind === "installSnapshotRequest" && second === undefined) {
    return first.message;
  }
  throw new CodecError("not the header of a snapshot", 0);
}

export function parseSnapshotChunk(frame: Uint8Array, context: Pick<LinkContext, "limits">): SnapshotChunkFrame {
  const [item] = tupleOf(decodeUntrusted(frame, context.limits.codec), 1, "frame");
  const [offset, bytes, last] = tupleOf(item, 3, "chunk");
  return { offset: wholeOf(offset, "offset"), bytes: bytesOf(bytes, "bytes"), last: booleanOf(last, "last") };
}

export function parseSnapshotAck(frame: Uint8Array, context: Pick<LinkContext, "limits">): SnapshotAck {
  const [item] = tupleOf(decodeUntrusted(frame, context.limits.codec), 1, "frame");
  const [offset, accepted] = tupleOf(item, 2, "ack");
  return { offset: wholeOf(offset, "offset"), accepted: booleanOf(accepted, "accepted") };
}
