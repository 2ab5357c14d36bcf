/**
 * @module
 * Accepts connections and hears their hellos. A stranger costs a few KiB, for a few seconds, and one of a few places.
 */

import { createServer, type Server, type Socket } from "node:net";
import { type Address, formatAddress } from "../address/address.ts";
import { StartError } from "../errors/balsa-error.ts";
import { FrameReader } from "./frame.ts";
import { encodeHelloAnswer, type Hello, parseHello, type Refusal, refusalOf } from "./hello.ts";
import type { LinkContext } from "./link-context.ts";
import { orProtocolError, PeerProtocolError } from "./protocol-error.ts";

/** Has not been answered yet. */
interface Stranger {
  readonly socket: Socket;
  readonly address: string;
  readonly timer: NodeJS.Timeout;
  /** Set while the fault switch keeps its hello from being answered. */
  held: boolean;
  /** Stops listening to the socket, which is given away or destroyed. */
  release(): void;
}

export interface ListenerHandlers {
  /** The hello is accepted and answered; the socket is the receiver's from now on. */
  onWelcome(socket: Socket, hello: Hello): void;
  /** Of this node's data directory; said in the answer. */
  readonly incarnation: string;
  /** Accepted connections beyond the strangers. */
  establishedCount(): number;
}

export class Listener {
  readonly #context: LinkContext;
  readonly #handlers: ListenerHandlers;
  readonly #server: Server;
  /** Oldest first. */
  readonly #strangers = new Set<Stranger>();

  constructor(context: LinkContext, handlers: ListenerHandlers) {
    this.#context = context;
    this.#handlers = handlers;
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 }, (socket) =>
      this.#onConnection(socket),
    );
    this.#server.maxConnections = context.limits.connectionsMax + context.limits.strangersMax;
    this.#server.on("drop", (dropped) => {
      const message = `a connection from ${dropped?.remoteAddress ?? "somewhere"} is dropped: there are as many as this node takes`;
      context.log.say("warn", "drop", message, {});
    });
  }

  /** Resolves with the port; rejects with `StartError` when it cannot be had. */
  listen(address: Address): Promise<number> {
    return new Promise((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => {
        const text = formatAddress(address);
        const why = error.code === "EADDRINUSE" ? "the port is in use" : error.message;
        reject(new StartError(`cannot listen for peers on ${text}: ${why}`, { cause: error }));
      };
      this.#server.once("error", onError);
      this.#server.listen({ host: address.host, port: address.port }, () => {
        this.#server.off("error", onError);
        // What fails later is one accept (out of descriptors), not the listener.
        this.#server.on("error", (error) => {
          this.#context.log.say("error", "listener", `a peer could not be accepted: ${error.message}`, {});
        });
        const bound = this.#server.address();
        resolve(typeof bound === "object" && bound !== null ? bound.port : address.port);
      });
    });
  }

  /** Closes those whose hello was held back by the fault switch: they dial again. */
  dropHeld(): void {
    for (const stranger of this.#strangers) if (stranger.held) this.#drop(stranger);
  }

  /** Resolves when nothing is accepted any more; the connections given away are for their owners to close. */
  close(): Promise<void> {
    for (const stranger of this.#strangers) this.#drop(stranger);
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #onConnection(socket: Socket): void {
    const { limits, log } = this.#context;
    const reader = new FrameReader(limits.helloBytesMax);
    const address = socket.remoteAddress ?? "somewhere";
    const onData = (chunk: Buffer): void => this.#onChunk(stranger, reader, chunk);
    const onError = (): void => undefined;
    const onClose = (): void => this.#drop(stranger);
    const timer = setTimeout(() => {
      const message = `a connection from ${address} is closed: it said no hello within ${limits.helloTimeoutMs} ms`;
      log.say("info", `mute ${address}`, message, { address });
      this.#drop(stranger);
    }, limits.helloTimeoutMs);
    const stranger: Stranger = {
      socket,
      address,
      timer,
      held: false,
      release: () => {
        clearTimeout(timer);
        this.#strangers.delete(stranger);
        socket.off("data", onData).off("close", onClose);
      },
    };
    socket.on("data", onData).on("error", onError).on("close", onClose);
    this.#strangers.add(stranger);
    const [oldest] = this.#strangers;
    if (this.#strangers.size > limits.strangersMax && oldest !== undefined) this.#drop(oldest);
  }

  #onChunk(stranger: Stranger, reader: FrameReader, chunk: Buffer): void {
    if (stranger.held) return;
    const frames = orProtocolError("frameMalformed", () => reader.push(chunk));
    if (frames instanceof PeerProtocolError) {
      this.#refuse(stranger, undefined, { code: "wrongProtocol", detail: `it begins wrongly: ${frames.message}` });
      return;
    }
    const first = frames[0];
    if (first === undefined) return;
    const hello = parseHello(first);
    if ("code" in hello) {
      this.#refuse(stranger, undefined, hello);
    } else if (frames.length > 1 || !reader.isBetweenFrames) {
      this.#refuse(stranger, hello, { code: "wrongProtocol", detail: "it went on before its hello was answered" });
    } else {
      this.#onHello(stranger, hello);
    }
  }

  #onHello(stranger: Stranger, hello: Hello): void {
    const { keeper, limits, counters } = this.#context;
    const refusal = refusalOf(hello, keeper);
    if (refusal !== undefined) {
      this.#refuse(stranger, hello, refusal);
    } else if (this.#context.isCut(hello.from)) {
      stranger.held = true;
    } else if (this.#handlers.establishedCount() >= limits.connectionsMax) {
      this.#refuse(stranger, hello, {
        code: "tooManyConnections",
        detail: `this node takes ${limits.connectionsMax} connections`,
      });
    } else {
      stranger.release();
      counters.accepted += 1;
      const { incarnation } = this.#handlers;
      stranger.socket.write(encodeHelloAnswer({ accepted: true, nodeId: keeper.nodeId, incarnation }));
      this.#handlers.onWelcome(stranger.socket, hello);
    }
  }

  #refuse(stranger: Stranger, hello: Hello | undefined, refusal: Refusal): void {
    const { counters, log } = this.#context;
    const { address, socket } = stranger;
    const { code, detail } = refusal;
    counters.hellosRefused += 1;
    const who = hello === undefined ? "a connection" : `peer ${hello.from}`;
    const peer = hello?.from ?? null;
    const message = `${who} from ${address} is refused (${code}): ${detail}`;
    log.say("warn", `refuse ${peer ?? address} ${code}`, message, { peer, address, code });
    stranger.release();
    socket.end(encodeHelloAnswer({ accepted: false, code, detail }));
    socket.destroySoon();
  }

  #drop(stranger: Stranger): void {
    stranger.release();
    stranger.socket.destroy();
  }
}
