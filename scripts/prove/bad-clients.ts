/**
 * @module
 * Clients that are slow on purpose: they read nothing, write a byte now and then, or say nothing at all.
 */

import { connect, type Socket } from "node:net";

const trickleMs = 200;

export class BadClients {
  readonly #sockets: Socket[] = [];
  readonly #timers: NodeJS.Timeout[] = [];

  /** `each` of each sort, over the addresses by turns. The slow readers ask for `path` again and again. */
  constructor(addresses: readonly { readonly host: string; readonly port: number }[], each: number, path: string) {
    for (let number = 0; number < each; number++) {
      const address = addresses[number % addresses.length];
      if (address === undefined) return;
      const [reader, writer] = [this.#open(address), this.#open(address)];
      this.#open(address); // Half open: it never says anything.
      reader.pause();
      for (let ask = 0; ask < 4; ask++) reader.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      writer.write("PUT /key/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n");
      this.#timers.push(setInterval(() => writer.write("x"), trickleMs));
    }
  }

  get open(): number {
    return this.#sockets.filter((socket) => !socket.destroyed).length;
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const socket of this.#sockets) socket.destroy();
  }

  #open(address: { readonly host: string; readonly port: number }): Socket {
    const socket = connect(address);
    socket.on("error", () => undefined);
    this.#sockets.push(socket);
    return socket;
  }
}
