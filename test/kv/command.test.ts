import { expect } from "chai";
import { describe, it } from "mocha";
import { decode, encode } from "../../src/codec/codec.ts";
import { type Command, CommandFormatError, commandFromWire, commandToWire } from "../../src/kv/command.ts";
import { resultFromWire, resultToWire } from "../../src/kv/result.ts";
import { bytes } from "./support.ts";

const origin = 2 ** 48 - 1;
const commands: readonly Command[] = [
  {
    origin,
    sequence: 1,
    operation: { kind: "put", key: bytes("k"), value: bytes("v"), leaseId: 0, condition: { kind: "none" } },
  },
  {
    origin: 0,
    sequence: 2 ** 40,
    operation: {
      kind: "put",
      key: bytes("k"),
      value: new Uint8Array(0),
      leaseId: 9,
      condition: { kind: "modRevision", revision: 2 ** 50 },
    },
  },
  { origin, sequence: 3, operation: { kind: "delete", key: bytes("k"), condition: { kind: "present" } } },
  { origin, sequence: 4, operation: { kind: "delete", key: bytes("k"), condition: { kind: "absent" } } },
  {
    origin,
    sequence: 5,
    operation: {
      kind: "putAll",
      pairs: [
        { key: bytes("a"), value: bytes("1") },
        { key: bytes("b"), value: bytes("2") },
      ],
    },
  },
];

describe("commands on the wire", () => {
  it("come back as they went, through CBOR", () => {
    for (const command of commands) {
      const back = commandFromWire(decode(encode(commandToWire(command))));
      expect(plain(back)).to.deep.equal(plain(command));
    }
  });

  const put = [2, 5, 1, 1, bytes("k"), bytes("v"), 0, 0, 0];
  const refused: readonly (readonly [string, unknown])[] = [
    ["no array", { 0: 1 }],
    ["an older version", [1, ...put.slice(1)]],
    ["an origin of 2^48", [2, 2 ** 48, ...put.slice(2)]],
    ["a negative origin", [2, -1, ...put.slice(2)]],
    ["sequence 0", [2, 5, 0, ...put.slice(3)]],
    ["a sequence that is no whole number", [2, 5, 1.5, ...put.slice(3)]],
    ["a bigint", [2, 5n, ...put.slice(2)]],
    ["an unknown operation", [2, 5, 1, 99]],
    ["an item too many", [...put, 0]],
    ["an item too few", put.slice(0, -1)],
    ["an empty key", [2, 5, 1, 1, bytes(""), bytes("v"), 0, 0, 0]],
    ["a key that is text", [2, 5, 1, 1, "k", bytes("v"), 0, 0, 0]],
    ["an unknown condition", [2, 5, 1, 2, bytes("k"), 9, 0]],
    ["a revision without its condition", [2, 5, 1, 2, bytes("k"), 0, 3]],
    ["no pairs", [2, 5, 1, 3, []]],
    ["half a pair", [2, 5, 1, 3, [bytes("a")]]],
    ["a time to live below a second", [2, 5, 1, 7, 999]],
    ["a time to live above a year", [2, 5, 1, 4, bytes("k"), bytes("v"), 366 * 86_400_000, 0, 0]],
    ["no leases to keep alive", [2, 5, 1, 8, []]],
    ["an empty idempotency key", [2, 5, 1, 32, bytes(""), new Uint8Array(16), ...put.slice(3)]],
    ["an idempotency key of 129 bytes", [2, 5, 1, 32, new Uint8Array(129), new Uint8Array(16), ...put.slice(3)]],
    ["a hash of 15 bytes", [2, 5, 1, 32, bytes("i"), new Uint8Array(15), ...put.slice(3)]],
    ["a transaction of 129 operations", [2, 5, 1, 6, [[], Array(129).fill([2, bytes("k")]), []]]],
    ["a transaction of 129 compares", [2, 5, 1, 6, [Array(129).fill([bytes("k"), 1, 0, 1]), [], []]]],
    ["a transaction of two branches", [2, 5, 1, 6, [[], []]]],
    ["a compare of an unknown target", [2, 5, 1, 6, [[[bytes("k"), 4, 0, 1]], [], []]]],
    ["a compare of a value with a number", [2, 5, 1, 6, [[[bytes("k"), 0, 0, 1]], [], []]]],
    ["a range of no items", [2, 5, 1, 6, [[], [[3, bytes("a"), null, false, 0, true]], []]]],
    ["a range of 10 001 items", [2, 5, 1, 6, [[], [[3, bytes("a"), null, false, 10_001, true]], []]]],
    ["transactions nested without end", [2, 5, 1, 6, nested(140)]],
    ["a key twice", [2, 5, 1, 3, [bytes("a"), bytes("1"), bytes("a"), bytes("2")]]],
  ];
  for (const [what, wire] of refused)
    it(`refuses ${what}`, () => {
      expect(() => commandFromWire(wire)).to.throw(CommandFormatError);
    });
});

/** A transaction in a transaction, so many deep. */
function nested(depth: number): unknown[] {
  return [[], depth === 0 ? [] : [[6, nested(depth - 1)]], []];
}

describe("results on the wire", () => {
  it("come back as they went", () => {
    const results = [
      { kind: "put", modRevision: 4 },
      { kind: "deleted", deleted: 0 },
      { kind: "putAll" },
      { kind: "conditionFailed", modRevision: 0 },
    ] as const;
    for (const result of results) expect(resultFromWire(resultToWire(result))).to.deep.equal(result);
  });

  it("are refused when they are none", () => {
    expect(() => resultFromWire([99, 1])).to.throw(RangeError);
    expect(() => resultFromWire([1])).to.throw(RangeError);
  });
});

/** Bytes as arrays, since a Buffer is not a Uint8Array to chai. */
function plain(command: Command): unknown {
  return JSON.parse(
    JSON.stringify(command, (_, value: unknown) => {
      if (value instanceof Uint8Array) return [...value];
      if (typeof value === "object" && value !== null && "type" in value && value.type === "Buffer" && "data" in value)
        return value.data;
      return value;
    }),
  );
}
