import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { StartError, StorageError } from "../../src/errors/balsa-error.ts";
import { type Ask, ask, problemOf } from "./client.ts";
import { FakeNode } from "./fake-node.ts";

const soon = { "balsa-timeout": "60ms" };

describe("http: refusals", () => {
  let node: FakeNode;

  beforeEach(async () => {
    node = await FakeNode.start({ corsOrigins: ["https://app.example"], allowedHosts: ["balsa.test"] });
  });

  afterEach(async () => {
    await node.stop();
  });

  const malformed: readonly (readonly [what: string, method: string, path: string, ask?: Ask])[] = [
    ["an empty key", "GET", "/key/"],
    ["a percent without digits", "GET", "/key/a%2"],
    ["a percent with other letters", "GET", "/key/%zz"],
    ["a fragment", "GET", "/key/a#b"],
    ["an unknown level", "GET", "/key/a?level=fresh"],
    ["an unknown parameter", "GET", "/key/a?levle=stale"],
    ["a parameter twice", "GET", "/key/a?level=stale&level=stale"],
    ["max-age without stale", "GET", "/key/a?max-age=3s"],
    ["max-age without a unit", "GET", "/key/a?level=stale&max-age=3"],
    ["redirect of a stale read", "GET", "/key/a?level=stale&redirect"],
    ["redirect with a strange value", "PUT", "/key/a?redirect=maybe"],
    ["a query that is not UTF-8", "GET", "/key/a?%ff"],
    ["a timeout without unit", "GET", "/key/a", { headers: { "balsa-timeout": "5" } }],
    ["no time at all", "GET", "/key/a", { headers: { "balsa-timeout": "0s" } }],
    ["too long a timeout", "GET", "/key/a", { headers: { "balsa-timeout": "61s" } }],
    ["two timeouts", "GET", "/key/a", { headers: { "balsa-timeout": ["5s", "6s"] } }],
    ["a revision that is none", "GET", "/key/a", { headers: { "balsa-min-revision": "-1" } }],
    ["a least revision on a write", "PUT", "/key/a", { headers: { "balsa-min-revision": "1" } }],
    ["both conditions", "PUT", "/key/a", { headers: { "if-match": "*", "if-none-match": "*" } }],
    ["If-Match without quotes", "PUT", "/key/a", { headers: { "if-match": "3" } }],
    ["a weak If-Match", "PUT", "/key/a", { headers: { "if-match": 'W/"3"' } }],
    ["a list in If-Match", "PUT", "/key/a", { headers: { "if-match": '"3", "4"' } }],
    ["If-None-Match with a tag on a write", "PUT", "/key/a", { headers: { "if-none-match": '"3"' } }],
    ["If-None-Match on DELETE", "DELETE", "/key/a", { headers: { "if-none-match": "*" } }],
    ["If-Match on GET", "GET", "/key/a", { headers: { "if-match": "*" } }],
    ["a condition on several keys", "POST", "/key", { headers: { "if-match": "*" }, body: '{"a":"b"}' }],
    ["a body that is no JSON", "POST", "/key", { body: "{" }],
    ["a body that is not UTF-8", "POST", "/key", { body: Uint8Array.of(0x22, 0xff, 0x22) }],
    ["a list", "POST", "/key", { body: "[]" }],
    ["no pairs", "POST", "/key", { body: "{}" }],
    ["a value that is no string", "POST", "/key", { body: '{"a":1}' }],
    ["an empty key among pairs", "POST", "/key", { body: '{"":"v"}' }],
    ["half a surrogate pair", "POST", "/key", { body: '{"\\ud800":"v"}' }],
    ["joining without an id", "POST", "/join", { body: '{"httpAddr":"h:1","raftAddr":"h:2"}' }],
    ["a strange id", "POST", "/join", { body: '{"id":"a b","httpAddr":"h:1","raftAddr":"h:2"}' }],
    ["a URL for an address", "POST", "/join", { body: '{"id":"n4","httpAddr":"http://h:1","raftAddr":"h:2"}' }],
    ["port 0", "POST", "/join", { body: '{"id":"n4","httpAddr":"h:0","raftAddr":"h:2"}' }],
    ["an unknown field", "POST", "/remove", { body: '{"id":"n2","force":"yes"}' }],
    ["a query on /status", "GET", "/status?pretty"],
  ];

  it("takes 10 000 keys in one command and refuses more with 400, saying so", async () => {
    const bodyOf = (keys: number): string =>
      JSON.stringify(Object.fromEntries(Array.from({ length: keys }, (_, at) => [`k${at}`, ""])));
    expect((await ask(node.port, "POST", "/key", { body: bodyOf(10_000) })).status).to.equal(200);
    node.asked.length = 0;
    const problem = problemOf(await ask(node.port, "POST", "/key", { body: bodyOf(10_001) }));
    expect(problem).to.include({ code: "BAD_REQUEST", status: 400, outcome: "not-applied" });
    expect(problem.detail).to.equal("the body names 10001 keys, more than 10000");
    expect(node.asked).to.deep.equal([]);
  });

  for (const [what, method, path, extra] of malformed) {
    it(`answers ${what} with 400`, async () => {
      const reply = await ask(node.port, method, path, extra);
      expect(problemOf(reply)).to.include({ code: "BAD_REQUEST", status: 400, outcome: "not-applied" });
      expect(reply.status).to.equal(400);
      expect(node.asked).to.deep.equal([]);
    });
  }

  it("takes a timeout of a minute, and of a millisecond", async () => {
    for (const timeout of ["60s", "1m", "60000ms"]) {
      const reply = await ask(node.port, "PUT", "/key/a", { headers: { "balsa-timeout": timeout }, body: "v" });
      expect([timeout, reply.status]).to.deep.equal([timeout, 204]);
    }
    node.leaderId = null;
    node.tellLeadership();
    const reply = await ask(node.port, "PUT", "/key/a", { headers: { "balsa-timeout": "1ms" }, body: "v" });
    expect(problemOf(reply)).to.include({ code: "NO_LEADER", outcome: "not-applied" });
  });

  it("answers unknown paths with 404 and normalises none", async () => {
    for (const path of ["/", "/keys/", "//key/a", "/./status", "/status/", "/key2/a", "/../status"]) {
      expect([path, problemOf(await ask(node.port, "GET", path)).code]).to.deep.equal([path, "ROUTE_NOT_FOUND"]);
    }
  });

  it("answers other methods with 405 and Allow", async () => {
    const cases = [
      ["PATCH", "/key/a", "GET, HEAD, PUT, DELETE"],
      ["GET", "/key", "POST"],
      ["POST", "/status", "GET, HEAD"],
      ["OPTIONS", "/key/a", "GET, HEAD, PUT, DELETE"],
      ["GET", "/join", "POST"],
    ] as const;
    for (const [method, path, allow] of cases) {
      const reply = await ask(node.port, method, path);
      expect(problemOf(reply).code).to.equal("METHOD_NOT_ALLOWED");
      expect(reply.headers.allow).to.equal(allow);
    }
  });

  it("refuses a value that is too large, announced or not", async () => {
    const value = Buffer.alloc(1024 * 1024 + 1);
    const announced = await ask(node.port, "PUT", "/key/a", { body: value });
    expect(problemOf(announced)).to.include({ code: "VALUE_TOO_LARGE", status: 413 });
    const chunked = await ask(node.port, "PUT", "/key/a", {
      headers: { "transfer-encoding": "chunked" },
      body: value,
    });
    expect(problemOf(chunked).code).to.equal("VALUE_TOO_LARGE");
    expect((await ask(node.port, "PUT", "/key/a", { body: value.subarray(1) })).status).to.equal(204);
  });

  it("answers to loopback names and allowed hosts only", async () => {
    for (const host of ["localhost:1", "127.3.2.1", "[::1]:99", "balsa.test:80", "LOCALHOST"]) {
      expect((await ask(node.port, "GET", "/livez", { headers: { host } })).status).to.equal(200);
    }
    for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil:80"]) {
      expect(problemOf(await ask(node.port, "GET", "/livez", { headers: { host } })).code).to.equal("WRONG_HOST");
    }
    expect((await ask(node.port, "GET", "/livez", { headers: { host: "a b" } })).status).to.equal(400);
  });

  it("keeps other sites' pages out unless their origin is named", async () => {
    for (const origin of ["https://evil.example", "null"]) {
      expect(problemOf(await ask(node.port, "GET", "/status", { headers: { origin } })).code).to.equal("FORBIDDEN");
    }
    expect(
      problemOf(await ask(node.port, "GET", "/status", { headers: { "sec-fetch-site": "cross-site" } })).code,
    ).to.equal("FORBIDDEN");
    const own = { origin: `http://127.0.0.1:${node.port}` };
    expect((await ask(node.port, "GET", "/status", { headers: own })).headers["access-control-allow-origin"]).to.equal(
      undefined,
    );
    const named = { origin: "https://app.example" };
    const reply = await ask(node.port, "GET", "/key/none", { headers: named });
    expect(reply.status).to.equal(404);
    expect(reply.headers["access-control-allow-origin"]).to.equal("https://app.example");
    expect(reply.headers["access-control-expose-headers"]).to.include("ETag");
    const preflight = await ask(node.port, "OPTIONS", "/key/a", {
      headers: { ...named, "access-control-request-method": "PUT" },
    });
    expect(preflight.status).to.equal(204);
    expect(preflight.headers["access-control-allow-methods"]).to.include("PUT");
  });

  it("says NO_LEADER, not-applied, when nobody took the request", async () => {
    node.leaderId = null;
    node.tellLeadership();
    for (const [method, path] of [
      ["PUT", "/key/a"],
      ["GET", "/key/a"],
      ["PUT", "/key/a?redirect"],
    ] as const) {
      const reply = await ask(node.port, method, path, { headers: soon });
      expect(problemOf(reply)).to.include({ code: "NO_LEADER", status: 503, outcome: "not-applied" });
    }
  });

  it("says TIMEOUT, unknown, of a write that was proposed", async () => {
    node.onMessage = (message) => {
      if (message.kind !== "propose") return false;
      node.toIngress({ kind: "proposalAccepted", proposalId: message.proposalId, term: 1 });
      return true;
    };
    const reply = await ask(node.port, "PUT", "/key/a", { headers: soon, body: "v" });
    expect(problemOf(reply)).to.include({ code: "TIMEOUT", status: 504, outcome: "unknown" });
  });

  it("says LEADERSHIP_LOST, unknown, when a snapshot overtook the write", async () => {
    node.onMessage = (message) => {
      if (message.kind !== "propose") return false;
      node.toIngressFromStore({ kind: "generationReady", generation: 2, path: "/memory", overtakenTerm: 1 });
      return true;
    };
    const reply = await ask(node.port, "PUT", "/key/a", { body: "v" });
    expect(problemOf(reply)).to.include({ code: "LEADERSHIP_LOST", status: 503, outcome: "unknown" });
  });

  it("says OVERLOADED, not-applied, with Retry-After, when the leader takes no more", async () => {
    node.onMessage = (message) => {
      if (message.kind !== "propose") return false;
      node.toIngress({ kind: "proposalRefused", proposalId: message.proposalId, reason: "overloaded" });
      return true;
    };
    const reply = await ask(node.port, "PUT", "/key/a", { body: "v" });
    expect(problemOf(reply)).to.include({ code: "OVERLOADED", status: 503, outcome: "not-applied" });
    expect(reply.headers["retry-after"]).to.equal("1");
  });

  it("never answers a record that does not verify, and ends the node", async () => {
    node.view.broken = new StorageError("a record does not verify");
    const reply = await ask(node.port, "GET", "/key/a?level=stale");
    expect(problemOf(reply)).to.include({ code: "INTERNAL", status: 500, outcome: "unknown" });
    expect(node.failures).to.deep.equal([node.view.broken]);
  });

  it("refuses to start on a port that is taken, in one line", async () => {
    const listen = `127.0.0.1:${node.port}`;
    const addresses = { httpListen: listen, raftListen: listen, httpAdvertise: listen, raftAdvertise: listen };
    const failure = await FakeNode.start({ addresses }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).to.be.instanceOf(StartError);
    expect(failure).to.have.property("message", `http ${listen} is in use`);
  });
});
