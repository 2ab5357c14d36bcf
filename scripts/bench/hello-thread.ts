/**
 * @module
 * The yardstick: a bare `node:http` server in a worker that answers 256 bytes with the headers of a node's answer.
 */

import { createServer } from "node:http";
import { parentPort } from "node:worker_threads";

const value = Buffer.alloc(256, "v");
const headers = {
  "Content-Type": "application/octet-stream",
  "Content-Length": String(value.byteLength),
  ETag: '"1"',
  "Balsa-Revision": "1",
};

const server = createServer((_, response) => {
  response.writeHead(200, headers);
  response.end(value);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  parentPort?.postMessage(typeof address === "object" && address !== null ? address.port : 0);
});
