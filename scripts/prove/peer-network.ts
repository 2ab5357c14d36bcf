/**
 * @module
 * The network between nodes, as far as a TCP proxy before each raft port can play it: any direction of any pair can
 * be cut. A cut loses nothing by itself: what was under way arrives when it heals, or its connection is reset.
 *
 * Each node dials each other for what it has to say, so a connection is a direction; its first frame, the hello, says
 * who dials.
 */

import { connect, createServer, type Server, type Socket } from "node:net";
import { decodeUntrusted } from "../../src/codec/codec.ts";

export interface Direction {
  readonly from: string;
  readonly to: string;
}

/** What becomes of the connections that were cut. */
export type Healing = "resume" | "reset";

interface Connection extends Direction {
  readonly dialer: Socket;
  /** Null until something passes for the first time. */
  target: Socket | null;
  passes: boolean;
  readonly targetPort: number;
  /** What the dialer said before it was known who it is. */
  readonly hello: Buffer;
}

const helloBytesMax = 4_096;
const helloLimits = { depthMax: 2, itemsMax: 32, textBytesMax: 1_024 };

export class PeerNetwork {
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Set<Connection>();
  #cut: ReadonlySet<string> = new Set();

  /** Resolves with the port at which the peers of node `to` reach it. */
  async before(to: string, targetPort: number): Promise<number> {
    const server = createServer({ noDelay: true }, (dialer) => this.#onConnection(dialer, to, targetPort));
    this.#servers.push(server);
    return await new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  }

  /** From now on nothing passes in these directions, and in all others everything. */
  cut(directions: readonly Direction[]): void {
    this.#cut = new Set(directions.map(nameOf));
    for (const connection of this.#connections) {
      if (this.#isCut(connection)) hold(connection);
      else this.#open(connection);
    }
  }

  heal(healing: Healing): void {
    const held = [...this.#connections].filter((connection) => this.#isCut(connection));
    this.#cut = new Set();
    for (const connection of held) {
      if (healing === "resume") this.#open(connection);
      else connection.dialer.destroy();
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  #onConnection(dialer: Socket, to: string, targetPort: number): void {
    this.#own(dialer);
    let heard: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      heard = Buffer.concat([heard, chunk]);
      const from = dialerOf(heard);
      if (from === "unknown yet") return;
      dialer.off("data", onData).pause();
      if (from === "nobody") dialer.destroy();
      else this.#join({ from, to, dialer, target: null, passes: false, targetPort, hello: heard });
    };
    dialer.on("data", onData);
  }

  #join(connection: Connection): void {
    const { dialer } = connection;
    this.#connections.add(connection);
    dialer.once("close", () => {
      this.#connections.delete(connection);
      connection.target?.destroy();
    });
    if (!this.#isCut(connection)) this.#open(connection);
  }

  #open(connection: Connection): void {
    const { dialer, hello, targetPort } = connection;
    if (dialer.destroyed || connection.passes) return;
    connection.passes = true;
    if (connection.target === null) {
      const target = connect({ host: "127.0.0.1", port: targetPort, noDelay: true });
      this.#own(target);
      target.once("close", () => dialer.destroy());
      target.write(hello);
      connection.target = target;
    }
    dialer.pipe(connection.target);
    connection.target.pipe(dialer);
  }

  #isCut(direction: Direction): boolean {
    return this.#cut.has(nameOf(direction));
  }

  #own(socket: Socket): void {
    this.#sockets.add(socket);
    // Whatever the error: the close that follows it is passed on.
    socket.on("error", () => undefined).once("close", () => this.#sockets.delete(socket));
  }
}

function hold(connection: Connection): void {
  const { dialer, target } = connection;
  connection.passes = false;
  if (target === null) return;
  dialer.unpipe(target).pause();
  target.unpipe(dialer).pause();
}

/** Who says hello: a frame of four bytes of length and a CBOR list, the dialer its fourth item. */
function dialerOf(heard: Buffer): string {
  if (heard.length < 4) return "unknown yet";
  const length = heard.readUInt32BE(0);
  if (length > helloBytesMax) return "nobody";
  if (heard.length < 4 + length) return "unknown yet";
  try {
    const hello = decodeUntrusted(heard.subarray(4, 4 + length), helloLimits);
    return Array.isArray(hello) && typeof hello[3] === "string" ? hello[3] : "nobody";
  } catch {
    return "nobody"; // Not a hello: there is nobody to pass on.
  }
}

function nameOf({ from, to }: Direction): string {
  return `${from}>${to}`;
}
