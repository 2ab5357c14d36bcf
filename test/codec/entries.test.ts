import { expect } from "chai";
import {
  array,
  assert as assertThat,
  constantFrom,
  integer,
  nat,
  oneof,
  property,
  tuple,
  uint8Array,
} from "fast-check";
import { describe, it } from "mocha";
import { decode, encode } from "../../src/codec/codec.ts";
import { CodecError } from "../../src/codec/codec-error.ts";
import {
  decodeEntries,
  decodePacked,
  defaultEntryLimits,
  encodeEntries,
  encodePacked,
  encodePackedBehind,
  entriesFromPeer,
  type PackedEntry,
} from "../../src/codec/entries.ts";
import type { Entry } from "../../src/raft/types.ts";

const member = { httpAddr: "127.0.0.1:1", raftAddr: "127.0.0.1:2", incarnation: "i", standing: "voter" } as const;

const entries: readonly Entry[] = [
  { kind: "noop", term: 1, index: 5, time: 0 },
  { kind: "command", term: 2 ** 33, index: 6, time: 2 ** 41, command: new Uint8Array([1, 2, 3]) },
  { kind: "command", term: 2 ** 33, index: 7, time: 2 ** 41, command: new Uint8Array(70_000) },
  {
    kind: "configuration",
    term: 2 ** 33,
    index: 8,
    time: 2 ** 41,
    change: { steps: [{ kind: "addVoter", nodeId: "n1", member }], transition: "auto" },
  },
];

function refusal(value: unknown): string {
  return refusalOfBytes(encode(value));
}

function refusalOfBytes(bytes: Uint8Array, firstIndex = 1): string {
  try {
    entriesFromPeer(bytes, firstIndex, { entriesMax: 4 });
  } catch (error) {
    if (error instanceof CodecError) return error.what;
    throw error;
  }
  throw new Error("it was parsed");
}

const nothing = new Uint8Array(0);

function change(steps: unknown, transition: unknown = "auto"): unknown {
  return [[1, 0, 2, encode({ steps, transition })]];
}

describe("entriesFromPeer", () => {
  it("parses what encodeEntries packs, like decodeEntries", () => {
    const packed = encodeEntries(entries);
    expect(entriesFromPeer(packed, 5, defaultEntryLimits)).to.deep.equal(entries);
    expect(decodeEntries(packed, 5)).to.deep.equal(entries);
    expect(entriesFromPeer(nothing, 5, defaultEntryLimits)).to.deep.equal([]);
  });

  it("gives commands as views of the packed bytes", () => {
    const packed = encodeEntries(entries);
    const [, entry] = entriesFromPeer(packed, 5, defaultEntryLimits);
    expect(entry?.kind === "command" ? entry.command.buffer : undefined).to.equal(packed.buffer);
  });

  it("refuses a run cut at any byte, and one byte too many", () => {
    const packed = encodeEntries(entries.filter(({ index }) => index !== 7));
    for (let end = 1; end < packed.byteLength; end += 1) {
      expect(() => entriesFromPeer(packed.slice(0, end), 5, defaultEntryLimits)).to.throw(CodecError);
    }
    expect(refusalOfBytes(new Uint8Array([...packed, 0]))).to.equal("bytes after the end");
  });

  const refused: readonly (readonly [name: string, value: unknown, what: string])[] = [
    ["what is no list", { a: 1 }, "not an array"],
    ["a list without entries", [], "an empty run is empty bytes"],
    ["more entries than allowed", Array(5).fill([1, 0, 1, nothing]), "more than 4 entries"],
    ["an entry that is no list", [1], "not an array"],
    ["an entry of three fields", [[1, 0, 1]], "an entry is four fields"],
    ["an entry of five fields", [[1, 0, 1, nothing, 0]], "an entry is four fields"],
    ["a negative term", [[-1, 0, 1, nothing]], "not a whole number from 0 to 2^53 - 1"],
    ["a fraction for a time", [[1, 0.5, 1, nothing]], "not a whole number from 0 to 2^53 - 1"],
    ["a term above 2^53", [[2 ** 54, 0, 1, nothing]], "not a whole number from 0 to 2^53 - 1"],
    ["NaN for a time", [[1, Number.NaN, 1, nothing]], "not a whole number from 0 to 2^53 - 1"],
    ["a term that is text", [["1", 0, 1, nothing]], "not a whole number from 0 to 2^53 - 1"],
    ["an unknown type", [[1, 0, 3, nothing]], "an unknown type of entry"],
    ["a payload that is text", [[1, 0, 0, "a"]], "not a byte string"],
    ["a noop with a payload", [[1, 0, 1, new Uint8Array(1)]], "a noop with a payload"],
    // biome-ignore format: a row a case
    ["terms that fall", [[2, 0, 1, nothing], [1, 0, 1, nothing]], "a term below the one before"],
    ["a change that is no map", [[1, 0, 2, encode([])]], "change is not a map"],
    ["a change of no bytes", [[1, 0, 2, nothing]], "ends within an item"],
    ["an unknown transition", change([], "maybe"), "transition is not one of auto, jointImplicit, jointExplicit"],
    ["steps that are no list", change({}), "steps is not a list"],
    ["a step of an unknown kind", change([{ kind: "x" }]), "step is not one of addVoter, addLearner, remove, update"],
    [
      "a step without a member",
      change([{ kind: "addVoter", nodeId: "n1" }]),
      "step is not a map of kind, nodeId, member",
    ],
    ["a step with more fields", change([{ kind: "remove", nodeId: "n1", x: 1 }]), "step is not a map of kind, nodeId"],
    ["an empty id", change([{ kind: "remove", nodeId: "" }]), "nodeId is not a node id"],
    ["the id __proto__", change([{ kind: "remove", nodeId: "__proto__" }]), "nodeId is not a node id"],
    ["the id constructor", change([{ kind: "remove", nodeId: "constructor" }]), "nodeId is not a node id"],
    ["an id with a slash", change([{ kind: "remove", nodeId: "../n1" }]), "nodeId is not a node id"],
    ["an id of 65", change([{ kind: "remove", nodeId: "n".repeat(65) }]), "nodeId is not a node id"],
    [
      "an address with a line break",
      change([{ kind: "update", nodeId: "n1", member: { ...member, httpAddr: "a\nb" } }]),
      "httpAddr is not an address",
    ],
    [
      "a standing that is a role",
      change([{ kind: "update", nodeId: "n1", member: { ...member, standing: "leader" } }]),
      "standing is not one of voter, learner",
    ],
  ];
  for (const [name, value, what] of refused) {
    it(`refuses ${name}`, () => {
      expect(refusal(value)).to.equal(what);
    });
  }

  it("refuses indices above 2^53", () => {
    const packed = encodeEntries([{ kind: "noop", term: 1, index: 1, time: 0 }]);
    expect(refusalOfBytes(packed, Number.MAX_SAFE_INTEGER)).to.equal("an index above 2^53");
  });

  it("parses as many entries as it allows in less than 150 ms, at best: others may want the processor too", () => {
    const run = Array(defaultEntryLimits.entriesMax).fill([1, 2 ** 41, 1, nothing]);
    const packed = encode(run);
    const times = Array.from({ length: 5 }, () => {
      const startedAt = performance.now();
      expect(entriesFromPeer(packed, 1, defaultEntryLimits).length).to.equal(run.length);
      return performance.now() - startedAt;
    });
    expect(Math.min(...times)).to.be.below(150);
  });
});

describe("a packed run", () => {
  const edges = [0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];
  const whole = oneof(constantFrom(...edges), nat(), integer({ min: 0, max: Number.MAX_SAFE_INTEGER }));
  const payload = oneof(
    uint8Array({ maxLength: 300 }),
    constantFrom(...[23, 24, 255, 256, 65_535, 65_536].map((length) => new Uint8Array(length).fill(7))),
  );
  const run = array(tuple(whole, whole, integer({ min: 0, max: 2 }), payload), { minLength: 1, maxLength: 300 });

  it("has the bytes that the general encoder gives it, and is read back as the general decoder does", () => {
    assertThat(
      property(run, (packed: PackedEntry[]) => {
        const bytes = encodePacked(packed);
        expect(Buffer.from(bytes).equals(encode(packed))).to.equal(true);
        expect(decodePacked(bytes)).to.deep.equal(decode(bytes));
      }),
      { numRuns: 200 },
    );
  });

  it("has the same bytes behind those that are left to the caller", () => {
    const packed: PackedEntry[] = [[3, 2 ** 40, 0, Buffer.from("command")]];
    for (const prefixBytes of [0, 1, 25]) {
      const bytes = encodePackedBehind(prefixBytes, packed);
      expect(bytes.subarray(0, prefixBytes)).to.deep.equal(new Uint8Array(prefixBytes));
      expect(bytes.subarray(prefixBytes)).to.deep.equal(encodePacked(packed));
    }
  });

  it("is no bytes for no entries", () => {
    expect(encodePacked([])).to.have.length(0);
    expect(decodePacked(new Uint8Array(0))).to.deep.equal([]);
  });
});
