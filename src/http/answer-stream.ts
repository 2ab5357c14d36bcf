/**
 * @module
 * An answer that is written in pieces, each when the client has taken the one before.
 */

import type { Exchange } from "./exchange.ts";

/** A client that takes nothing for so long is cut off. */
const stallMsDefault = 30_000;
/** So small that a client which takes it slowly is seen to take it. */
const pieceBytes = 16 * 1024;

export class AnswerStream {
  readonly #exchange: Exchange;
  readonly #stallMsMax: number;
  #ended = false;

  /** Sends the head. `headers` is a flat list of names and values; it is extended here. */
  constructor(exchange: Exchange, status: number, headers: string[], stallMsMax: number = stallMsDefault) {
    this.#exchange = exchange;
    this.#stallMsMax = stallMsMax;
    exchange.begin(status, headers);
  }

  /** Resolves once there is room for more; with false when the client is gone, or takes nothing. */
  async write(bytes: Buffer): Promise<boolean> {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const { response } = this.#exchange;
      if (response.destroyed || this.#exchange.request.socket.destroyed) return false;
      if (response.write(bytes.subarray(at, at + pieceBytes))) continue;
      if (!(await this.#drained())) return false;
    }
    return true;
  }

  /** The answer is whole. */
  end(): void {
    this.#ended = true;
    this.#exchange.finish();
  }

  /** Cuts the connection when the answer is not whole, so that its client does not take it for that. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#exchange.cut();
  }

  #drained(): Promise<boolean> {
    const { response } = this.#exchange;
    return new Promise((resolve) => {
      const settle = (room: boolean): void => {
        clearTimeout(stalled);
        response.off("drain", onDrain);
        response.off("close", onClose);
        resolve(room);
      };
      const onDrain = (): void => settle(true);
      const onClose = (): void => settle(false);
      const stalled = setTimeout(onClose, this.#stallMsMax);
      response.once("drain", onDrain);
      response.once("close", onClose);
    });
  }
}
