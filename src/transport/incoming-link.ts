/**
 * @module
 * An accepted connection on which a peer speaks: only ever read, but for signs of life.
 */

import type { Socket } from "node:net";
import { decodeUntrusted } from "../codec/codec.ts";
import { listOf } from "../codec/field.ts";
import type { NodeId } from "../raft/types.ts";
import { encodeFrame, FrameReader } from "./frame.ts";
import type { LinkContext } from "./link-context.ts";
import { type PeerMessage, parsePeerMessage } from "./message-parser.ts";
import { orProtocolError, PeerProtocolError } from "./protocol-error.ts";

const pongFrame: Uint8Array = encodeFrame([]);

/** Answers that a peer does not read; more than a healthy one ever leaves. */
const unreadBytesMax = 4096;

/** The messages of one frame. Throws `CodecError` and `PeerProtocolError`. */
export function parseFrame(
  frame: Uint8Array,
  from: NodeId,
  context: Pick<LinkContext, "limits" | "keeper">,
): readonly PeerMessage[] {
  const link = { from, to: context.keeper.nodeId };
  const wires = listOf(decodeUntrusted(frame, context.limits.codec), "frame");
  return wires.map((wire) => parsePeerMessage(wire, link, context.limits));
}

export class IncomingLink {
  readonly from: NodeId;
  readonly #socket: Socket;
  readonly #context: LinkContext;
  readonly #reader: FrameReader;
  #heardAtMs: number = performance.now();
  #closedHere = false;

  /** `onClosed` is called once, whoever closed it. */
  constructor(from: NodeId, socket: Socket, context: LinkContext, onClosed: (link: IncomingLink) => void) {
    this.from = from;
    this.#socket = socket;
    this.#context = context;
    this.#reader = new FrameReader(context.limits.frameBytesMax);
    let reason = "it closed the connection";
    socket.on("error", (error) => {
      reason = error.message;
    });
    socket.on("data", (chunk: Buffer) => this.#onChunk(chunk));
    socket.once("close", () => {
      onClosed(this);
      this.#onClosed(reason);
    });
  }

  get isPaused(): boolean {
    return this.#socket.isPaused();
  }

  /** Takes nothing more from the kernel; the peer's own queue fills, and it drops. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#heardAtMs = performance.now();
    this.#socket.resume();
  }

  /** Closes a connection that has been silent for too long: a live peer asks for signs of life. */
  tick(nowMs: number, resumedAfterPause: boolean): void {
    if (resumedAfterPause || this.isPaused || this.#context.isCut(this.from)) this.#heardAtMs = nowMs;
    if (nowMs - this.#heardAtMs >= this.#context.limits.incomingIdleMs) this.close();
  }

  /** Closed by this node: nobody is told that the peer disconnected. */
  close(): void {
    this.#closedHere = true;
    this.#socket.destroy();
  }

  #onChunk(chunk: Buffer): void {
    this.#heardAtMs = performance.now();
    const unheard = this.#context.isCutFrom(this.from);
    let alive = false;
    const messages = orProtocolError("messageMalformed", () => {
      const frames = this.#reader.push(chunk);
      if (unheard) return [];
      const parsed: PeerMessage[] = [];
      for (const frame of frames) {
        const inFrame = parseFrame(frame, this.from, this.#context);
        if (inFrame.length === 0) alive = true;
        for (const message of inFrame) parsed.push(message);
      }
      return parsed;
    });
    if (messages instanceof PeerProtocolError) {
      this.#onViolation(messages);
      return;
    }
    if (alive) this.#answerPing();
    if (messages.length === 0) return;
    this.#context.counters.messagesReceived += messages.length;
    this.#context.deliver(this.from, messages);
  }

  #answerPing(): void {
    this.#context.heardPing(this.from);
    if (this.#context.isCutTo(this.from)) return;
    if (this.#socket.writableLength > unreadBytesMax) {
      this.close();
    } else {
      this.#socket.write(pongFrame);
    }
  }

  #onViolation({ code, message: detail }: PeerProtocolError): void {
    const { counters, log } = this.#context;
    counters.protocolErrors += 1;
    const message = `the connection from peer ${this.from} is closed, for it broke the protocol (${code}): ${detail}`;
    log.say("warn", `violation ${this.from} ${code}`, message, { peer: this.from, code });
    this.close();
  }

  #onClosed(reason: string): void {
    if (this.#closedHere || this.#context.isCut(this.from)) return;
    const { counters, log } = this.#context;
    counters.disconnects += 1;
    const where = this.#reader.isBetweenFrames ? "" : ", in the middle of a frame";
    const message = `the connection from peer ${this.from} ended${where}: ${reason}`;
    log.say("info", `ended from ${this.from}`, message, { peer: this.from });
    this.#context.disconnected(this.from);
  }
}
