/**
 * @module
 * Very many watches from one process: each a connection that counts its events and remembers nothing else.
 */

import { connect, type Socket } from "node:net";

const openingAtOnce = 200;
const openedMsMax = 30_000;

export class IdleWatches {
  /** Changes that were given, to all of them. */
  events = 0;
  readonly #host: string;
  readonly #port: number;
  readonly #sockets: Socket[] = [];

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#host = hostname;
    this.#port = Number(port);
  }

  /** Resolves when each of them has begun. */
  async open(queries: readonly string[]): Promise<void> {
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < queries.length) await this.#watch(queries[next++] ?? "");
    };
    await Promise.all(Array.from({ length: openingAtOnce }, lane));
  }

  /** With resets: of a client that only closes its half, the node knows no more until it writes to it. */
  close(): void {
    for (const socket of this.#sockets.splice(0)) socket.resetAndDestroy();
  }

  #watch(query: string): Promise<void> {
    const socket = connect({ host: this.#host, port: this.#port });
    this.#sockets.push(socket);
    socket.write(`GET /watch?${query} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    return new Promise((resolve, reject) => {
      let begun = false;
      let rest = "";
      let first = "nothing";
      const late = setTimeout(() => reject(new Error(`the watch ${query} has not begun: ${first}`)), openedMsMax);
      socket.on("error", reject).on("close", () => reject(new Error(`the watch ${query} has ended`)));
      socket.setEncoding("latin1").on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        if (first === "nothing") [first = ""] = lines;
        for (const line of lines) {
          if (line.startsWith("event: ")) this.events++;
          if (begun || !line.startsWith("id: ")) continue;
          begun = true;
          clearTimeout(late);
          resolve();
        }
      });
    });
  }
}
