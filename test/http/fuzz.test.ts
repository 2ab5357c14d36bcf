import { connect } from "node:net";
import { expect } from "chai";
import { after, before, describe, it } from "mocha";
import { ask } from "./client.ts";
import { FakeNode } from "./fake-node.ts";

const cases = 1000;
const atOnce = 20;
const seed = Number(process.env["BALSA_FUZZ_SEED"] ?? 20_251);
const templates = [
  "GET /key/a?level=stale HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  "PUT /key/%61 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
  "PUT /key/b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  'POST /key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{"a":"b"}',
  'POST /join HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\nConnection: close\r\n\r\n{"id":"n4"}',
  'DELETE /key/a HTTP/1.1\r\nHost: localhost\r\nIf-Match: "3"\r\nBalsa-Timeout: 5s\r\nConnection: close\r\n\r\n',
  "GET /readyz?verbose HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nConnection: close\r\n\r\n",
];

/** Mulberry32: numbers below 1 that a seed repeats. */
function generator(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A request with one to four bytes flipped, dropped, doubled or cut off. */
function mutated(random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit);
  let bytes = [...Buffer.from(templates[below(templates.length)] ?? "", "latin1")];
  for (let change = below(4); change >= 0; change--) {
    const at = below(bytes.length);
    const kind = below(5);
    if (kind === 0) bytes[at] = below(256);
    else if (kind === 1) bytes.splice(at, 1 + below(4));
    else if (kind === 2) bytes.splice(at, 0, ...bytes.slice(at, at + below(40)));
    else if (kind === 3) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
    else bytes = bytes.slice(0, at + 1);
  }
  return Buffer.from(bytes);
}

/** Sends the bytes, says that no more come, and gives what was answered. */
function send(port: number, bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect(port, "127.0.0.1", () => socket.end(bytes));
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") reject(error);
    });
    socket.on("close", () => resolve(received));
  });
}

describe(`http: ${cases} mutated requests (BALSA_FUZZ_SEED=${seed})`, () => {
  let node: FakeNode;

  before(async () => {
    node = await FakeNode.start({ defaultTimeoutMs: 200 });
  });
  after(() => node.stop());

  it("answers each one, or closes on it, and ends no node", async () => {
    const random = generator(seed);
    const odd: string[] = [];
    for (let sent = 0; sent < cases; sent += atOnce) {
      const requests = Array.from({ length: atOnce }, () => mutated(random));
      const replies = await Promise.all(requests.map((bytes) => send(node.port, bytes)));
      for (const [position, reply] of replies.entries()) {
        const empty = (requests[position]?.toString("latin1") ?? "").trim() === "";
        const sound = reply === "" ? empty : /^HTTP\/1\.1 [1-5]\d\d /.test(reply) && !reply.includes("    at ");
        if (!sound) odd.push(JSON.stringify([requests[position]?.toString("latin1"), reply]));
      }
    }
    expect(odd).to.deep.equal([]);
    expect(node.failures).to.deep.equal([]);
    expect((await ask(node.port, "GET", "/livez")).status).to.equal(200);
  });
});
