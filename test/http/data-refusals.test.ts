import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { type Ask, ask, problemOf } from "./client.ts";
import { FakeNode } from "./fake-node.ts";

type Case = readonly [what: string, method: string, target: string, ask?: Ask];

const txn = (body: unknown): Ask => ({ body: typeof body === "string" ? body : JSON.stringify(body) });
const put = (key: string): object => ({ put: { key, value: "v" } });
const compare = (changes: object): Ask =>
  txn({ if: [{ key: "a", target: "version", op: "=", operand: 1, ...changes }], then: [put("a")] });
const nested = (depth: number): object => (depth === 0 ? { then: [put("a")] } : { then: [{ txn: nested(depth - 1) }] });

const conditions: readonly Case[] = [
  ["an empty idempotency key", "PUT", "/key/a", { headers: { "idempotency-key": "" } }],
  ["an idempotency key with a space", "PUT", "/key/a", { headers: { "idempotency-key": "a b" } }],
  ["two idempotency keys", "PUT", "/key/a", { headers: { "idempotency-key": ["a", "b"] } }],
  ["an idempotency key of 129", "DELETE", "/key/a", { headers: { "idempotency-key": "k".repeat(129) } }],
  ["an idempotency key on members", "POST", "/remove", { headers: { "idempotency-key": "k" }, body: '{"id":"n2"}' }],
  ["an idempotency key on a read", "GET", "/key/a", { headers: { "idempotency-key": "k" } }],
  ["an idempotency key on a listing", "GET", "/keys", { headers: { "idempotency-key": "k" } }],
  [
    "an idempotency key on a stream",
    "GET",
    "/keys",
    { headers: { "idempotency-key": "k", accept: "application/x-ndjson" } },
  ],
  ["an idempotency key on a lease that is read", "GET", "/lease/7", { headers: { "idempotency-key": "k" } }],
  ["an idempotency key on leases", "GET", "/lease", { headers: { "idempotency-key": "k" } }],
  ["a condition of writes on a read", "GET", "/key/a", { headers: { "if-match": "*" } }],
  ["a condition on a range", "DELETE", "/keys?prefix=a", { headers: { "if-match": "*" } }],
  ["a condition on a transaction", "POST", "/txn", { headers: { "if-none-match": "*" }, ...txn({ then: [] }) }],
  ["a condition on a listing", "GET", "/keys", { headers: { "if-none-match": '"1"' } }],
];

const leases: readonly Case[] = [
  ["a ttl below a second", "PUT", "/key/a?ttl=999ms"],
  ["a ttl above a year", "PUT", "/key/a?ttl=366d"],
  ["a ttl without a unit", "PUT", "/key/a?ttl=30"],
  ["ttl beside lease", "PUT", "/key/a?ttl=30s&lease=1"],
  ["an empty lease", "PUT", "/key/a?lease="],
  ["a lease without a ttl", "POST", "/lease", { body: "{}" }],
  ["a lease of no time", "POST", "/lease", { body: '{"ttl":"0s"}' }],
  ["a ttl that is a number", "POST", "/lease", { body: '{"ttl":30}' }],
  ["a lease with an id of its own", "POST", "/lease", { body: '{"ttl":"30s","id":"7"}' }],
  ["no body for a lease", "POST", "/lease"],
  ["a body to a keep-alive", "POST", "/lease/1/keepalive", { body: '{"ttl":"1m"}' }],
  ["a percent without digits in an id", "GET", "/lease/%4"],
  ["a limit of leases", "GET", "/lease?limit=0"],
  ["a cursor of leases", "GET", "/lease?cursor=x"],
  ["a cursor of leases that no lease can be called", "GET", "/lease?cursor=9007199254740993"],
];

const ranges: readonly Case[] = [
  ["a prefix beside a start", "GET", "/keys?prefix=a&start=b"],
  ["an end before its start", "GET", "/keys?start=b&end=a"],
  ["a prefix twice over", "GET", "/keys?prefix=a&prefixBase64=YQ=="],
  ["malformed base64", "GET", "/keys?startBase64=YQ"],
  ["base64 with other letters", "GET", "/keys?endBase64=%2A%2A%2A%2A"],
  ["a prefix that is not UTF-8", "GET", "/keys?prefix=%ff"],
  ["too long a prefix", "GET", `/keys?prefix=${"a".repeat(4097)}`],
  ["a limit of 0", "GET", "/keys?limit=0"],
  ["a limit above 10000", "GET", "/keys?limit=10001"],
  ["a limit that is no number", "GET", "/keys?limit=ten"],
  ["an unknown order", "GET", "/keys?order=up"],
  ["values with a strange value", "GET", "/keys?values=some"],
  ["a key of a range", "GET", "/keys?key=a"],
  ["a cursor that none gave", "GET", "/keys?cursor=AAAA"],
  ["an empty cursor", "GET", "/keys?cursor="],
  ["max-age of a linearizable listing", "GET", "/keys?max-age=1s"],
  ["a revision that is none", "GET", "/keys?revision=-1"],
  ["a revision of a key that is none", "GET", "/key/a?revision=1e3"],
  ["a deletion that names no keys", "DELETE", "/keys"],
  ["a deletion with a limit", "DELETE", "/keys?prefix=a&limit=3"],
  ["a deletion with its end before its start", "DELETE", "/keys?start=b&end=a"],
  ["compaction without a revision", "POST", "/compact", { body: "{}" }],
  ["compaction to a text", "POST", "/compact", { body: '{"revision":"3"}' }],
  ["compaction to a fraction", "POST", "/compact", { body: '{"revision":1.5}' }],
  ["compaction to a negative revision", "POST", "/compact", { body: '{"revision":-1}' }],
];

const transactions: readonly Case[] = [
  ["no body", "POST", "/txn"],
  ["a list", "POST", "/txn", txn([])],
  ["an unknown field", "POST", "/txn", txn({ otherwise: [] })],
  ["a field twice", "POST", "/txn", txn('{"then":[],"then":[{"put":{"key":"a","value":"v"}}]}')],
  ["a field twice, once escaped", "POST", "/txn", txn('{"then":[{"put":{"key":"a","\\u006bey":"b","value":"v"}}]}')],
  ["a key twice among pairs", "POST", "/key", { body: '{"a":"1","a":"2"}' }],
  ["branches that are no list", "POST", "/txn", txn({ then: {} })],
  ["an operation that is none", "POST", "/txn", txn({ then: ["put"] })],
  ["an operation without a kind", "POST", "/txn", txn({ then: [{}] })],
  ["an operation of two kinds", "POST", "/txn", txn({ then: [{ get: { key: "a" }, put: { key: "a", value: "" } }] })],
  ["an unknown operation", "POST", "/txn", txn({ then: [{ swap: {} }] })],
  ["a put without a value", "POST", "/txn", txn({ then: [{ put: { key: "a" } }] })],
  ["a put without a key", "POST", "/txn", txn({ then: [{ put: { value: "a" } }] })],
  ["a put of an empty key", "POST", "/txn", txn({ then: [put("")] })],
  ["a put of a number", "POST", "/txn", txn({ then: [{ put: { key: "a", value: 1 } }] })],
  ["both forms of a key", "POST", "/txn", txn({ then: [{ get: { key: "a", keyBase64: "YQ==" } }] })],
  ["a malformed key in base64", "POST", "/txn", txn({ then: [{ get: { keyBase64: "Y===" } }] })],
  ["both forms of a value", "POST", "/txn", txn({ then: [{ put: { key: "a", value: "", valueBase64: "" } }] })],
  ["both forms of an operand", "POST", "/txn", compare({ target: "value", operand: "", operandBase64: "" })],
  ["both forms of a prefix", "POST", "/txn", txn({ then: [{ delete: { prefix: "a", prefixBase64: "YQ==" } }] })],
  ["both forms of a start", "POST", "/txn", txn({ then: [{ range: { start: "a", startBase64: "YQ==" } }] })],
  ["both forms of an end", "POST", "/txn", txn({ then: [{ range: { end: "a", endBase64: "YQ==" } }] })],
  ["a malformed value in base64", "POST", "/txn", txn({ then: [{ put: { key: "a", valueBase64: "*" } }] })],
  [
    "a malformed operand in base64",
    "POST",
    "/txn",
    txn({ if: [{ key: "a", target: "value", op: "=", operandBase64: "YQ" }] }),
  ],
  ["a malformed prefix in base64", "POST", "/txn", txn({ then: [{ delete: { prefixBase64: "YQ=" } }] })],
  ["a malformed end in base64", "POST", "/txn", txn({ then: [{ range: { endBase64: "Y Q=" } }] })],
  ["half a surrogate pair", "POST", "/txn", txn('{"then":[{"put":{"key":"a","value":"\\ud800"}}]}')],
  ["a ttl below a second", "POST", "/txn", txn({ then: [{ put: { key: "a", value: "", ttl: "1ms" } }] })],
  ["ttl beside lease", "POST", "/txn", txn({ then: [{ put: { key: "a", value: "", ttl: "1s", lease: "1" } }] })],
  ["a deletion of nothing named", "POST", "/txn", txn({ then: [{ delete: {} }] })],
  ["a deletion of key and prefix", "POST", "/txn", txn({ then: [{ delete: { key: "a", prefix: "b" } }] })],
  ["a range with its end before its start", "POST", "/txn", txn({ then: [{ range: { start: "b", end: "a" } }] })],
  ["a range of too many", "POST", "/txn", txn({ then: [{ range: { prefix: "a", limit: 10_001 } }] })],
  ["a range with values that are no boolean", "POST", "/txn", txn({ then: [{ range: { values: "no" } }] })],
  ["an unknown target", "POST", "/txn", compare({ target: "lease" })],
  ["an unknown op", "POST", "/txn", compare({ op: ">=" })],
  ["a compare without an operand", "POST", "/txn", txn({ if: [{ key: "a", target: "value", op: "=" }] })],
  ["a compare without a target", "POST", "/txn", txn({ if: [{ key: "a", op: "=", operand: 1 }] })],
  ["a compare without an op", "POST", "/txn", txn({ if: [{ key: "a", target: "version", operand: 1 }] })],
  ["an operand below 0", "POST", "/txn", compare({ operand: -1 })],
  ["an operand above 2^53", "POST", "/txn", compare({ operand: 2 ** 53 })],
  ["an operand that is a fraction", "POST", "/txn", compare({ operand: 0.5 })],
  ["a text for a number", "POST", "/txn", compare({ operand: "1" })],
  ["base64 for a number", "POST", "/txn", compare({ operandBase64: "YQ==" })],
  ["a number for a value", "POST", "/txn", compare({ target: "value" })],
  ["a key put twice", "POST", "/txn", txn({ then: [put("a"), put("a")] })],
  ["a key put and deleted", "POST", "/txn", txn({ else: [put("a"), { delete: { prefix: "a" } }] })],
  ["a key put twice by nesting", "POST", "/txn", txn({ then: [put("a"), { txn: { else: [put("a")] } }] })],
  ["129 operations", "POST", "/txn", txn({ then: Array.from({ length: 129 }, (_, at) => put(`k${at}`)) })],
  [
    "129 operations in both branches",
    "POST",
    "/txn",
    txn({
      then: Array.from({ length: 65 }, (_, at) => put(`k${at}`)),
      else: Array.from({ length: 64 }, (_, at) => put(`k${at}`)),
    }),
  ],
  [
    "129 compares",
    "POST",
    "/txn",
    txn({
      if: Array.from({ length: 129 }, () => ({ key: "a", target: "version", op: "=", operand: 0 })),
      then: [put("a")],
    }),
  ],
  [
    "129 operations, nested ones and what nests them counted",
    "POST",
    "/txn",
    txn({ then: [{ txn: { then: Array.from({ length: 128 }, (_, at) => put(`k${at}`)) } }] }),
  ],
  ["nesting too deep", "POST", "/txn", txn(nested(17))],
  ["a level for what changes something", "POST", "/txn?level=stale", txn({ then: [put("a")] })],
  [
    "a least revision for what changes something",
    "POST",
    "/txn",
    { ...txn({ then: [put("a")] }), headers: { "balsa-min-revision": "1" } },
  ],
];

describe("http: refusals of data requests", () => {
  let node: FakeNode;

  beforeEach(async () => {
    node = await FakeNode.start();
  });

  afterEach(async () => {
    await node.stop();
    expect(node.failures).to.deep.equal([]);
  });

  for (const [group, cases] of Object.entries({ conditions, leases, ranges, transactions })) {
    for (const [what, method, target, extra] of cases) {
      it(`answers ${what} with 400 (${group})`, async () => {
        const reply = await ask(node.port, method, target, extra);
        expect(problemOf(reply)).to.include({ code: "BAD_REQUEST", status: 400, outcome: "not-applied" });
        expect(node.asked).to.deep.equal([]);
        expect(node.view.revision()).to.equal(0);
      });
    }
  }

  it("takes transactions at their bounds", async () => {
    const body = JSON.stringify(nested(16));
    expect((await ask(node.port, "POST", "/txn", { body })).status).to.equal(200);
    const then = Array.from({ length: 128 }, (_, at) => put(`k${at}`));
    const compares = Array.from({ length: 128 }, () => ({ key: "x", target: "version", op: "=", operand: 0 }));
    const reply = await ask(node.port, "POST", "/txn", txn({ if: compares, then }));
    expect(JSON.parse(reply.body.toString())).to.include({ succeeded: true, revision: 2 });
  });

  it("refuses a value in a transaction that is too large with 413, and changes nothing", async () => {
    await node.stop();
    node = await FakeNode.start({ valueBytesMax: 8 });
    const then = [put("a"), { put: { key: "b", value: "123456789" } }];
    const reply = await ask(node.port, "POST", "/txn", txn({ then }));
    expect(problemOf(reply)).to.include({ code: "VALUE_TOO_LARGE", status: 413, outcome: "not-applied" });
    expect(node.asked).to.deep.equal([]);
  });

  it("says where in a transaction it is wrong", async () => {
    const then = [{ txn: { else: [put("a"), { put: { key: "b", value: "", life: 1 } }] } }];
    const problem = problemOf(await ask(node.port, "POST", "/txn", txn({ then })));
    expect(problem.detail).to.equal('then[0].txn.else[1].put has the field "life", which is unknown there');
  });

  it("answers 404 for leases that do not exist, or that nothing can be called", async () => {
    const cases: readonly (readonly [method: string, target: string, ask?: Ask])[] = [
      ["PUT", "/key/a?lease=7"],
      ["PUT", "/key/a?lease=x"],
      ["PUT", "/key/a?lease=0"],
      ["GET", "/lease/7"],
      ["GET", "/lease/007"],
      ["GET", "/lease/9007199254740993"],
      ["DELETE", "/lease/7"],
      ["POST", "/lease/7/keepalive"],
      ["POST", "/lease/x/keepalive"],
      ["POST", "/txn", txn({ then: [{ put: { key: "a", value: "", lease: "7" } }, put("b")] })],
    ];
    for (const [method, target, extra] of cases) {
      const reply = await ask(node.port, method, target, extra);
      expect([target, problemOf(reply).code]).to.deep.equal([target, "LEASE_NOT_FOUND"]);
    }
    expect(node.view.revision()).to.equal(0);
  });

  it("answers 405 with what each path takes", async () => {
    const cases = [
      ["POST", "/keys", "GET, HEAD, DELETE"],
      ["GET", "/txn", "POST"],
      ["GET", "/compact", "POST"],
      ["PUT", "/lease", "GET, HEAD, POST"],
      ["POST", "/lease/1", "GET, HEAD, DELETE"],
      ["GET", "/lease/1/keepalive", "POST"],
    ] as const;
    for (const [method, path, allow] of cases) {
      const reply = await ask(node.port, method, path);
      expect([path, reply.status, reply.headers.allow]).to.deep.equal([path, 405, allow]);
    }
    for (const path of ["/lease/", "/lease/1/renew", "/lease/1/keepalive/x", "/txn/"])
      expect(problemOf(await ask(node.port, "GET", path)).code).to.equal("ROUTE_NOT_FOUND");
  });
});
