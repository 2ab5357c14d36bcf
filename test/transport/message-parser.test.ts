import { expect } from "chai";
import { describe, it } from "mocha";
import { decodeUntrusted, encode } from "../../src/codec/codec.ts";
import { CodecError } from "../../src/codec/codec-error.ts";
import { encodeEntries } from "../../src/codec/entries.ts";
import { defaultCodecLimits } from "../../src/codec/well-formed.ts";
import type { Message } from "../../src/raft/message.ts";
import { defaultLinkLimits } from "../../src/transport/limits.ts";
import { messageFromWire, parsePeerMessage, peerMessageToWire } from "../../src/transport/message-parser.ts";
import { messageKinds, messageToWire } from "../../src/transport/message-writer.ts";
import { PeerProtocolError } from "../../src/transport/protocol-error.ts";
import { sampleEntries, sampleMessages, sampleServices } from "./sample.ts";

const link = { from: "n1", to: "n2" };

function overWire(value: unknown): unknown {
  return decodeUntrusted(encode(value), defaultCodecLimits);
}

function parsed(message: Message): Message {
  return messageFromWire(overWire(messageToWire(message, undefined)), defaultLinkLimits);
}

describe("messages on the wire", () => {
  for (const message of sampleMessages("n1", "n2")) {
    it(`bring ${message.kind} back as it was`, () => {
      expect(parsed(message)).to.deep.equal(message);
    });
  }

  it("have every kind among the samples, each under a number of its own", () => {
    const kinds = new Set(sampleMessages("n1", "n2").map(({ kind }) => kind));
    expect([...kinds].sort()).to.deep.equal(Object.keys(messageKinds).sort());
    expect(new Set(Object.values(messageKinds)).size).to.equal(kinds.size);
  });

  for (const message of sampleServices) {
    it(`bring ${message.kind} back as it was`, () => {
      const wire = overWire(peerMessageToWire({ kind: "service", message }));
      expect(parsePeerMessage(wire, link, defaultLinkLimits)).to.deep.equal({ kind: "service", message });
    });
  }

  it("carry entries as the bytes that were packed once, to go on unchanged", () => {
    const packed = encodeEntries(sampleEntries);
    const [message] = sampleMessages("n1", "n2");
    if (message === undefined) throw new Error("no sample");
    const wire = overWire(peerMessageToWire({ kind: "core", message, entries: packed }));
    const peerMessage = parsePeerMessage(wire, link, defaultLinkLimits);
    expect(peerMessage).to.deep.equal({ kind: "core", message, entries: packed });
  });

  it("are refused with one field missing, one too many, or any field of another type", () => {
    for (const message of sampleMessages("n1", "n2")) {
      const wire = messageToWire(message, undefined) as unknown[];
      const wrong: unknown[][] = [wire.slice(0, -1), [...wire, 0]];
      for (let at = 0; at < wire.length; at += 1) {
        for (const other of [null, "\n", -0.5, 2 ** 60, Number.NaN, { a: 1 }]) {
          wrong.push(wire.map((field, position) => (position === at ? other : field)));
        }
      }
      for (const each of wrong) {
        expect(() => messageFromWire(overWire(each), defaultLinkLimits), JSON.stringify(each)).to.throw(CodecError);
      }
    }
  });

  it("are refused in another's name, or for another node", () => {
    for (const message of [...sampleMessages("n3", "n2"), ...sampleMessages("n1", "n3")]) {
      const wire = overWire(messageToWire(message, undefined));
      expect(() => parsePeerMessage(wire, link, defaultLinkLimits)).to.throw(PeerProtocolError, "a message from");
    }
  });

  it("are refused with entries that no log of that leader can hold (§5.3)", () => {
    const [message] = sampleMessages("n1", "n2");
    if (message?.kind !== "appendEntriesRequest") throw new Error("no sample");
    expect(() => parsed({ ...message, term: 3 })).to.throw(CodecError, "above the sender's");
    expect(() => parsed({ ...message, prevLogTerm: 4 })).to.throw(CodecError, "below prevLogTerm");
    expect(() => parsed({ ...message, entries: [], prevLogTerm: 6 })).to.throw(CodecError, "above the sender's");
    expect(() => parsed({ ...message, prevLogIndex: Number.MAX_SAFE_INTEGER - 1 })).to.throw(CodecError, "2^53");
  });

  it("are refused with commands that are not in their slab", () => {
    const slab = new Uint8Array(4);
    for (const ends of [[5], [3, 2, 4], [3], [4, 5], [-1, 4], [1.5, 4]]) {
      const wire = overWire([messageKinds.forwardedProposal, "n1", "n2", 1, 1, 0, slab, ends]);
      expect(() => messageFromWire(wire, defaultLinkLimits), JSON.stringify(ends)).to.throw(CodecError);
    }
  });
});
