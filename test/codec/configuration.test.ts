import { expect } from "chai";
import { describe, it } from "mocha";
import { isNodeId } from "../../src/address/node-id.ts";
import { decodeUntrusted, encode } from "../../src/codec/codec.ts";
import { CodecError } from "../../src/codec/codec-error.ts";
import {
  configurationFromWire,
  configurationToWire,
  snapshotFromWire,
  snapshotToWire,
} from "../../src/codec/configuration.ts";
import { defaultCodecLimits } from "../../src/codec/well-formed.ts";
import { emptyConfiguration, type Member } from "../../src/raft/types.ts";

const member: Member = { httpAddr: "h:1", raftAddr: "h:2", incarnation: "", standing: "voter" };
const row = ["h:1", "h:2", "", "voter"];

function overWire(value: unknown): unknown {
  return decodeUntrusted(encode(value), defaultCodecLimits);
}

function refusal(value: unknown): string {
  try {
    configurationFromWire(overWire(value));
  } catch (error) {
    if (error instanceof CodecError) return error.what;
    throw error;
  }
  throw new Error("it was parsed");
}

describe("a configuration on the wire", () => {
  it("comes back as it was, empty or joint", () => {
    const joint = {
      voters: ["a", "b"],
      votersOutgoing: ["b", "c"],
      learners: ["d"],
      learnersNext: ["c"],
      autoLeave: false,
      members: { a: member, b: member, c: member, d: { ...member, standing: "learner" as const } },
    };
    for (const configuration of [emptyConfiguration, joint]) {
      expect(configurationFromWire(overWire(configurationToWire(configuration)))).to.deep.equal(configuration);
      const snapshot = { lastIncludedIndex: 2 ** 40, lastIncludedTerm: 3, lastIncludedTime: 2 ** 41, configuration };
      expect(snapshotFromWire(overWire(snapshotToWire(snapshot)))).to.deep.equal(snapshot);
    }
  });

  it("is refused when its lists and members do not agree", () => {
    const disagree = "members are not those that the lists name";
    expect(refusal([["a"], [], [], [], false, []])).to.equal(disagree);
    expect(refusal([[], [], [], [], false, [["a", ...row]]])).to.equal(disagree);
    // biome-ignore format: a row a member
    expect(refusal([["a"], [], [], [], false, [["a", ...row], ["a", ...row]]])).to.equal(disagree);
    expect(refusal([["b", "a"], [], [], [], false, []])).to.equal("voters is not sorted");
    expect(refusal([["a", "a"], [], [], [], false, []])).to.equal("voters is not sorted");
    expect(refusal([["__proto__"], [], [], [], false, []])).to.equal("voters is not a node id");
    expect(refusal([["a"], [], [], [], 0, [["a", ...row]]])).to.equal("autoLeave is not true or false");
    expect(refusal([["a"], [], []])).to.equal("configuration is not 6 items long");
  });
});

describe("isNodeId", () => {
  it("takes 1 to 64 letters, digits, dots, underscores and dashes, and no name that every object has", () => {
    for (const id of ["n1", "a.b_c-D", "-", "n".repeat(64)]) expect(isNodeId(id)).to.equal(true);
    for (const id of ["", "a b", "é", "a\n", "n".repeat(65), "__proto__", "toString", "constructor", 1, null]) {
      expect(isNodeId(id)).to.equal(false);
    }
  });
});
