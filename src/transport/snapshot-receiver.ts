/**
 * @module
 * An accepted connection on which a leader sends its snapshot (Figure 13, receiver), one chunk at a time.
 */

import type { Socket } from "node:net";
import type { InstallSnapshotRequest } from "../raft/message.ts";
import type { NodeId } from "../raft/types.ts";
import { FrameReader } from "./frame.ts";
import type { LinkContext } from "./link-context.ts";
import { orProtocolError, PeerProtocolError } from "./protocol-error.ts";
import {
  encodeSnapshotAck,
  parseSnapshotChunk,
  parseSnapshotHeader,
  type SnapshotAck,
  type SnapshotChunkFrame,
} from "./snapshot-frame.ts";

/** Keeps a chunk; the last one is answered once the whole is verified and durable. */
export type OnSnapshotChunk = (
  from: NodeId,
  message: InstallSnapshotRequest,
  offset: number,
  bytes: Uint8Array,
  last: boolean,
) => Promise<SnapshotAck>;

export class SnapshotReceiver {
  readonly from: NodeId;
  readonly #socket: Socket;
  readonly #context: LinkContext;
  readonly #onChunk: OnSnapshotChunk;
  readonly #reader: FrameReader;
  #message: InstallSnapshotRequest | null = null;
  /** A chunk is being kept: the sender waits for the answer, and may not go on. */
  #busy = false;
  #progressAtMs: number = performance.now();

  constructor(
    from: NodeId,
    socket: Socket,
    context: LinkContext,
    onChunk: OnSnapshotChunk,
    onClosed: (receiver: SnapshotReceiver) => void,
  ) {
    this.from = from;
    this.#socket = socket;
    this.#context = context;
    this.#onChunk = onChunk;
    this.#reader = new FrameReader(context.limits.frameBytesMax);
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => this.#onBytes(chunk));
    socket.once("close", () => onClosed(this));
  }

  tick(nowMs: number, resumedAfterPause: boolean): void {
    if (resumedAfterPause || this.#busy) this.#progressAtMs = nowMs;
    if (nowMs - this.#progressAtMs >= this.#context.limits.snapshotStallMs) this.close();
  }

  close(): void {
    this.#socket.destroy();
  }

  #onBytes(bytes: Buffer): void {
    this.#progressAtMs = performance.now();
    const chunk = orProtocolError("messageMalformed", () => this.#chunkOf(this.#reader.push(bytes)));
    if (chunk instanceof PeerProtocolError) {
      const { counters, log } = this.#context;
      counters.protocolErrors += 1;
      const message = `the snapshot from peer ${this.from} is given up, for it broke the protocol (${chunk.code}): ${chunk.message}`;
      log.say("warn", `snapshot from ${this.from}`, message, { peer: this.from, code: chunk.code });
      this.close();
    } else if (chunk !== undefined && this.#message !== null) {
      void this.#keep(this.#message, chunk);
    }
  }

  /** The header may come together with the first chunk; two chunks never do. */
  #chunkOf(frames: readonly Uint8Array[]): SnapshotChunkFrame | undefined {
    let chunk: SnapshotChunkFrame | undefined;
    for (const frame of frames) {
      if (this.#message === null) {
        this.#message = parseSnapshotHeader(frame, this.from, this.#context);
      } else if (this.#busy || chunk !== undefined) {
        throw new PeerProtocolError("frameUnexpected", "a chunk before the one before was answered");
      } else {
        chunk = parseSnapshotChunk(frame, this.#context);
      }
    }
    return chunk;
  }

  async #keep(message: InstallSnapshotRequest, { offset, bytes, last }: SnapshotChunkFrame): Promise<void> {
    this.#busy = true;
    const ack = await this.#ackOf(message, { offset, bytes, last });
    this.#busy = false;
    this.#progressAtMs = performance.now();
    if (this.#socket.destroyed) return;
    // The core hears of the snapshot before its sender does, and in any case before another could begin.
    if (ack.accepted && last) this.#context.deliver(this.from, [{ kind: "core", message, entries: undefined }]);
    const frame = encodeSnapshotAck(ack);
    if (ack.accepted && !last) {
      this.#socket.write(frame);
    } else {
      this.#socket.end(frame);
    }
  }

  async #ackOf(message: InstallSnapshotRequest, chunk: SnapshotChunkFrame): Promise<SnapshotAck> {
    try {
      return await this.#onChunk(this.from, message, chunk.offset, chunk.bytes, chunk.last);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const text = `a chunk of the snapshot from peer ${this.from} could not be kept: ${why}`;
      this.#context.log.say("warn", `snapshot from ${this.from}`, text, { peer: this.from });
      return { offset: chunk.offset, accepted: false };
    }
  }
}
