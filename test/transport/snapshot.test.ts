import { createHash } from "node:crypto";
import { expect } from "chai";
import { afterEach, describe, it } from "mocha";
import type { Message } from "../../src/raft/message.ts";
import { encodeFrame } from "../../src/transport/frame.ts";
import { encodeSnapshotChunk, encodeSnapshotHeader, type SnapshotAck } from "../../src/transport/snapshot-frame.ts";
import type { SnapshotPart } from "../../src/transport/snapshot-sender.ts";
import { closeNodes, heartbeat, startNode, type TestNode, type TestNodeOptions } from "./harness.ts";
import { acceptedPeer, closeRawPeers } from "./raw-peer.ts";
import { sampleConfiguration } from "./sample.ts";

const message: Message = {
  kind: "installSnapshotRequest",
  from: "n1",
  to: "n2",
  term: 3,
  snapshot: { lastIncludedIndex: 100, lastIncludedTerm: 2, lastIncludedTime: 5, configuration: sampleConfiguration },
};

const snapshot = new Uint8Array(3_000_000).map((_, position) => position * 31);
const chunkBytes = 256 * 1024;

async function readPart(offset: number): Promise<SnapshotPart> {
  const bytes = snapshot.subarray(offset, offset + chunkBytes);
  return { bytes, last: offset + bytes.byteLength === snapshot.byteLength };
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

type Receive = (offset: number, bytes: Uint8Array, last: boolean) => Promise<SnapshotAck>;

async function pair(receive: Receive, limits: TestNodeOptions["limits"] = {}): Promise<readonly [TestNode, TestNode]> {
  const n1 = await startNode("n1", { limits });
  const n2 = await startNode("n2", { limits, onSnapshotChunk: receive });
  n1.connectTo(n2);
  await n1.line("connected to peer n2");
  return [n1, n2];
}

describe("a snapshot between nodes", () => {
  afterEach(async () => {
    closeRawPeers();
    await closeNodes();
  });

  it("arrives whole, chunk by chunk, and then its message", async () => {
    const kept: Uint8Array[] = [];
    let deliveredBefore = 0;
    const [n1, n2] = await pair(async (offset, bytes) => {
      deliveredBefore += n2.events.filter(({ kind }) => kind === "messages").length;
      kept.push(bytes.slice());
      return { accepted: true, offset: offset + bytes.byteLength };
    });
    expect(await n1.links.sendSnapshot("n2", message, readPart)).to.equal(true);
    expect(digest(Buffer.concat(kept))).to.equal(digest(snapshot));
    expect(kept.length).to.equal(Math.ceil(snapshot.byteLength / chunkBytes));
    expect(await n2.messages(1)).to.deep.equal([{ kind: "core", message, entries: undefined }]);
    expect(deliveredBefore).to.equal(0);
  });

  it("goes on where the receiver says, when it has some of it already", async () => {
    const offsets: number[] = [];
    const half = snapshot.byteLength / 2;
    const [n1] = await pair(async (offset, bytes) => {
      offsets.push(offset);
      return { accepted: true, offset: offset === 0 ? half : offset + bytes.byteLength };
    });
    expect(await n1.links.sendSnapshot("n2", message, readPart)).to.equal(true);
    expect(offsets.slice(0, 2)).to.deep.equal([0, half]);
  });

  it("does not hold up messages while a chunk is being kept", async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const [n1, n2] = await pair(async (offset, bytes) => {
      await held;
      return { accepted: true, offset: offset + bytes.byteLength };
    });
    const sent = n1.links.sendSnapshot("n2", message, readPart);
    n1.links.sendMessages("n2", [heartbeat("n1", "n2", 1)]);
    expect(await n2.messages(1)).to.deep.equal([heartbeat("n1", "n2", 1)]);
    release();
    expect(await sent).to.equal(true);
  });

  const given: readonly (readonly [name: string, receive: Receive, read: typeof readPart, line: string])[] = [
    [
      "refuses a chunk",
      async (offset) => ({ accepted: offset === 0, offset: chunkBytes }),
      readPart,
      `the peer refused it at byte ${chunkBytes}`,
    ],
    ["cannot keep a chunk", () => Promise.reject(new Error("no room")), readPart, "the peer refused it at byte 0"],
    ["asks for the same again", async () => ({ accepted: true, offset: 0 }), readPart, "makes no progress at byte 0"],
    ["does not answer", () => new Promise(() => undefined), readPart, "no progress for 50 ms"],
    [
      "waits for a sender whose snapshot is gone",
      async (offset, bytes) => ({ accepted: true, offset: offset + bytes.byteLength }),
      () => Promise.reject(new Error("replaced by a newer one")),
      "replaced by a newer one",
    ],
    [
      "waits for a sender whose disk hangs",
      async (offset, bytes) => ({ accepted: true, offset: offset + bytes.byteLength }),
      () => new Promise(() => undefined),
      "no progress for 50 ms",
    ],
  ];
  for (const [name, receive, read, line] of given) {
    it(`is given up when the receiver ${name}`, async () => {
      const [n1, n2] = await pair(receive, { snapshotStallMs: 50 });
      expect(await n1.links.sendSnapshot("n2", message, read)).to.equal(false);
      expect(await n1.line("the snapshot for peer n2 did not arrive")).to.include(line);
      expect(n2.events.filter(({ kind }) => kind === "messages")).to.deep.equal([]);
    });
  }

  it("is given up when the receiver closes, when it is partitioned, and when nobody is there", async () => {
    const [n1, n2] = await pair(() => new Promise(() => undefined));
    const partitioned = n1.links.sendSnapshot("n2", message, readPart);
    n1.links.setCuts({ to: ["n2"], from: ["n2"] });
    expect(await partitioned).to.equal(false);
    n1.links.setCuts({ to: [], from: [] });
    const results: unknown[] = [];
    const started = new Promise<void>((resolve) => {
      const read = async (offset: number): Promise<SnapshotPart> => {
        resolve();
        return readPart(offset);
      };
      void n1.links.sendSnapshot("n2", message, read).then((delivered) => results.push(delivered), results.push);
    });
    await started;
    await n2.links.close();
    while (results.length === 0) await new Promise(setImmediate);
    expect(await n1.links.sendSnapshot("n9", message, readPart)).to.equal(false);
    expect(await n1.links.sendSnapshot("n2", message, readPart)).to.equal(false);
    expect(results).to.deep.equal([false]);
  });

  it("breaks off a peer that does not wait for the answer, or sends anything else", async () => {
    const n2 = await startNode("n2", { onSnapshotChunk: () => new Promise(() => undefined) });
    const hello = { from: "n1", to: "n2", purpose: "snapshot" } as const;
    const chunk =
      encodeSnapshotChunk({ offset: 0, bytes: new Uint8Array(1), last: false }, 1000)[0] ?? new Uint8Array(0);
    const header = encodeSnapshotHeader(message);
    const wrongs: readonly (readonly Uint8Array[])[] = [
      [header, chunk, chunk],
      [chunk],
      [header, encodeFrame([])],
      [header, encodeFrame([[0, "text", false]])],
      [encodeSnapshotHeader({ ...message, from: "n3" })],
      [encodeSnapshotHeader({ kind: "timeoutNowRequest", from: "n1", to: "n2", term: 1 })],
      [new Uint8Array([0xff, 0, 0, 0])],
    ];
    for (const frames of wrongs) {
      const peer = await acceptedPeer(n2.address, hello);
      peer.socket.write(Buffer.concat(frames));
      await peer.closed();
    }
    expect(n2.links.counters.protocolErrors).to.equal(wrongs.length);
    expect(n2.events.filter(({ kind }) => kind === "messages")).to.deep.equal([]);
  });
});
