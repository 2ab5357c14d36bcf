import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import type { Backend } from "../../src/http/backend.ts";
import { type HttpOptions, httpDefaults } from "../../src/http/options.ts";
import type { IngressRequest, ReadinessCheck } from "../../src/http/request.ts";
import { HttpServer } from "../../src/http/server.ts";
import { ask, exchangeRaw, problemOf, RawConnection } from "./client.ts";
import { MemoryView } from "./memory-view.ts";

/** Keeps what is asked until the test answers it. */
class ManualBackend implements Backend {
  readonly state = new MemoryView();
  readonly submitted: { readonly requestId: number; readonly request: IngressRequest }[] = [];
  readonly cancelled: number[] = [];
  onSubmit: () => void = () => undefined;
  onCancel: () => void = () => undefined;

  view(): MemoryView {
    return this.state;
  }
  freshAtMs(): number {
    return 0;
  }
  sinceAppliedMs(): number {
    return 0;
  }

  nowMs(): number {
    return 0;
  }
  submit(requestId: number, request: IngressRequest): void {
    this.submitted.push({ requestId, request });
    this.onSubmit();
  }
  cancel(requestId: number): void {
    this.cancelled.push(requestId);
    this.onCancel();
  }
  status(): object {
    return {};
  }
  readiness(): readonly ReadinessCheck[] {
    return [{ name: "leader", ok: false, detail: "no leader is known" }];
  }
  metrics(): Promise<{ contentType: string; text: string }> {
    return Promise.reject(new Error("not gathered"));
  }
  warn(): void {}
  fail(): void {}
}

const options: HttpOptions = {
  ...httpDefaults,
  allowedHosts: [],
  corsOrigins: [],
  keyBytesMax: 4096,
  valueBytesMax: 1000,
  bodyBytesMax: 1000,
  headerBytesMax: 32 * 1024,
  connectionsMax: 50,
  defaultTimeoutMs: 5000,
  slowRequestMs: 0,
  headersTimeoutMs: 100,
  requestTimeoutMs: 150,
  connectionsCheckingIntervalMs: 30,
};
const get = "GET /key/a?level=stale HTTP/1.1\r\nHost: localhost\r\n\r\n";
const lastGet = "GET /key/a?level=stale HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

describe("http: bytes on the wire", () => {
  let backend: ManualBackend;
  let server: HttpServer;
  let port: number;

  async function serve(changes: Partial<HttpOptions> = {}): Promise<void> {
    backend = new ManualBackend();
    server = new HttpServer(backend, { ...options, ...changes });
    port = await server.listen("127.0.0.1", 0);
  }

  beforeEach(() => serve());
  afterEach(() => server.stop(0));

  const malformed: readonly (readonly [what: string, bytes: string])[] = [
    ["two Host fields", "GET /livez HTTP/1.1\r\nHost: localhost\r\nhost: localhost\r\nConnection: close\r\n\r\n"],
    ["no Host field", "GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n"],
    ["an empty Host field", "GET /livez HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n"],
    ["an absolute URI", "GET http://localhost/livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"],
    ["an asterisk", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"],
    ["CONNECT", "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["bare line feeds in chunks", "PUT /key/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\n\n"],
    ["no HTTP at all", "hello\r\n\r\n"],
    ["an HTTP/0.9 line", "GET /livez\r\n\r\n"],
    ["HTTP/2", "GET /livez HTTP/2.0\r\nHost: localhost\r\nConnection: close\r\n\r\n"],
    ["a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ["two lengths", "PUT /key/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
    [
      "length and chunks",
      "PUT /key/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["a negative length", "PUT /key/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"],
    ["a space before a colon", "GET /livez HTTP/1.1\r\nHost : localhost\r\n\r\n"],
    ["an unknown expectation", "GET /livez HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\n\r\n"],
  ];

  for (const [what, bytes] of malformed) {
    it(`answers ${what} with a 400 problem and closes`, async () => {
      const reply = await exchangeRaw(port, bytes);
      expect(reply).to.match(/^HTTP\/1\.1 400 Bad Request\r\n/);
      expect(reply).to.include('"code":"BAD_REQUEST"');
      expect(reply).to.not.include("    at ");
      expect(backend.submitted).to.deep.equal([]);
    });
  }

  it("speaks HTTP/1.0, without Host too", async () => {
    const reply = await exchangeRaw(port, "GET /livez HTTP/1.0\r\n\r\n");
    expect(reply).to.match(/^HTTP\/1\.1 200 OK\r\n/);
    expect(reply).to.match(/\{"live":true\}$/);
  });

  it("says that bytes beyond ASCII have to be percent-encoded", async () => {
    const reply = await exchangeRaw(
      port,
      Buffer.from("GET /key/\xc3\xa9 HTTP/1.1\r\nHost: localhost\r\n\r\n", "latin1"),
    );
    expect(reply).to.match(/^HTTP\/1\.1 400 [^]*percent-encoded/);
  });

  it("answers too large a header with 431", async () => {
    const reply = await exchangeRaw(port, `GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(40_000)}\r\n\r\n`);
    expect(reply).to.match(/^HTTP\/1\.1 431 /);
    expect(reply).to.include('"code":"HEADERS_TOO_LARGE"');
  });

  it("sees every field of a request that has more than node:http counts by itself", async () => {
    const operation = {
      kind: "put",
      key: Buffer.from("a"),
      value: Buffer.from("v"),
      leaseId: 0,
      condition: { kind: "none" },
    } as const;
    backend.state.apply({ origin: 1, sequence: 1, operation });
    const filler = Array.from({ length: 2100 }, () => "f:1\r\n").join("");
    const head = `GET /key/a?level=stale HTTP/1.1\r\nHost: localhost\r\n${filler}`;
    const unchanged = await exchangeRaw(port, `${head}If-None-Match: "1"\r\nConnection: close\r\n\r\n`);
    expect(unchanged).to.match(/^HTTP\/1\.1 304 /);
    const twoHosts = await exchangeRaw(port, `${head}Host: elsewhere\r\nConnection: close\r\n\r\n`);
    expect(twoHosts).to.match(/^HTTP\/1\.1 400 [^]*two Host fields/);
    const otherSite = await exchangeRaw(port, `${head}Origin: http://elsewhere\r\nConnection: close\r\n\r\n`);
    expect(otherSite).to.match(/^HTTP\/1\.1 403 /);
  });

  it("answers a method that nobody knows with 405 and what is allowed", async () => {
    const reply = await exchangeRaw(port, "BREW /key/a HTTP/1.1\r\nHost: localhost\r\n\r\n");
    expect(reply).to.match(/^HTTP\/1\.1 405 Method Not Allowed\r\n/);
    expect(reply).to.include("\r\nAllow: GET, HEAD, PUT, DELETE, POST, PATCH\r\n");
    expect(reply).to.include('"code":"METHOD_NOT_ALLOWED"');
    const second = await exchangeRaw(port, `${get}BREW /key/a HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    expect(second).to.match(/^HTTP\/1\.1 404 [^]*HTTP\/1\.1 405 /);
  });

  it("does not answer a request whose body is complete in place of what follows it", async () => {
    backend.onSubmit = () =>
      server.answer(1, { kind: "applied", revision: 1, result: { kind: "put", modRevision: 1 } });
    const put = "PUT /key/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nab";
    const reply = await exchangeRaw(port, `${put}BREW /key/a HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    expect(reply).to.match(/^HTTP\/1\.1 204 [^]*HTTP\/1\.1 405 /);
  });

  it("answers slow headers and slow bodies with 408", async () => {
    const partial = [
      "GET /livez HTTP/1.1\r\nHost: local",
      "PUT /key/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nab",
    ];
    for (const bytes of partial) {
      const reply = await exchangeRaw(port, bytes);
      expect(reply).to.match(/^HTTP\/1\.1 408 /);
      expect(reply).to.include('"code":"REQUEST_TIMEOUT"');
    }
    expect(backend.submitted).to.deep.equal([]);
  });

  it("answers 413 before the body has come, and reads on behind it", async () => {
    const connection = new RawConnection(port);
    connection.socket.write("PUT /key/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1001\r\n\r\n");
    await connection.until('"code":"VALUE_TOO_LARGE"');
    connection.socket.write("x".repeat(1001) + lastGet);
    expect(await connection.closed()).to.match(/HTTP\/1\.1 413 [^]*HTTP\/1\.1 404 /);
  });

  it("refuses an announced body instead of asking for it", async () => {
    const reply = await ask(port, "PUT", "/key/a", { headers: { expect: "100-continue", "content-length": "1001" } });
    expect(problemOf(reply).code).to.equal("VALUE_TOO_LARGE");
  });

  it("keeps a body in its account until the request is answered or its client is gone", async () => {
    await server.stop(0);
    await serve({ bodiesBytesMax: 1500 });
    const put = `PUT /key/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n${"x".repeat(1000)}`;
    const submitted = (): Promise<void> =>
      new Promise((resolve) => {
        backend.onSubmit = resolve;
      });
    const first = submitted();
    const waiting = new RawConnection(port);
    waiting.socket.write(put);
    await first;

    const refused = await ask(port, "PUT", "/key/b", { body: "y".repeat(1000) });
    expect(problemOf(refused)).to.include({ code: "OVERLOADED", status: 503, outcome: "not-applied" });
    expect(refused.headers["retry-after"]).to.equal("1");

    const second = submitted();
    server.answer(1, { kind: "applied", revision: 1, result: { kind: "put", modRevision: 1 } });
    await waiting.until("HTTP/1.1 204");
    waiting.socket.write(put);
    await second;
    const gone = new Promise<void>((resolve) => {
      backend.onCancel = resolve;
    });
    waiting.socket.resetAndDestroy();
    await gone;

    const third = submitted();
    const last = new RawConnection(port);
    last.socket.write(put);
    await third;
    expect(backend.submitted).to.have.length(3);
    last.socket.destroy();
  });

  const lastPut = "PUT /key/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n";

  it("reads the rest of a body that it has refused before it closes, lest a reset take the answer", async () => {
    await server.stop(0);
    await serve({ bodiesBytesMax: 10 });
    const connection = new RawConnection(port);
    const closed = new Promise<boolean>((resolve) => {
      connection.socket.once("close", resolve);
    });
    connection.socket.write(lastPut + "x".repeat(500));
    await connection.until('"code":"OVERLOADED"');
    await ask(port, "GET", "/livez");
    expect(connection.socket.readableEnded, "closed with the answer").to.equal(false);
    connection.socket.write("x".repeat(500));
    expect(await closed, "closed by an error").to.equal(false);
    expect(connection.received).to.match(/^HTTP\/1\.1 503 [^]*Retry-After: 1\r\n[^]*Connection: close/);
  });

  it("does not wait for that rest for ever", async () => {
    await server.stop(0);
    await serve({ bodiesBytesMax: 10, requestTimeoutMs: 30_000 });
    const reply = await exchangeRaw(port, lastPut + "x".repeat(500));
    expect(reply).to.match(/^HTTP\/1\.1 503 [^]*"code":"OVERLOADED"/);
  });

  it("answers pipelined requests in order", async () => {
    const reply = await exchangeRaw(port, get.repeat(3) + lastGet);
    expect(reply.split("HTTP/1.1 404").length - 1).to.equal(4);
  });

  it("reads for all stale reads that came in a turn of the event loop at its end", async () => {
    const heardBefore: number[] = [];
    const { state } = backend;
    state.read = (key) => {
      heardBefore.push(backend.submitted.length);
      return MemoryView.prototype.read.call(state, key);
    };
    const connection = new RawConnection(port);
    connection.socket.write(`${get}${get}${get.replace("?level=stale", "")}`);
    await connection.until("KEY_NOT_FOUND", 2);
    expect(heardBefore).to.deep.equal([1, 1]);
    connection.socket.destroy();
  });

  it("answers the other stale reads of a turn when one is refused", async () => {
    const reply = await exchangeRaw(port, get.replace("stale", "stale&max-age=1s") + lastGet);
    expect(reply).to.match(/^HTTP\/1\.1 503 [^]*"code":"TOO_STALE"[^]*HTTP\/1\.1 404 /);
  });

  it("bounds what is pipelined: one answer says so, and the connection ends", async () => {
    const write = "DELETE /key/a HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const connection = new RawConnection(port);
    const answerAll = (): void => {
      if (backend.submitted.length !== 17) return;
      for (const { requestId } of backend.submitted) {
        server.answer(requestId, { kind: "applied", revision: 1, result: { kind: "deleted", deleted: 0 } });
      }
    };
    backend.onSubmit = () => setImmediate(answerAll);
    connection.socket.write(write.repeat(40));
    const reply = await connection.closed();
    expect(reply.split("HTTP/1.1 204").length - 1).to.equal(17);
    expect(reply.split("HTTP/1.1 503").length - 1).to.equal(1);
    expect(backend.submitted.length).to.equal(17);
  });

  it("never answers a submitted write in place of its outcome, whatever follows it", async () => {
    const connection = new RawConnection(port);
    const submitted = new Promise<void>((resolve) => {
      backend.onSubmit = resolve;
    });
    connection.socket.write("DELETE /key/a HTTP/1.1\r\nHost: localhost\r\n\r\nnonsense\r\n\r\n");
    await submitted;
    await ask(port, "GET", "/livez");
    expect(connection.received).to.equal("");
    server.answer(1, { kind: "applied", revision: 1, result: { kind: "deleted", deleted: 1 } });
    expect(await connection.closed()).to.match(/^HTTP\/1\.1 204 [^]*HTTP\/1\.1 400 /);
  });

  it("answers a client that has closed its half of the connection", async () => {
    const connection = new RawConnection(port);
    const submitted = new Promise<void>((resolve) => {
      backend.onSubmit = resolve;
    });
    connection.socket.end("DELETE /key/a HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await submitted;
    await ask(port, "GET", "/livez");
    server.answer(1, { kind: "applied", revision: 1, result: { kind: "deleted", deleted: 1 } });
    expect(await connection.closed()).to.match(/^HTTP\/1\.1 204 /);
  });

  it("tells the node when a client goes away", async () => {
    const connection = new RawConnection(port);
    const submitted = new Promise<void>((resolve) => {
      backend.onSubmit = resolve;
    });
    connection.socket.write("GET /key/a HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await submitted;
    const cancelled = new Promise<void>((resolve) => {
      backend.onCancel = resolve;
    });
    connection.socket.resetAndDestroy();
    await cancelled;
    expect(backend.cancelled).to.deep.equal([1]);
    server.answer(1, { kind: "readable" });
    expect((await ask(port, "GET", "/livez")).status).to.equal(200);
  });

  it("closes connections that stay idle", async () => {
    await server.stop(0);
    await serve({ keepAliveTimeoutMs: 60 });
    const connection = new RawConnection(port);
    connection.socket.write(get);
    expect((await connection.closed()).split("HTTP/1.1 404").length - 1).to.equal(1);
  });

  it("tells connections beyond the limit that there are too many", async () => {
    await server.stop(0);
    await serve({ connectionsMax: 1 });
    const first = new RawConnection(port);
    first.socket.write(get);
    await first.until("KEY_NOT_FOUND");
    const second = await exchangeRaw(port, get);
    expect(second).to.match(/^HTTP\/1\.1 503 [^]*Retry-After: 1[^]*"code":"OVERLOADED"/);
    first.socket.write(lastGet);
    expect((await first.closed()).split("HTTP/1.1 404").length - 1).to.equal(2);
  });

  it("finishes what is pending when it stops, and refuses the rest", async () => {
    const busy = new RawConnection(port);
    const waiting = new RawConnection(port);
    const submitted = new Promise<void>((resolve) => {
      backend.onSubmit = resolve;
    });
    waiting.socket.write("PUT /key/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nx");
    busy.socket.write("DELETE /key/a HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await submitted;
    const stopped = server.stop(2000);
    waiting.socket.write("y");
    expect(await waiting.closed()).to.match(/^HTTP\/1\.1 503 [^]*Connection: close[^]*"code":"SHUTTING_DOWN"/);
    server.answer(1, { kind: "applied", revision: 1, result: { kind: "deleted", deleted: 1 } });
    expect(await busy.closed()).to.match(/^HTTP\/1\.1 204 [^]*Connection: close/);
    await stopped;
  });

  it("says why it is not ready", async () => {
    const reply = await ask(port, "GET", "/readyz");
    expect(reply.status).to.equal(503);
    expect(JSON.parse(reply.body.toString())).to.deep.equal({ ready: false, checks: backend.readiness() });
    expect((await ask(port, "GET", "/livez")).status).to.equal(200);
  });
});
