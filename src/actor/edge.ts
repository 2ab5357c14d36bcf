/**
 * @module
 * One edge of the data plane, as one of its two actors holds it: a MessagePort that carries CBOR frames, each
 * an array of messages, in order.
 */

import type { MessagePort } from "node:worker_threads";
import { decode, encode } from "../codec/codec.ts";
import type { Board, BoardCell } from "./board.ts";

export class Edge<Received, Sent> {
  readonly #port: MessagePort;
  readonly #board: Board;
  readonly #sent: BoardCell;
  readonly #receivedByPeer: BoardCell;
  readonly #received: BoardCell;

  /** `own` and `peer` are the names of the two actors. */
  constructor(port: MessagePort, board: Board, own: string, peer: string) {
    this.#port = port;
    this.#board = board;
    this.#sent = `${own}>${peer}:sent` as BoardCell;
    this.#receivedByPeer = `${own}>${peer}:received` as BoardCell;
    this.#received = `${peer}>${own}:received` as BoardCell;
  }

  /** Sends one frame; nothing when there is nothing to say. */
  send(messages: readonly Sent[]): void {
    if (messages.length === 0) return;
    const frame = encode(messages);
    this.#board.add(this.#sent, 1);
    this.#port.postMessage(frame, [frame.buffer]);
  }

  /** Frames sent that the other side has not taken yet: what an actor refuses work by. */
  depth(): number {
    return this.#board.get(this.#sent) - this.#board.get(this.#receivedByPeer);
  }

  /** Hears frames from now on. Byte strings in the messages are views of their frame. */
  onMessages(listener: (messages: readonly Received[], frameBytes: number) => void): void {
    this.#port.on("message", (frame: Uint8Array) => {
      this.#board.add(this.#received, 1);
      listener(decode(frame) as readonly Received[], frame.byteLength);
    });
  }

  close(): void {
    this.#port.close();
  }
}
