import { connect } from "node:net";
import { expect } from "chai";
import { after, before, describe, it } from "mocha";
import { ask } from "../http/client.ts";
import { FakeNode } from "../http/fake-node.ts";
import { fuzzSeed, mutated, Random } from "./random.ts";

const cases = 3000;
const atOnce = 20;
/** A request whose body has the length that it says. */
function posted(path: string, body: string, ...fields: readonly string[]): string {
  const head = [`POST ${path} HTTP/1.1`, "Host: localhost", `Content-Length: ${body.length}`, ...fields];
  return `${[...head, "Connection: close"].join("\r\n")}\r\n\r\n${body}`;
}

const valid: readonly Uint8Array[] = [
  posted(
    "/txn",
    '{"if":[{"key":"a","target":"version","op":">","operand":0}],"then":[{"put":{"key":"a","value":"1","ttl":"30s"}},{"get":{"key":"b"}}],' +
      '"else":[{"range":{"prefix":"a","limit":3,"order":"desc"}},{"delete":{"start":"c","end":"d"}},{"txn":{"then":[{"put":{"keyBase64":"/w==","value":""}}]}}]}',
  ),
  posted("/txn?level=stale", '{"then":[{"get":{"key":"a"}},{"range":{"start":"a","end":"c","values":false}}]}'),
  posted("/key", '{"a":"1","b":"2"}', "Idempotency-Key: once"),
  posted("/lease", '{"ttl":"30s"}', "Idempotency-Key: lease"),
  posted("/lease/128/keepalive", ""),
  posted("/compact", '{"revision":3}'),
  "GET /keys?prefix=a&limit=2&order=desc&values=false HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  "GET /keys?start=a&end=c&revision=4&level=stale HTTP/1.1\r\nHost: localhost\r\nAccept: application/x-ndjson\r\nConnection: close\r\n\r\n",
  "GET /keys?cursor=AQQAAAAAAAAAAnIXhZWXz1wsAAJhAA3-2MSIyyxD HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  "DELETE /keys?startBase64=YQ%3D%3D&end=b HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: gone\r\nConnection: close\r\n\r\n",
  "GET /key/a?revision=2 HTTP/1.1\r\nHost: localhost\r\nBalsa-Min-Revision: 1\r\nConnection: close\r\n\r\n",
  "PUT /key/a?ttl=30s HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: *\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
  "PUT /key/a?lease=128 HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: k\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
  "GET /watch?prefix=a&since=0&prev=true HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 2.1\r\nConnection: close\r\n\r\n",
  "GET /watch?key=a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  "GET /lease?limit=2&cursor=128 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  "DELETE /lease/128 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  "GET /key/a?level=stale HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  "PUT /key/%61 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
  "PUT /key/b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  'POST /key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{"a":"b"}',
  'POST /join HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\nConnection: close\r\n\r\n{"id":"n4"}',
  'DELETE /key/a HTTP/1.1\r\nHost: localhost\r\nIf-Match: "3"\r\nBalsa-Timeout: 5s\r\nConnection: close\r\n\r\n',
  "GET /readyz?verbose HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nConnection: close\r\n\r\n",
].map((text) => Buffer.from(text, "latin1"));

/** Sends the bytes, says that no more come, and gives what was answered: of a watch, its beginning. */
function send(port: number, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect(port, "127.0.0.1", () => socket.end(bytes));
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      // A watch goes on for as long as somebody listens.
      if (received.includes("text/event-stream")) socket.destroy();
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
