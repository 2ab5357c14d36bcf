import { expect } from "chai";
import { describe, it } from "mocha";
import { BalsaError } from "../../src/errors/balsa-error.ts";
import { decodeCursor, digestOf, encodeCursor } from "../../src/http/cursor.ts";
import { Fields } from "../../src/http/fields.ts";
import { parsePairs } from "../../src/http/json-body.ts";
import { parseJsonObject } from "../../src/http/json-text.ts";
import { parseListQuery } from "../../src/http/list-query.ts";
import { parseTransaction } from "../../src/http/transaction-body.ts";
import { parseWatch } from "../../src/http/watch-query.ts";
import { durationOf, fuzzSeed, mutated, Random } from "./random.ts";

const cases = 10_000;
const hangMs = 50;
const bodyBytes = 2 * 1024 * 1024;
const limits = { keyBytesMax: 4096, valueBytesMax: 1024 * 1024 };

/** What reads requests of the data model, with some that it takes. */
interface Reader {
  readonly name: string;
  readonly read: (bytes: Uint8Array) => unknown;
  readonly valid: readonly string[];
}

const nested =
  '{"then":[{"txn":{"if":[],"then":[{"delete":{"start":"b","end":"c"}}],"else":[{"put":{"key":"q","value":""}}]}}]}';
const listing = { range: { from: Buffer.from("a"), to: Buffer.from("b") }, order: "asc", values: true } as const;
const cursor = encodeCursor({ ...listing, revision: 7, digest: digestOf(listing) });

const readers: readonly Reader[] = [
  {
    name: "transactions",
    read: (bytes) => parseTransaction(bytes, limits),
    valid: [
      '{"if":[{"key":"a","target":"version","op":">","operand":0}],"then":[{"put":{"key":"a","value":"1","ttl":"30s"}}],"else":[]}',
      '{"if":[{"keyBase64":"/w==","target":"value","op":"!=","operandBase64":"AA=="}],"then":[{"get":{"key":"a"}}]}',
      '{"else":[{"range":{"prefix":"a","limit":3,"order":"desc","values":false}},{"delete":{"prefix":"d"}}]}',
      nested,
    ],
  },
  { name: "pairs", read: (bytes) => parsePairs(bytes, limits), valid: ['{"a":"1","b":"\\u00e9"}'] },
  {
    name: "leases",
    read: (bytes) => Fields.of(parseJsonObject(bytes), "the body", ["ttl"]).ttl("ttl"),
    valid: ['{"ttl":"30s"}', '{"ttl":"365d"}'],
  },
  {
    name: "listings",
    read: (bytes) => parseListQuery(Buffer.from(bytes).toString("latin1"), limits.keyBytesMax),
    valid: [
      "prefix=a%2F&limit=10&order=desc&values=false",
      "start=a&endBase64=/w%3D%3D&revision=9",
      `cursor=${cursor}`,
    ],
  },
  {
    name: "watches",
    read: (bytes) => {
      const [query = "", id = ""] = Buffer.from(bytes).toString("latin1").split("#");
      return parseWatch({ "last-event-id": id }, query, limits.keyBytesMax);
    },
    valid: ["key=a&since=4&prev=true#", "prefix=#42.1", "startBase64=AA==&end=b#7"],
  },
];

/** Bodies as large as are read, made to be slow. */
const large: readonly (readonly [what: string, body: string])[] = [
  ["many operations", `{"then":[${repeated('{"get":{"key":"a"}},')}{}]}`],
  ["many empty objects", `{"if":[${repeated("{},")}{}]}`],
  ["many names", `{${Array.from({ length: 200_000 }, (_, at) => `"${at}":1`).join()}}`],
  ["many levels", `${repeated('{"a":')}1`],
  ["many lists", repeated("[")],
  ["many escapes", `{"a":"${repeated("\\\\")}"}`],
  ["many escaped names", `{"if":[${repeated('{"\\u0061":1},')}{}]}`],
  ["many quotes", `{"a":"${repeated('\\"')}"}`],
  ["a string without end", `{"a":"${repeated('\\"')}`],
  ["many spaces", `{"a":${repeated(" ")}"1"}`],
];

function repeated(text: string): string {
  return text.repeat(Math.floor((bodyBytes - 64) / text.length));
}

/** Gives whether it was read; throws what is no refusal. */
function isRead(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof BalsaError) return false;
    throw error;
  }
}

describe(`fuzzed requests of the data model (BALSA_FUZZ_SEED=${fuzzSeed})`, () => {
  for (const { name, read, valid } of readers)
    it(`${cases} ${name} are read or refused within ${hangMs} ms each`, () => {
      const random = new Random(fuzzSeed);
      const encoded = valid.map((text) => Buffer.from(text));
      for (const bytes of encoded) expect(isRead(() => read(bytes))).to.equal(true);
      let refused = 0;
      for (let position = 0; position < cases; position++) {
        const bytes = mutated(random.pick(encoded), random);
        const tookMs = durationOf(() => {
          if (!isRead(() => read(bytes))) refused++;
        }, hangMs);
        expect(tookMs, Buffer.from(bytes).toString("hex")).to.be.below(hangMs);
      }
      expect(refused).to.be.above(cases / 4);
    }).timeout(60_000);

  for (const [what, body] of large)
    it(`2 MiB of ${what} are refused within ${hangMs} ms`, () => {
      const bytes = Buffer.from(body);
      const tookMs = durationOf(() => expect(isRead(() => parseTransaction(bytes, limits))).to.equal(false), hangMs);
      expect(tookMs).to.be.below(hangMs);
    });

  it("takes no cursor of which a byte was changed", () => {
    const random = new Random(fuzzSeed + 1);
    for (let position = 0; position < 2_000; position++) {
      const altered = Buffer.from(mutated(Buffer.from(cursor), random)).toString("latin1");
      if (altered !== cursor)
        expect(
          isRead(() => decodeCursor(altered)),
          altered,
        ).to.equal(false);
    }
  });
});
