import { connect } from "node:net";
import { expect } from "chai";
import { after, before, describe, it } from "mocha";
import { ask } from "../http/client.ts";
import { FakeNode } from "../http/fake-node.ts";
import { fuzzSeed, mutated, Random } from "./random.ts";

const cases = 1000;
const atOnce = 20;
const valid: readonly Uint8Array[] = [
  "GET /key/a?level=stale HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  "PUT /key/%61 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
  "PUT /key/b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  'POST /key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{"a":"b"}',
  'POST /join HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\nConnection: close\r\n\r\n{"id":"n4"}',
  'DELETE /key/a HTTP/1.1\r\nHost: localhost\r\nIf-Match: "3"\r\nBalsa-Timeout: 5s\r\nConnection: close\r\n\r\n',
  "GET /readyz?verbose HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nConnection: close\r\n\r\n",
].map((text) => Buffer.from(text, "latin1"));

/** Sends the bytes, says that no more come, and gives what was answered. */
function send(port: number, bytes: Uint8Array): Promise<string> {
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

describe(`fuzzed requests (BALSA_FUZZ_SEED=${fuzzSeed})`, () => {
  let node: FakeNode;

  before(async () => {
    node = await FakeNode.start({ defaultTimeoutMs: 200 });
  });
  after(() => node.stop());

  it(`${cases} of them are answered, or closed on, and end no node`, async () => {
    const random = new Random(fuzzSeed);
    const odd: string[] = [];
    for (let sent = 0; sent < cases; sent += atOnce) {
      const requests = Array.from({ length: atOnce }, () => mutated(random.pick(valid), random));
      const replies = await Promise.all(requests.map((bytes) => send(node.port, bytes)));
      for (const [position, reply] of replies.entries()) {
        const text = Buffer.from(requests[position] ?? []).toString("latin1");
        const empty = text.trim() === "";
        const sound = reply === "" ? empty : /^HTTP\/1\.1 [1-5]\d\d /.test(reply) && !reply.includes("    at ");
        if (!sound) odd.push(JSON.stringify([text, reply]));
      }
    }
    expect(odd).to.deep.equal([]);
    expect(node.failures).to.deep.equal([]);
    expect((await ask(node.port, "GET", "/livez")).status).to.equal(200);
  });
});
