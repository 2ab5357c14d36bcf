import { expect } from "chai";
import { afterEach, describe, it } from "mocha";
import { encodeFrame } from "../../src/transport/frame.ts";
import { parseFrame } from "../../src/transport/incoming-link.ts";
import { defaultLinkLimits } from "../../src/transport/limits.ts";
import { type PeerMessage, peerMessageToWire } from "../../src/transport/message-parser.ts";
import { orProtocolError } from "../../src/transport/protocol-error.ts";
import { closeNodes, heartbeat, startNode } from "../transport/harness.ts";
import { acceptedPeer, closeRawPeers, RawPeer } from "../transport/raw-peer.ts";
import { sampleMessages, sampleServices } from "../transport/sample.ts";
import { durationOf, fuzzSeed, mutated, Random } from "./random.ts";

const cases = 10_000;
const hangMs = 50;

const keeper = {
  nodeId: "n1",
  clusterId: "c1",
  voteHoldMs: 0,
  expectedIncarnation: () => undefined,
  refuse: () => undefined,
};

function validFrames(from: string): readonly Uint8Array[] {
  const messages: PeerMessage[] = [
    ...sampleMessages(from, "n1").map((message): PeerMessage => ({ kind: "core", message, entries: undefined })),
    ...sampleServices.map((message): PeerMessage => ({ kind: "service", message })),
  ];
  return [...messages.map((message) => encodeFrame([peerMessageToWire(message)])), encodeFrame([])];
}

/** The body changed under an honest length, or the whole frame changed, its length too. */
function malformed(frames: readonly Uint8Array[], random: Random): Uint8Array {
  const frame = random.pick(frames);
  if (random.below(4) === 0) return mutated(frame, random);
  const body = mutated(frame.subarray(4), random);
  const honest = new Uint8Array(4 + body.byteLength);
  new DataView(honest.buffer).setUint32(0, body.byteLength);
  honest.set(body, 4);
  return honest;
}

describe(`fuzzed frames (BALSA_FUZZ_SEED=${fuzzSeed})`, () => {
  afterEach(async () => {
    closeRawPeers();
    await closeNodes();
  });

  it(`${cases} of them are parsed or refused within ${hangMs} ms each`, () => {
    const random = new Random(fuzzSeed);
    const frames = validFrames("n2");
    for (let position = 0; position < cases; position += 1) {
      const body = malformed(frames, random).subarray(4);
      const context = { limits: defaultLinkLimits, keeper };
      const tookMs = durationOf(
        () => orProtocolError("messageMalformed", () => parseFrame(body, "n2", context)),
        hangMs,
      );
      expect(tookMs, Buffer.from(body).toString("hex")).to.be.below(hangMs);
    }
  }).timeout(60_000);

  it(`${cases} of them over real connections leave the node listening, and well-formed peers heard`, async () => {
    const node = await startNode("n1", { limits: { logIntervalMs: 60_000 } });
    const random = new Random(fuzzSeed);
    const lanes = 16;
    const lane = async (from: string): Promise<void> => {
      const frames = validFrames(from);
      for (let position = 0; position < cases / lanes; position += 1) {
        const peer = await acceptedPeer(node.address, { from });
        peer.socket.end(malformed(frames, random));
        await peer.closed();
      }
    };
    await Promise.all(Array.from({ length: lanes }, (_, number) => lane(`f${number}`)));
    expect(node.links.counters.accepted).to.equal(cases);
    expect(node.links.counters.protocolErrors).to.be.above(cases / 2);
    // Some changes leave a message what it may be: otherwise nothing behind the structure would be tried.
    expect(node.links.counters.messagesReceived).to.be.above(cases / 100);
    const peer = await acceptedPeer(node.address);
    const since = node.events.length;
    peer.socket.write(encodeFrame([peerMessageToWire(heartbeat("n2", "n1", 3))]));
    const isFromPeer = (event: (typeof node.events)[number]): event is typeof event & { kind: "messages" } =>
      event.kind === "messages" && event.from === "n2";
    expect((await node.event(isFromPeer, since)).messages).to.deep.equal([heartbeat("n2", "n1", 3)]);
  }).timeout(120_000);

  it("1 000 of them in place of a hello leave the node listening", async () => {
    const node = await startNode("n1", { limits: { logIntervalMs: 60_000 } });
    const random = new Random(fuzzSeed + 2);
    const frames = validFrames("n2");
    for (let position = 0; position < 1000; position += 1) {
      const peer = new RawPeer(node.address);
      peer.socket.end(malformed(frames, random));
      await peer.closed();
    }
    expect(node.links.counters.accepted).to.equal(0);
    await acceptedPeer(node.address);
  }).timeout(60_000);
});
