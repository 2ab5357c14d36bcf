/**
 * @module
 * One client connection: which of its requests are owed an answer, and how it ends when it can no longer be parsed.
 *
 * A request that has been submitted may have its effect, so nothing may be said in its place: what cannot be
 * parsed behind it is answered only after it.
 */

import type { Socket } from "node:net";
import type { ErrorCode } from "../errors/codes.ts";
import type { Exchange } from "./exchange.ts";
import { rawProblem } from "./problem.ts";

/** So long the client has to read a last answer before the connection is cut. */
const lingerMs = 1000;

export class Connection {
  /** Whether it came when there were as many as are taken. */
  readonly excess: boolean;
  readonly #socket: Socket;
  /** Mostly one. An array, since the tables that a Set leaves behind would keep what was in them (see `ById`). */
  readonly #open: Exchange[] = [];
  #pipelined = 0;
  #ending = false;
  #lastWords = "";
  #linger: NodeJS.Timeout | undefined;
  #bytesMoved = 0;
  #movedAtMs = performance.now();

  constructor(socket: Socket, excess: boolean) {
    this.#socket = socket;
    this.excess = excess;
  }

  /** Milliseconds since bytes were last seen to have moved. */
  silentMs(nowMs: number): number {
    const moved = this.#socket.bytesRead + this.#socket.bytesWritten - this.#socket.writableLength;
    if (moved !== this.#bytesMoved) {
      this.#bytesMoved = moved;
      this.#movedAtMs = nowMs;
    }
    return nowMs - this.#movedAtMs;
  }

  /** Whether a request waits for its answer. */
  get isBusy(): boolean {
    return this.#open.length > 0;
  }

  /** Requests whose answers wait behind an earlier one. */
  get pipelined(): number {
    return this.#pipelined;
  }

  /** Whether nothing that comes after is heard. */
  get isEnding(): boolean {
    return this.#ending;
  }

  end(): void {
    this.#ending = true;
  }

  hold(exchange: Exchange): void {
    if (this.#open.includes(exchange)) return;
    this.#open.push(exchange);
    exchange.onAnswered = (answered) => this.#drop(answered);
  }

  /** Held until its answer has left, since answers ahead of it may not have yet. */
  holdPipelined(exchange: Exchange): void {
    this.#open.push(exchange);
    this.#pipelined++;
    exchange.response.once("close", () => {
      this.#pipelined--;
      this.#drop(exchange);
    });
  }

  #drop(exchange: Exchange): void {
    const position = this.#open.indexOf(exchange);
    if (position >= 0) this.#open.splice(position, 1);
    if (this.#lastWords !== "" && this.#open.length === 0) this.#sayLastWords();
  }

  /** What came on this connection cannot be understood: says so behind every answer that is owed, then ends it. */
  refuse(code: ErrorCode, detail: string): void {
    if (this.#lastWords !== "") return;
    this.#ending = true;
    for (const exchange of this.#open) {
      // One whose body is all there is owed its own answer: what cannot be parsed came behind it.
      if (!exchange.receiving || exchange.request.complete) continue;
      exchange.closing = true;
      exchange.brokenOff = true;
      exchange.refuse(code, detail);
      this.#lingerOn();
      return;
    }
    this.#lastWords = rawProblem(code, detail);
    if (this.#open.length === 0) this.#sayLastWords();
  }

  /** The socket is closed. Gives the requests that were not answered. */
  close(): readonly Exchange[] {
    clearTimeout(this.#linger);
    return this.#open.filter((exchange) => !exchange.answered);
  }

  #sayLastWords(): void {
    if (this.#socket.writable) this.#socket.end(this.#lastWords);
    this.#lingerOn();
  }

  #lingerOn(): void {
    this.#linger ??= setTimeout(() => this.#socket.destroy(), lingerMs).unref();
  }
}
