/**
 * @module
 * An HTTP server on loopback that answers as a test tells it, and keeps what it was asked.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

export interface Asked {
  readonly method: string;
  /** As it came over the wire. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Uint8Array;
}

export type Respond = (asked: Asked, response: ServerResponse) => void;

export interface FakeNode {
  readonly endpoint: string;
  readonly asked: readonly Asked[];
  close(): Promise<void>;
}

export async function startFakeNode(respond: Respond): Promise<FakeNode> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url: path = "", headers } = request;
      const one = { method, path, headers, body: Buffer.concat(chunks) };
      asked.push(one);
      respond(one, response);
    });
  });
  const port = await listen(server);
  return { endpoint: `http://127.0.0.1:${port}`, asked, close: () => close(server) };
}

/** An endpoint at which certainly nobody listens: its port was free a moment ago. */
export async function unusedEndpoint(): Promise<string> {
  const server = createServer();
  const port = await listen(server);
  await close(server);
  return `http://127.0.0.1:${port}`;
}

export function problem(response: ServerResponse, status: number, code: string, outcome: string): void {
  response.writeHead(status, { "content-type": "application/problem+json" });
  response.end(JSON.stringify({ type: "about:blank", title: code, status, code, detail: `it was ${code}`, outcome }));
}

export function answerJson(response: ServerResponse, status: number, body: unknown, revision = 9): void {
  response.writeHead(status, { "content-type": "application/json", "balsa-revision": String(revision) });
  response.end(JSON.stringify(body));
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
