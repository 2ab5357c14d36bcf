/**
 * @module
 * `balsa get|put|del|watch|status` against a node that answers on loopback: bytes, formats and exit codes.
 */

import { createServer, type Server } from "node:http";
import { expect } from "chai";
import { after, before, describe, it } from "mocha";
import { type CliEnd, type CliOptions, runCli } from "./run-cli.ts";

const bytes = Buffer.from([0, 255, 10, 13, 128, 0]);

describe("the client commands", () => {
  const stored = new Map<string, Buffer>();
  let server: Server;
  let endpoint = "";

  before((done) => {
    server = createServer((request, response) => {
      const path = (request.url ?? "").split("?")[0] ?? "";
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const found = stored.get(path);
        const headers = { etag: '"3"', "balsa-revision": "5" };
        if (path === "/watch") {
          response.writeHead(200, { "content-type": "text/event-stream", "balsa-revision": "5" });
          const item = {
            key: "p/a",
            valueBase64: bytes.toString("base64"),
            createRevision: 6,
            modRevision: 6,
            version: 1,
          };
          response.write(`id: 6\nevent: put\ndata: ${JSON.stringify({ ...item, lease: null })}\n\n`);
          response.write(`id: 7\nevent: delete\ndata: {"key":"p/a","modRevision":7}\n\n`);
        } else if (path === "/status") {
          response.writeHead(200).end('{"id":"n1","role":"leader","term":2,"leader":{"id":"n1"},"revision":5}');
        } else if (request.method === "PUT") {
          stored.set(path, Buffer.concat(chunks));
          response.writeHead(204, headers).end();
        } else if (request.method === "DELETE") {
          response.writeHead(204, { ...headers, "balsa-deleted": stored.delete(path) ? "1" : "0" }).end();
        } else if (found !== undefined) response.writeHead(200, headers).end(found);
        else response.writeHead(404).end('{"code":"KEY_NOT_FOUND","detail":"no such key","outcome":"not-applied"}');
      });
    });
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      endpoint = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
      done();
    });
  });

  after((done) => {
    server.close(done);
    server.closeAllConnections();
  });

  function run(args: readonly string[], options: CliOptions = {}): Promise<CliEnd> {
    return runCli(args, { ...options, env: { BALSA_ENDPOINTS: endpoint, ...options.env } });
  }

  it("carry raw bytes from stdin and to stdout unchanged", async () => {
    expect(await run(["put", "bytes"], { stdin: bytes })).to.deep.include({ code: 0, stderr: "" });
    expect(await run(["get", "bytes"])).to.deep.equal({ code: 0, stderr: "", stdout: bytes });
  });

  it("put the value that is given, and an empty one that is given too", async () => {
    expect((await run(["put", "a", "hello"])).stdout.toString()).to.equal("OK\n");
    expect((await run(["get", "a"])).stdout.toString()).to.equal("hello");
    await run(["put", "a", ""], { stdin: bytes });
    expect((await run(["get", "a"])).stdout.byteLength).to.equal(0);
  });

  it("exit 1 with one line on stderr when the key does not exist", async () => {
    const end = await run(["get", "nothing"]);
    expect(end).to.deep.equal({
      code: 1,
      stdout: Buffer.alloc(0),
      stderr: 'balsa: the key "nothing" does not exist\n',
    });
  });

  it("print JSON, with base64 where bytes are not UTF-8", async () => {
    await run(["put", "a", "hello"]);
    const text = await run(["get", "a", "-o", "json"]);
    expect(JSON.parse(text.stdout.toString())).to.deep.equal({ key: "a", value: "hello", modRevision: 3, revision: 5 });
    await run(["put", "bytes"], { stdin: bytes });
    const binary = await run(["get", "bytes", "-o", "json"]);
    expect(JSON.parse(binary.stdout.toString())).to.include({ valueBase64: bytes.toString("base64") });
  });

  it("print tables that a value cannot draw in", async () => {
    await run(["put", "a", "x\n\u001b[31m"]);
    const lines = (await run(["get", "a", "-o", "table"])).stdout.toString().split("\n");
    expect(lines[0]).to.match(/^key +value +modRevision$/);
    expect(lines[2]).to.include("x\\n\\u001b[31m");
  });

  it("delete, and say how many", async () => {
    await run(["put", "gone", "1"]);
    expect((await run(["del", "gone"])).stdout.toString()).to.equal("1\n");
    expect(await run(["del", "gone"])).to.deep.include({ code: 0, stdout: Buffer.from("0\n") });
  });

  for (const [output, printed] of [
    ["simple", Buffer.concat([Buffer.from("PUT\np/a\n"), bytes, Buffer.from("\nDELETE\np/a\n")])],
    [
      "table",
      Buffer.from(`revision\tkind\tkey\tvalue\n6\tput\tp/a\tbase64:${bytes.toString("base64")}\n7\tdelete\tp/a\n`),
    ],
  ] as const) {
    it(`print changes as they come until they are interrupted, as ${output}`, async () => {
      const until = printed.byteLength;
      const end = await run(["watch", "p/", "--prefix", "-o", output], { interruptAfterBytes: until });
      expect(end).to.deep.equal({ code: 0, stderr: "", stdout: printed });
    });
  }

  it("print the status of each endpoint that answers and name those that do not", async () => {
    const end = await run(["status", "-o", "json", "--endpoints", `${endpoint},127.0.0.1:1`]);
    expect(end.code).to.equal(0);
    expect(JSON.parse(end.stdout.toString())).to.deep.include.members([
      { endpoint, id: "n1", role: "leader", term: 2, leader: { id: "n1" }, revision: 5 },
    ]);
    expect(end.stderr).to.match(/^balsa: UNREACHABLE: http:\/\/127\.0\.0\.1:1: /);
  });
});
