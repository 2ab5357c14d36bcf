/**
 * @module
 * A TCP proxy before a node, which slows connections down, or resets them in the middle of a frame.
 */

import { connect, createServer, type Server, type Socket } from "node:net";

/** What a proxy does to what passes; all can be changed at any time. */
export interface LinkFaults {
  /** Milliseconds that each piece is held. */
  delayMs: number;
  /** Is the connection reset now, with half of this piece delivered? */
  readonly isReset: (bytes: number) => boolean;
}

/** Stands before one node. */
export class LinkProxy {
  readonly #faults: LinkFaults;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target: { readonly host: string; readonly port: number } | null = null;

  private constructor(faults: LinkFaults) {
    this.#faults = faults;
    this.#server = createServer({ noDelay: true }, (near) => this.#onConnection(near));
  }

  /** On any free port of 127.0.0.1. */
  static async listen(faults: LinkFaults): Promise<LinkProxy> {
    const proxy = new LinkProxy(faults);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject);
      proxy.#server.listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  /** `host:port`, to be advertised in place of the node's own. */
  get address(): string {
    const bound = this.#server.address();
    return `127.0.0.1:${typeof bound === "object" && bound !== null ? bound.port : 0}`;
  }

  /** Where the node listens; connections are closed before it is known. */
  leadTo(address: string): void {
    const colon = address.lastIndexOf(":");
    this.#target = { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  #onConnection(near: Socket): void {
    near.on("error", () => undefined);
    if (this.#target === null) {
      near.destroy();
      return;
    }
    const far = connect({ ...this.#target, noDelay: true });
    const end = (): void => {
      for (const socket of [near, far]) {
        this.#sockets.delete(socket);
        socket.destroy();
      }
    };
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on("error", end).on("close", end);
    }
    this.#pass(near, far);
    this.#pass(far, near);
  }

  #pass(source: Socket, sink: Socket): void {
    const faults = this.#faults;
    source.on("data", (chunk: Buffer) => {
      const isLast = faults.isReset(chunk.byteLength);
      const piece = isLast ? chunk.subarray(0, chunk.byteLength >>> 1) : chunk;
      const deliver = (): void => {
        if (sink.destroyed) return;
        sink.write(piece);
        if (isLast) sink.destroySoon();
      };
      if (isLast) source.pause();
      if (faults.delayMs > 0) setTimeout(deliver, faults.delayMs);
      else deliver();
    });
  }
}
