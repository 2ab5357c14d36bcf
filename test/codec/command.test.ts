import { expect } from "chai";
import fc from "fast-check";
import { describe, it } from "mocha";
import { decode, encode } from "../../src/codec/codec.ts";
import { CommandFormatError, decodeCommand, encodeCommand } from "../../src/codec/command.ts";
import { AssertionError } from "../../src/errors/assert.ts";
import type { Command } from "../../src/kv/command.ts";
import { anyCommand, wireOf } from "./command-wire.ts";

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function hex(content: Uint8Array): string {
  return Buffer.from(content).toString("hex");
}

function refusal(content: Uint8Array): string {
  try {
    decodeCommand(content);
  } catch (error) {
    if (error instanceof CommandFormatError) return error.message.replace(/^.*understands: /, "");
    throw error;
  }
  return "";
}

function isRefused(content: Uint8Array): boolean {
  return refusal(content) !== "";
}

const put: Command = {
  origin: 2 ** 47 + 5,
  sequence: 300,
  operation: { kind: "put", key: bytes("k"), value: bytes("v"), leaseId: 0, condition: { kind: "absent" } },
};
const transaction: Command = {
  origin: 1,
  sequence: 2,
  idempotency: { key: bytes("i"), requestHash: new Uint8Array(16) },
  operation: {
    kind: "txn",
    transaction: {
      compares: [
        { key: bytes("k"), target: "value", operator: "=", operand: bytes("v") },
        { key: bytes("k"), target: "version", operator: ">", operand: 2 ** 33 },
      ],
      success: [
        { kind: "put", key: bytes("k"), value: bytes("w"), leaseId: 0, ttlMs: 1000 },
        { kind: "range", range: { from: bytes("a"), to: null }, order: "asc", limit: 7, values: true },
      ],
      failure: [
        { kind: "txn", transaction: { compares: [], success: [{ kind: "delete", key: bytes("k") }], failure: [] } },
      ],
    },
  },
};

describe("commands as bytes", () => {
  it("are those of the general encoder, for every operation, and come back as they went", () => {
    fc.assert(
      fc.property(anyCommand, (command) => {
        const encoded = encodeCommand(command);
        expect(hex(encoded)).to.equal(hex(encode(wireOf(command))));
        expect(decodeCommand(encoded)).to.deep.equal(command);
      }),
      { numRuns: 1000 },
    );
  });

  it("are format 2", () => {
    expect(hex(encodeCommand(put))).to.equal("8902fb42e00000000000a019012c01416b4176000200");
    expect(hex(encodeCommand(transaction))).to.equal(hex(encode(wireOf(transaction))));
  });

  it("are bytes that no later command changes", () => {
    const first = encodeCommand(put);
    const before = hex(first);
    encodeCommand(transaction);
    expect(hex(first)).to.equal(before);
  });

  it("keep what is longer than any command before", () => {
    const value = new Uint8Array(3_000_000).fill(7);
    const command: Command = { ...put, operation: { ...put.operation, value } as Command["operation"] };
    const encoded = encodeCommand(command);
    expect(Buffer.compare(encoded, encode(wireOf(command)))).to.equal(0);
    expect(hex(encodeCommand(put))).to.equal(hex(encode(wireOf(put))));
  });

  it("are not made of numbers that would not come back", () => {
    for (const revision of [-1, 1.5, 2 ** 53, Number.NaN])
      expect(() => encodeCommand({ ...put, operation: { kind: "compact", revision } })).to.throw(AssertionError);
    expect(decodeCommand(encodeCommand(put))).to.deep.equal(put);
  });

  it("are decoded into views, plain ones also of a Buffer", () => {
    const source = Buffer.concat([Buffer.from([9, 9, 9]), encodeCommand(put), Buffer.from([9])]);
    const { operation } = decodeCommand(source.subarray(3, source.length - 1));
    if (operation.kind !== "put") throw new Error("it is a put");
    expect([operation.key.constructor, operation.value.constructor]).to.deep.equal([Uint8Array, Uint8Array]);
    expect([operation.key.buffer, operation.value.buffer]).to.deep.equal([source.buffer, source.buffer]);
    expect(operation).to.deep.equal(put.operation);
  });
});

describe("bytes that are no command", () => {
  it("are refused when cut at any byte, and with one too many", () => {
    for (const encoded of [put, transaction].map(encodeCommand)) {
      for (let end = 0; end < encoded.length; end += 1)
        expect(() => decodeCommand(encoded.subarray(0, end)), `cut at ${end}`).to.throw(CommandFormatError);
      expect(refusal(Buffer.concat([encoded, Buffer.of(0)]))).to.match(/^bytes after the end/);
    }
  });

  it("are refused with an item of another kind at any place", () => {
    const strangers = {
      text: "text",
      bytes: bytes("b"),
      null: null,
      true: true,
      negative: -1,
      fraction: 1.5,
      "2^53": 2 ** 53,
      "a 64-bit head": 5n,
      map: {},
      tag: new Date(0),
      undefined: undefined,
    };
    const accepted: string[] = [];
    for (const wire of [put, transaction].map(wireOf))
      for (const path of pathsOf(wire))
        for (const [name, stranger] of Object.entries(strangers))
          if (!isRefused(encode(withItem(wire, path, stranger)))) accepted.push(`${path.join(".")} ${name}`);
    expect(accepted).to.deep.equal([
      "4 bytes",
      "5 bytes",
      "4 bytes",
      "7.0.0.0 bytes",
      "7.0.0.3 bytes",
      "7.0.1.0 bytes",
      "7.1.0.1 bytes",
      "7.1.0.2 bytes",
      "7.1.1.1 bytes",
      "7.1.1.2 bytes",
      "7.1.1.2 null",
      "7.1.1.3 true",
      "7.1.1.5 true",
      "7.2.0.1.1.0.1 bytes",
    ]);
  });

  it("are, with any byte changed, refused or what the general decoder reads too", () => {
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(
        anyCommand,
        fc.array(fc.tuple(fc.nat(), byte), { minLength: 1, maxLength: 3 }),
        (command, changes) => {
          const changed = new Uint8Array(encodeCommand(command));
          for (const [at, value] of changes) changed[at % Math.min(changed.length, 200)] = value;
          let decoded: Command;
          try {
            decoded = decodeCommand(changed);
          } catch (error) {
            expect(error).to.be.instanceOf(CommandFormatError);
            return;
          }
          expect(decode(encode(wireOf(decoded)))).to.deep.equal(decode(changed));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("may have heads that are longer than need be, up to 32 bits", () => {
    const [, , ...rest] = encodeCommand(put);
    for (const version of [
      [0x18, 2],
      [0x19, 0, 2],
      [0x1a, 0, 0, 0, 2],
      [0xfb, 0x40, 0, 0, 0, 0, 0, 0, 0],
    ])
      expect(decodeCommand(Uint8Array.from([0x89, ...version, ...rest]))).to.deep.equal(put);
    for (const version of [[0x1b, 0, 0, 0, 0, 0, 0, 0, 2], [0xf9, 0x40, 0], [0xfa, 0x40, 0, 0, 0], [0xc1, 2], [0x1f]])
      expect(() => decodeCommand(Uint8Array.from([0x89, ...version, ...rest]))).to.throw(CommandFormatError);
    expect(() => decodeCommand(Uint8Array.from([0x9f, 2, ...rest, 0xff]))).to.throw(CommandFormatError);
  });

  it("are refused when a length is beyond their end", () => {
    const encoded = encodeCommand(put);
    const keyAt = hex(encoded).indexOf("416b") / 2;
    for (const head of [[0x42], [0x57], [0x58, 0xff], [0x5a, 0xff, 0xff, 0xff, 0xff], [0x5b, 0, 0, 0, 1, 0, 0, 0, 0]]) {
      const long = Uint8Array.from([...encoded.subarray(0, keyAt), ...head, ...encoded.subarray(keyAt + 1)]);
      expect(() => decodeCommand(long)).to.throw(CommandFormatError);
    }
    for (const list of [[0x9a, 0xff, 0xff, 0xff, 0xff], [0x99, 0xff, 0xff], [0x8a], [0x88], [0x80]])
      expect(() => decodeCommand(Uint8Array.from([...list, ...encoded.subarray(1)]))).to.throw(CommandFormatError);
  });

  const wire = [2, 5, 1, 1, bytes("k"), bytes("v"), 0, 0, 0];
  const refused: readonly (readonly [what: string, wire: unknown, message: string])[] = [
    ["no array", { 0: 1 }, "it is not an array"],
    ["an older version", [1, ...wire.slice(1)], "its version is 1, this node knows 2"],
    ["an origin of 2^48", [2, 2 ** 48, ...wire.slice(2)], "its origin is out of range"],
    ["a negative origin", [2, -1, ...wire.slice(2)], "item 1 is not a whole number"],
    ["sequence 0", [2, 5, 0, ...wire.slice(3)], "its sequence is 0"],
    ["a sequence that is no whole number", [2, 5, 1.5, ...wire.slice(3)], "item 2 is not a whole number"],
    ["an unknown operation", [2, 5, 1, 99], "its operation is 99"],
    ["operation 0", [2, 5, 1, 0], "its operation is 0"],
    ["an idempotency key twice", [2, 5, 1, 32, bytes("i"), new Uint8Array(16), 32], "its operation is 32"],
    ["an item too many", [...wire, 0], "it has 10 items instead of 9"],
    ["an item too few", wire.slice(0, -1), "it has 8 items instead of 9"],
    ["an empty key", [2, 5, 1, 1, bytes(""), bytes("v"), 0, 0, 0], "its key is empty"],
    ["a key that is text", [2, 5, 1, 1, "k", bytes("v"), 0, 0, 0], "item 4 is not bytes"],
    ["an unknown condition", [2, 5, 1, 2, bytes("k"), 9, 0], "its condition is 9"],
    [
      "a revision without its condition",
      [2, 5, 1, 2, bytes("k"), 0, 3],
      "its condition has a revision that it does not use",
    ],
    ["pairs that are no list", [2, 5, 1, 3, 1], "its pairs are not keys and values"],
    ["no pairs", [2, 5, 1, 3, []], "its pairs are not keys and values"],
    ["half a pair", [2, 5, 1, 3, [bytes("a")]], "its pairs are not keys and values"],
    ["a key twice", [2, 5, 1, 3, [bytes("a"), bytes("1"), bytes("a"), bytes("2")]], "it puts one key twice"],
    ["a time to live below a second", [2, 5, 1, 7, 999], "a time to live of 999 ms"],
    [
      "a time to live above a year",
      [2, 5, 1, 4, bytes("k"), bytes("v"), 366 * 86_400_000, 0, 0],
      "a time to live of 31622400000 ms",
    ],
    ["no leases to keep alive", [2, 5, 1, 8, []], "it keeps 0 leases alive"],
    ["1001 leases to keep alive", [2, 5, 1, 8, Array(1001).fill(1)], "it keeps 1001 leases alive"],
    ["a range to a number", [2, 5, 1, 5, bytes("a"), 1], "item 5 is not bytes"],
    ["an empty idempotency key", [2, 5, 1, 32, bytes(""), new Uint8Array(16), ...wire.slice(3)], "its key is empty"],
    [
      "an idempotency key of 129 bytes",
      [2, 5, 1, 32, new Uint8Array(129), new Uint8Array(16), ...wire.slice(3)],
      "its idempotency key or hash has a length that neither has",
    ],
    [
      "a hash of 15 bytes",
      [2, 5, 1, 32, bytes("i"), new Uint8Array(15), ...wire.slice(3)],
      "its idempotency key or hash has a length that neither has",
    ],
    [
      "a transaction of 129 operations",
      [2, 5, 1, 6, [[], Array(129).fill([2, bytes("k")]), []]],
      "its transaction has 129 operations and 0 compares",
    ],
    [
      "a transaction of 129 compares",
      [2, 5, 1, 6, [Array(129).fill([bytes("k"), 1, 0, 1]), [], []]],
      "its transaction has 0 operations and 129 compares",
    ],
    ["a transaction of two branches", [2, 5, 1, 6, [[], []]], "it has 2 items instead of 3"],
    ["a compare of an unknown target", [2, 5, 1, 6, [[[bytes("k"), 4, 0, 1]], [], []]], "a compare of an unknown kind"],
    ["a compare of a value with a number", [2, 5, 1, 6, [[[bytes("k"), 0, 0, 1]], [], []]], "item 3 is not bytes"],
    ["an unknown step", [2, 5, 1, 6, [[], [[9]], []]], "an operation 9 in its transaction"],
    ["a step of more items", [2, 5, 1, 6, [[], [[2, bytes("k"), 0]], []]], "it has 3 items instead of 2"],
    ["a range of no items", [2, 5, 1, 6, [[], [[3, bytes("a"), null, false, 0, true]], []]], "a range of 0 items"],
    [
      "a range of 10 001 items",
      [2, 5, 1, 6, [[], [[3, bytes("a"), null, false, 10_001, true]], []]],
      "a range of 10001 items",
    ],
    ["transactions nested without end", [2, 5, 1, 6, nested(140)], "its transactions are nested too deeply"],
  ];
  for (const [what, wrong, message] of refused)
    it(`are refused for ${what}`, () => {
      expect(refusal(encode(wrong))).to.equal(message);
    });
});

/** A transaction in a transaction, so many deep. */
function nested(depth: number): unknown[] {
  return [[], depth === 0 ? [] : [[6, nested(depth - 1)]], []];
}

type Path = readonly number[];

/** The places of all items within each other that are not bytes' own. */
function pathsOf(item: unknown): Path[] {
  if (!Array.isArray(item)) return [];
  return item.flatMap((inner: unknown, at): Path[] => [[at], ...pathsOf(inner).map((path) => [at, ...path])]);
}

function withItem(items: unknown, [at = 0, ...further]: Path, item: unknown): unknown[] {
  const changed = [...(items as unknown[])];
  changed[at] = further.length === 0 ? item : withItem(changed[at], further, item);
  return changed;
}
