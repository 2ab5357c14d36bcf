/**
 * @module
 * A peer that says whatever a test wants, byte by byte.
 */

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Address } from "../../src/address/address.ts";
import { FrameReader } from "../../src/transport/frame.ts";
import { encodeHello, type Hello, type HelloAnswer, parseHelloAnswer } from "../../src/transport/hello.ts";

const open: Socket[] = [];

export class RawPeer {
  readonly socket: Socket;
  readonly #frames: Uint8Array[] = [];
  #closed = false;
  #wake: () => void = () => undefined;

  constructor(address: Address) {
    this.socket = connect(address.port, address.host);
    open.push(this.socket);
    const reader = new FrameReader(2 ** 24);
    this.socket.on("error", () => undefined);
    this.socket.on("data", (chunk) => {
      this.#frames.push(...reader.push(chunk));
      this.#wake();
    });
    this.socket.on("close", () => {
      this.#closed = true;
      this.#wake();
    });
  }

  /** The next frame, or undefined once the other side has closed. */
  async frame(): Promise<Uint8Array | undefined> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined || this.#closed) return frame;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async hello(hello: Hello): Promise<HelloAnswer> {
    this.socket.write(encodeHello(hello));
    const frame = await this.frame();
    if (frame === undefined) throw new Error("closed without an answer");
    return parseHelloAnswer(frame);
  }

  async closed(): Promise<void> {
    if (!this.#closed) await once(this.socket, "close");
  }
}

/** A connection on which `hello` was accepted. */
export async function acceptedPeer(address: Address, hello: Partial<Hello> = {}): Promise<RawPeer> {
  const peer = new RawPeer(address);
  const answer = await peer.hello({ ...goodHello, ...hello });
  if (!answer.accepted) throw new Error(`refused: ${answer.detail}`);
  return peer;
}

/** From n2 to n1 of cluster c1; it cannot be dialled back. */
export const goodHello: Hello = {
  clusterId: "c1",
  from: "n2",
  to: "n1",
  incarnation: "inc-n2",
  purpose: "messages",
  raftAddr: "",
  voteHoldMs: 0,
};

export function closeRawPeers(): void {
  for (const socket of open.splice(0)) socket.destroy();
}
