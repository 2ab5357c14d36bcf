/**
 * @module
 * Sends a snapshot over a connection of its own (Figure 13, leader), so that no heartbeat waits behind it.
 */

import type { Socket } from "node:net";
import type { Address } from "../address/address.ts";
import type { Message } from "../raft/message.ts";
import type { NodeId } from "../raft/types.ts";
import { dial } from "./dial.ts";
import { FrameReader } from "./frame.ts";
import type { LinkContext } from "./link-context.ts";
import { orProtocolError, PeerProtocolError } from "./protocol-error.ts";
import { encodeSnapshotChunk, encodeSnapshotHeader, parseSnapshotAck, type SnapshotAck } from "./snapshot-frame.ts";

export interface SnapshotPart {
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

/** Rejects when the snapshot is not there any more: the transfer is then given up. */
export type ReadSnapshotPart = (offset: number) => Promise<SnapshotPart>;

/** Why a transfer ended early. */
class TransferEnded extends Error {}

/**
 * Moves one snapshot. Resolves with whether the peer has it whole and verified; never rejects for what peer or
 * network do. Aborting resolves it with false.
 */
export async function sendSnapshot(
  peer: NodeId,
  address: Address,
  message: Message,
  readPart: ReadSnapshotPart,
  context: LinkContext,
  signal: AbortSignal,
): Promise<boolean> {
  const outcome = await dial(address, context.helloTo(peer, "snapshot"), context, signal);
  if (outcome.kind !== "accepted") {
    explain(peer, outcome.kind === "failed" ? outcome.reason : outcome.refusal.detail, context);
    return false;
  }
  const transfer = new Transfer(outcome.socket, context, signal);
  try {
    await transfer.run(message, readPart);
    return true;
  } catch (error) {
    explain(peer, error instanceof Error ? error.message : String(error), context);
    return false;
  } finally {
    transfer.close();
  }
}

function explain(peer: NodeId, reason: string, { log }: LinkContext): void {
  log.say("warn", `snapshot to ${peer}`, `the snapshot for peer ${peer} did not arrive: ${reason}`, { peer });
}

class Transfer {
  readonly #socket: Socket;
  readonly #context: LinkContext;
  readonly #reader: FrameReader;
  readonly #signal: AbortSignal;
  /** Rejects when the connection ends, before or after it is asked. */
  readonly #ended: Promise<never>;
  #end: (reason: string) => void = () => undefined;
  #onAck: (ack: SnapshotAck) => void = () => undefined;
  readonly #onAbort = (): void => this.#end("given up");

  constructor(socket: Socket, context: LinkContext, signal: AbortSignal) {
    this.#socket = socket;
    this.#context = context;
    this.#signal = signal;
    this.#reader = new FrameReader(context.limits.helloBytesMax);
    this.#ended = new Promise((_, reject) => {
      this.#end = (reason) => reject(new TransferEnded(reason));
    });
    // Nobody may be waiting when it ends.
    this.#ended.catch(() => undefined);
    socket.on("error", (error) => this.#end(error.message));
    socket.on("close", () => this.#end("the peer closed the connection"));
    socket.on("data", (chunk: Buffer) => this.#onBytes(chunk));
    signal.addEventListener("abort", this.#onAbort);
    if (signal.aborted) this.#onAbort();
  }

  async run(message: Message, readPart: ReadSnapshotPart): Promise<void> {
    const { snapshotStallMs, snapshotFinishMs, frameBytesMax } = this.#context.limits;
    this.#socket.write(encodeSnapshotHeader(message));
    let offset = 0;
    for (;;) {
      const { bytes, last } = await this.#within(snapshotStallMs, readPart(offset));
      const answered = new Promise<SnapshotAck>((resolve) => {
        this.#onAck = resolve;
      });
      for (const frame of encodeSnapshotChunk({ offset, bytes, last }, frameBytesMax)) this.#socket.write(frame);
      const ack = await this.#within(last ? snapshotFinishMs : snapshotStallMs, answered);
      if (!ack.accepted) throw new TransferEnded(`the peer refused it at byte ${offset}`);
      if (last) return;
      if (ack.offset <= offset) throw new TransferEnded(`the peer makes no progress at byte ${offset}`);
      offset = ack.offset;
    }
  }

  close(): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#socket.destroy();
  }

  #onBytes(chunk: Buffer): void {
    const ack = orProtocolError("messageMalformed", () => {
      const frame = this.#reader.push(chunk)[0];
      return frame === undefined ? undefined : parseSnapshotAck(frame, this.#context);
    });
    if (ack instanceof PeerProtocolError) {
      this.#end(`it broke the protocol: ${ack.message}`);
    } else if (ack !== undefined) {
      this.#onAck(ack);
    }
  }

  async #within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new TransferEnded(`no progress for ${timeoutMs} ms`)), timeoutMs);
    });
    try {
      return await Promise.race([work, this.#ended, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
