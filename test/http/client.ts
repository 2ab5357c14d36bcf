/**
 * @module
 * Clients for tests: one that speaks HTTP, and one that sends bytes as they are.
 */

import { type IncomingHttpHeaders, request } from "node:http";
import { connect, type Socket } from "node:net";

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Ask {
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
}

/** One request on a connection of its own. */
export function ask(port: number, method: string, path: string, { headers, body, signal }: Ask = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, method, path, agent: false, headers: headers ?? {} };
    const sent = request(signal === undefined ? options : { ...options, signal }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** The problem that a reply carries; throws when it carries none. */
export function problemOf(reply: Reply): { code: string; outcome: string; status: number; detail: string } {
  if (reply.headers["content-type"] !== "application/problem+json") {
    throw new Error(`not a problem: ${reply.status} ${reply.headers["content-type"]} ${reply.body.toString()}`);
  }
  return JSON.parse(reply.body.toString());
}

/** Sends bytes and gives everything that comes back until the other side closes. */
export function exchangeRaw(port: number, bytes: string | Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.on("data", (chunk: Buffer) => received.push(chunk));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") reject(error);
    });
    socket.on("close", () => resolve(Buffer.concat(received).toString("latin1")));
  });
}

/** A connection that stays open; `until` resolves with all that was received once it holds `text` so many times. */
export class RawConnection {
  readonly socket: Socket;
  received = "";

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("data", (chunk: Buffer) => {
      this.received += chunk.toString("latin1");
    });
    this.socket.on("error", () => undefined);
  }

  until(text: string, times = 1): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (this.received.split(text).length - 1 < times) return;
        this.socket.off("data", look);
        resolve(this.received);
      };
      this.socket.on("data", look);
      this.socket.once("close", () => reject(new Error(`closed after ${this.received}`)));
      look();
    });
  }

  closed(): Promise<string> {
    return new Promise((resolve) => {
      if (this.socket.destroyed) resolve(this.received);
      else this.socket.once("close", () => resolve(this.received));
    });
  }
}
