/**
 * @module
 * The listener: node:http with a limit on everything, and an answer to whatever cannot be parsed.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { StartError } from "../errors/balsa-error.ts";
import type { Backend } from "./backend.ts";
import { Connection } from "./connection.ts";
import { type Accounts, Exchange } from "./exchange.ts";
import { Face } from "./face.ts";
import { Meter } from "./meter.ts";
import type { HttpOptions } from "./options.ts";
import { describeParseError } from "./parse-error.ts";
import { rawProblem } from "./problem.ts";
import type { Milestones, Outcome } from "./request.ts";
import { SlowRequests } from "./slow-requests.ts";
import type { WatchCounts } from "./watches.ts";

/** Connections above the limit that are still told so; what comes on top is closed unheard. */
const refusedConnectionsMax = 64;
/** As many wait in the kernel to be accepted, if it allows that: one that finds no place there tries again only after 1 s. */
const backlogMax = 4_096;
const drainPollMs = 20;

export class HttpServer {
  readonly meter: Meter = new Meter();
  readonly #accounts: Accounts;
  readonly #options: HttpOptions;
  readonly #server: Server;
  readonly #face: Face;
  readonly #connections = new Map<Socket, Connection>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(backend: Backend, options: HttpOptions) {
    this.#options = options;
    this.#face = new Face(backend, options);
    const slow = new SlowRequests(options.slowRequestMs, (message, fields) => backend.warn(message, fields));
    this.#accounts = { meter: this.meter, slow };
    const server = createServer({
      maxHeaderSize: options.headerBytesMax,
      headersTimeout: options.headersTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
      connectionsCheckingInterval: options.connectionsCheckingIntervalMs,
      // Its timer would be made anew for every request; `#sweep` does the same for all connections at once.
      keepAliveTimeout: 0,
      requireHostHeader: false,
      noDelay: true,
    });
    server.maxConnections = options.connectionsMax + refusedConnectionsMax;
    server.maxRequestsPerSocket = 0;
    // node:http drops what exceeds its count of fields without a word: a condition or a second Host would go unseen.
    // `maxHeaderSize` bounds them.
    server.maxHeadersCount = 0;
    // A client may close its half of the connection and still read: it is owed its answer.
    Object.assign(server, { httpAllowHalfOpen: true });
    server.on("connection", (socket) => this.#onConnection(socket));
    server.on("request", (request, response) => this.#onRequest(request, response));
    server.on("checkContinue", (request, response) => this.#onContinue(request, response));
    server.on("checkExpectation", (request, response) => this.#onExpectation(request, response));
    server.on("clientError", (error: NodeJS.ErrnoException, socket) => this.#onClientError(error, socket as Socket));
    server.on("connect", (_request, socket) => {
      socket.end(rawProblem("BAD_REQUEST", "this is not a proxy"));
    });
    this.#server = server;
    this.#sweeper = setInterval(() => this.#sweep(), options.connectionsCheckingIntervalMs).unref();
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Requests that wait for the node behind. */
  get waiting(): number {
    return this.#face.waiting;
  }

  get watches(): WatchCounts {
    return this.#face.watches;
  }

  /** Whether a client of this node wants to hear of every change. */
  get isWatched(): boolean {
    return this.#face.isWatched;
  }

  /** The state may have moved on: called at every turn of the node. */
  wake(): void {
    this.#face.wake();
  }

  /** Resolves with the port that is bound; rejects with a StartError that says in one line why not. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => {
        clearInterval(this.#sweeper);
        reject(new StartError(`http ${host}:${port} ${bindFailure(error)}`, { cause: error }));
      };
      this.#server.once("error", onError);
      this.#server.listen({ host, port, backlog: backlogMax }, () => {
        this.#server.off("error", onError);
        const address = this.#server.address();
        resolve(typeof address === "object" && address !== null ? address.port : port);
      });
    });
  }

  /** Answers a request that was submitted to the backend; nothing when its client is gone. Null: it never went to raft. */
  answer(requestId: number, outcome: Outcome, milestones: Milestones | null = null): void {
    this.#face.answer(requestId, outcome, milestones);
  }

  /**
   * Takes no more connections and refuses requests, waits until what is pending has been answered or `graceMs`
   * milliseconds are over, then cuts what is left.
   */
  async stop(graceMs: number): Promise<void> {
    this.#face.stop();
    clearInterval(this.#sweeper);
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#server.closeIdleConnections();
    const until = performance.now() + graceMs;
    while (this.#isBusy() && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, drainPollMs));
    }
    this.#server.closeAllConnections();
    for (const socket of this.#connections.keys()) socket.destroy();
    await closed;
  }

  #isBusy(): boolean {
    for (const connection of this.#connections.values()) if (connection.isBusy) return true;
    return false;
  }

  /** Cuts connections on which nothing has moved for too long: idle ones, and those that do not take their answer. */
  #sweep(): void {
    const { keepAliveTimeoutMs, silenceTimeoutMs } = this.#options;
    const nowMs = performance.now();
    this.#accounts.slow.sweep(nowMs);
    for (const [socket, connection] of this.#connections) {
      const silentMs = connection.silentMs(nowMs);
      const settled = !connection.isBusy && socket.writableLength === 0;
      if (silentMs >= (settled ? keepAliveTimeoutMs : silenceTimeoutMs)) socket.destroy();
    }
  }

  #onConnection(socket: Socket): void {
    const connection = new Connection(socket, this.#connections.size >= this.#options.connectionsMax);
    this.#connections.set(socket, connection);
    socket.once("close", () => {
      this.#connections.delete(socket);
      for (const exchange of connection.close()) {
        this.#accounts.slow.onAbandoned(exchange, performance.now());
        this.#face.abandon(exchange);
      }
    });
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const exchange = new Exchange(request, response, performance.now(), this.#accounts);
    if (response.socket === null) {
      if (!this.#acceptPipelined(exchange)) return;
    } else {
      this.#checkConnection(exchange);
    }
    if (!exchange.answered) this.#face.onRequest(exchange);
    if (!exchange.answered) this.#connections.get(request.socket)?.hold(exchange);
  }

  #checkConnection(exchange: Exchange): void {
    if (this.#connections.size <= this.#options.connectionsMax) return;
    if (this.#connections.get(exchange.request.socket)?.excess !== true) return;
    exchange.closing = true;
    exchange.refuse("OVERLOADED", "this node has as many connections as it takes");
  }

  /**
   * A request that arrived before the one ahead of it was answered. Its answer waits in memory, so there is a
   * bound; the one that exceeds it is the last of its connection that is answered.
   */
  #acceptPipelined(exchange: Exchange): boolean {
    const connection = this.#connections.get(exchange.request.socket);
    if (connection === undefined || connection.isEnding) return false;
    connection.holdPipelined(exchange);
    if (connection.pipelined <= this.#options.pipelinedMax) return true;
    connection.end();
    exchange.closing = true;
    exchange.refuse("OVERLOADED", "too many requests are pipelined on this connection");
    return true;
  }

  #onContinue(request: IncomingMessage, response: ServerResponse): void {
    const announced = Number(request.headers["content-length"] ?? 0);
    if (announced <= Math.max(this.#options.valueBytesMax, this.#options.bodyBytesMax)) response.writeContinue();
    this.#onRequest(request, response);
  }

  #onExpectation(request: IncomingMessage, response: ServerResponse): void {
    const exchange = new Exchange(request, response, performance.now(), this.#accounts);
    exchange.closing = true;
    exchange.refuse("BAD_REQUEST", "the only expectation met here is 100-continue");
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined || !socket.writable || error.code === "ECONNRESET") {
      socket.destroy();
      return;
    }
    const [code, detail] = describeParseError(error);
    connection.refuse(code, detail);
  }
}

function bindFailure(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "EADDRINUSE":
      return "is in use";
    case "EADDRNOTAVAIL":
      return "is not an address of this machine";
    case "EACCES":
      return "needs more rights than this process has";
    default:
      return `cannot be listened on: ${error.message}`;
  }
}
