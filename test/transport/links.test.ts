import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { expect } from "chai";
import { afterEach, describe, it } from "mocha";
import { StartError } from "../../src/errors/balsa-error.ts";
import { encodeFrame } from "../../src/transport/frame.ts";
import { encodeHelloAnswer } from "../../src/transport/hello.ts";
import { type PeerMessage, peerMessageToWire } from "../../src/transport/message-parser.ts";
import { closeNodes, heartbeat, startNode, TestNode, type TestNodeOptions } from "./harness.ts";
import { acceptedPeer, closeRawPeers, RawPeer } from "./raw-peer.ts";
import { sampleMessages, sampleServices } from "./sample.ts";

const quick: TestNodeOptions = { limits: { backoffMinMs: 1, backoffMaxMs: 5 } };

function frameOf(...messages: readonly PeerMessage[]): Uint8Array {
  return encodeFrame(messages.map(peerMessageToWire));
}

async function connectedPair(options: TestNodeOptions = quick): Promise<readonly [TestNode, TestNode]> {
  const n1 = await startNode("n1", options);
  const n2 = await startNode("n2", options);
  n1.connectTo(n2);
  n2.connectTo(n1);
  await Promise.all([n1.line("connected to peer n2"), n2.line("connected to peer n1")]);
  return [n1, n2];
}

describe("Links", () => {
  const servers: { close(): unknown }[] = [];
  afterEach(async () => {
    closeRawPeers();
    for (const server of servers.splice(0)) server.close();
    await closeNodes();
  });

  it("carry messages of every kind in both directions, in order", async () => {
    const [n1, n2] = await connectedPair();
    for (const [sender, receiver] of [[n1, n2] as const, [n2, n1] as const]) {
      const sent: PeerMessage[] = [
        ...sampleMessages(sender.id, receiver.id).map(
          (message): PeerMessage => ({ kind: "core", message, entries: undefined }),
        ),
        ...sampleServices.map((message): PeerMessage => ({ kind: "service", message })),
      ];
      expect(sender.links.sendMessages(receiver.id, sent)).to.equal(true);
      const come = await receiver.messages(sent.length);
      expect(come.map(({ message }) => message)).to.deep.equal(sent.map(({ message }) => message));
    }
  });

  it("keep what is sent while the first connection is being made", async () => {
    const n1 = await startNode("n1");
    const n2 = await startNode("n2");
    n1.connectTo(n2);
    expect(n1.links.send("n2", frameOf(heartbeat("n1", "n2", 1)))).to.equal(true);
    expect(n1.links.queuedBytes()).to.be.above(0);
    expect(await n2.messages(1)).to.deep.equal([heartbeat("n1", "n2", 1)]);
  });

  it("dial a peer where it is said to be, also after the membership has been given anew", async () => {
    const [n1, n2] = [await startNode("n1", quick), await startNode("n2", quick)];
    const nowhere = new Map([["n2", { host: "127.0.0.1", port: 1 }]]);
    n1.links.setPeers(nowhere);
    await n1.line("no connection to peer n2");
    n1.links.expectAt("n2", `127.0.0.1:${n2.port}`);
    n1.links.setPeers(nowhere);
    await n1.line("connected to peer n2");
    n1.links.expectAt("n3", `127.0.0.1:${n2.port}`);
    expect(n1.links.isConnected("n3"), "the membership does not have it").to.equal(false);
  });

  it("know no peer that nobody named", async () => {
    const n1 = await startNode("n1");
    expect(n1.links.sendMessages("n2", [heartbeat("n1", "n2", 1)])).to.equal(false);
    expect(n1.links.isConnected("n2")).to.equal(false);
  });

  it("say that a peer is unreachable when nobody listens there, and find it when it comes", async () => {
    const n1 = await startNode("n1", { limits: { backoffMinMs: 60_000, backoffMaxMs: 60_000 } });
    const late = new TestNode("n2", quick);
    const probe = await startNode("n9");
    const { port } = probe;
    await probe.links.close();
    n1.links.setPeers(new Map([["n2", { host: "127.0.0.1", port }]]));
    await n1.next("unreachable", "n2");
    expect(await n1.line("no connection to peer n2")).to.include("ECONNREFUSED");
    // It pauses for half a minute at least; the peer's own hello ends the pause.
    expect(n1.links.sendMessages("n2", [heartbeat("n1", "n2", 1)])).to.equal(false);
    await late.listen(port);
    late.connectTo(n1);
    await n1.line("connected to peer n2");
    n1.links.sendMessages("n2", [heartbeat("n1", "n2", 2)]);
    expect(await late.messages(1)).to.deep.equal([heartbeat("n1", "n2", 2)]);
    await late.links.close();
  });

  it("tell of a peer whose connections close, and connect again after its restart on the same port", async () => {
    const [n1, n2] = await connectedPair();
    const { port } = n2;
    const since = n1.events.length;
    await n2.links.close();
    await n1.next("disconnected", "n2", since);
    await n1.next("unreachable", "n2", since);
    const again = await startNode("n2", quick, port);
    again.connectTo(n1);
    await n1.line("connected to peer n2", since);
    n1.links.sendMessages("n2", [heartbeat("n1", "n2", 3)]);
    expect(await again.messages(1)).to.deep.equal([heartbeat("n1", "n2", 3)]);
  });

  it("survive a reset in the middle of a frame, and take the peer's next connection", async () => {
    const node = await startNode("n1", quick);
    const frame = frameOf(heartbeat("n2", "n1", 1));
    for (const cut of [1, 4, 5, frame.byteLength - 1]) {
      const since = node.events.length;
      const peer = await acceptedPeer(node.address);
      peer.socket.write(frame.subarray(0, cut), () => peer.socket.resetAndDestroy());
      await node.next("disconnected", "n2", since);
    }
    expect(await node.line("in the middle of a frame")).to.include("the connection from peer n2 ended");
    const peer = await acceptedPeer(node.address);
    peer.socket.write(frame);
    expect(await node.messages(1)).to.deep.equal([heartbeat("n2", "n1", 1)]);
  });

  it("let a newer connection of a peer take the place of the older, which is not taken for a death", async () => {
    const node = await startNode("n1", quick);
    const older = await acceptedPeer(node.address);
    const newer = await acceptedPeer(node.address);
    await older.closed();
    newer.socket.write(frameOf(heartbeat("n2", "n1", 2)));
    expect(await node.messages(1)).to.deep.equal([heartbeat("n2", "n1", 2)]);
    expect(node.events.filter(({ kind }) => kind === "disconnected")).to.deep.equal([]);
  });

  const wrongs: readonly (readonly [name: string, bytes: Uint8Array, code: string])[] = [
    ["a frame above the cap", new Uint8Array([0xff, 0, 0, 0]), "frameTooLarge"],
    ["a frame of no bytes", new Uint8Array(4), "frameEmpty"],
    ["what is not CBOR", new Uint8Array([0, 0, 0, 1, 0xff]), "messageMalformed"],
    ["what is no list", new Uint8Array([0, 0, 0, 1, 0x01]), "messageMalformed"],
    ["an unknown kind", encodeFrame([[99]]), "messageMalformed"],
    ["a message in another's name", frameOf(heartbeat("n3", "n1", 1)), "messageMisdirected"],
    ["a message for another node", frameOf(heartbeat("n2", "n3", 1)), "messageMisdirected"],
  ];
  for (const [name, bytes, code] of wrongs) {
    it(`close the connection of a peer that sends ${name}, with one line, and go on`, async () => {
      const node = await startNode("n1", quick);
      const peer = await acceptedPeer(node.address);
      peer.socket.write(bytes);
      await peer.closed();
      expect(await node.line("broke the protocol")).to.include(`(${code})`);
      expect(node.links.counters.protocolErrors).to.equal(1);
      const next = await acceptedPeer(node.address);
      next.socket.write(frameOf(heartbeat("n2", "n1", 4)));
      expect(await node.messages(1)).to.deep.equal([heartbeat("n2", "n1", 4)]);
    });
  }

  it("drop what exceeds the queue of a peer that does not read, and hold no more than its bound", async () => {
    const queueBytesMax = 2 * 1024 * 1024;
    const sockets: Socket[] = [];
    const deaf = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => undefined);
      socket.once("data", () => {
        socket.pause();
        socket.write(encodeHelloAnswer({ accepted: true, nodeId: "n2", incarnation: "" }));
      });
    }).listen(0, "127.0.0.1");
    servers.push(deaf, { close: () => sockets.forEach((socket) => socket.destroy()) });
    await once(deaf, "listening");
    const address = deaf.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const n1 = await startNode("n1", { limits: { queueBytesMax, frameBytesMax: 1024 * 1024 } });
    n1.links.setPeers(new Map([["n2", { host: "127.0.0.1", port }]]));
    await n1.line("connected to peer n2");
    const frame = encodeFrame([new Uint8Array(256 * 1024)]);
    let taken = 0;
    // The kernel takes some MiB by itself, each time the event loop turns.
    for (let refusedInRow = 0; refusedInRow < 50; ) {
      if (n1.links.send("n2", frame)) {
        taken += 1;
        refusedInRow = 0;
      } else {
        refusedInRow += 1;
        await new Promise(setImmediate);
      }
      expect(n1.links.queuedBytes()).to.be.at.most(queueBytesMax);
    }
    expect(taken).to.be.above(4);
    expect(n1.links.counters.framesDropped).to.be.above(49);
  });

  it("give up a peer that shows no sign of life, although its connection stands", async () => {
    const sockets: Socket[] = [];
    const mute = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => undefined);
      socket.once("data", () => socket.write(encodeHelloAnswer({ accepted: true, nodeId: "n2", incarnation: "" })));
    }).listen(0, "127.0.0.1");
    servers.push(mute, { close: () => sockets.forEach((socket) => socket.destroy()) });
    await once(mute, "listening");
    const address = mute.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const n1 = await startNode("n1", { limits: { pingIntervalMs: 10, linkDeadMs: 300 } });
    n1.links.setPeers(new Map([["n2", { host: "127.0.0.1", port }]]));
    await n1.line("has given no sign of life for 300 ms");
    await n1.next("unreachable", "n2");
  });

  it("answer a peer that asks for a sign of life", async () => {
    const node = await startNode("n1");
    const peer = await acceptedPeer(node.address);
    peer.socket.write(encodeFrame([]));
    expect(await peer.frame()).to.deep.equal(new Uint8Array([0x80]));
  });

  it("reach a peer that only its own hello makes known, and forget it with that connection", async () => {
    const joining = await startNode("n2", quick);
    const leader = await startNode("n1", quick);
    leader.connectTo(joining);
    await joining.line("connected to peer n1");
    joining.links.sendMessages("n1", [heartbeat("n2", "n1", 5)]);
    expect(await leader.messages(1)).to.deep.equal([heartbeat("n2", "n1", 5)]);
    await leader.links.close();
    await joining.next("disconnected", "n1");
    // Whichever of the two connections closes last, the link is gone with the incoming one.
    while (joining.links.sendMessages("n1", [heartbeat("n2", "n1", 6)])) await new Promise(setImmediate);
    expect(joining.links.isConnected("n1")).to.equal(false);
  });

  it("follow a peer to another address, and end with a peer that is no longer named", async () => {
    const n1 = await startNode("n1", quick);
    const before = await startNode("n2", quick);
    const after = await startNode("n2", quick);
    n1.connectTo(before);
    await before.line("peer n1 has connected");
    await before.links.close();
    n1.connectTo(after);
    await after.line("peer n1 has connected");
    n1.links.sendMessages("n2", [heartbeat("n1", "n2", 7)]);
    expect(await after.messages(1)).to.deep.equal([heartbeat("n1", "n2", 7)]);
    n1.connectTo();
    await after.next("disconnected", "n1");
  });

  it("close the connection of a member that was removed", async () => {
    const removed = new Set<string>();
    const n1 = await startNode("n1", { refuse: (id) => (removed.has(id) ? `${id} was removed` : undefined) });
    const peer = await acceptedPeer(n1.address);
    removed.add("n2");
    n1.links.setPeers(new Map());
    await peer.closed();
    const answer = await new RawPeer(n1.address).hello({ ...peerHello, from: "n2" });
    expect(answer).to.include({ accepted: false, code: "notMember", detail: "n2 was removed" });
  });

  it("read nothing while paused, and everything after", async () => {
    const node = await startNode("n1", quick);
    const peer = await acceptedPeer(node.address);
    node.links.pause();
    const turned = new Promise((resolve) => peer.socket.write(frameOf(heartbeat("n2", "n1", 1)), resolve));
    await turned;
    // A second peer's hello is heard meanwhile, so the loop has turned over the first one's bytes.
    await acceptedPeer(node.address, { from: "n3" });
    expect(node.events.filter(({ kind }) => kind === "messages")).to.deep.equal([]);
    node.links.resume();
    expect(await node.messages(1)).to.deep.equal([heartbeat("n2", "n1", 1)]);
  });

  it("neither send nor deliver across a partition, and go on once it heals", async () => {
    const [n1, n2] = await connectedPair();
    const since = n1.events.length;
    n1.links.setCuts({ to: ["n2"], from: ["n2"] });
    expect(n1.links.sendMessages("n2", [heartbeat("n1", "n2", 1)])).to.equal(true);
    n2.links.sendMessages("n1", [heartbeat("n2", "n1", 1)]);
    // n3's message comes on a connection made later, and is read after n2's, which lies in the kernel by now.
    const peer = await acceptedPeer(n1.address, { from: "n3" });
    peer.socket.write(frameOf(heartbeat("n3", "n1", 9)));
    await n1.messages(1);
    n1.links.setCuts({ to: [], from: [] });
    n1.links.sendMessages("n2", [heartbeat("n1", "n2", 2)]);
    n2.links.sendMessages("n1", [heartbeat("n2", "n1", 2)]);
    expect(await n2.messages(1)).to.deep.equal([heartbeat("n1", "n2", 2)]);
    expect(await n1.messages(2)).to.deep.equal([heartbeat("n3", "n1", 9), heartbeat("n2", "n1", 2)]);
    expect(n1.events.slice(since).filter(({ kind }) => kind === "disconnected")).to.deep.equal([]);
  });

  it("are cut in one direction only, when that is asked, without giving the peer up", async () => {
    const [n1, n2] = await connectedPair();
    const since = n1.events.length;
    n1.links.setCuts({ to: ["n2"], from: [] });
    expect(n1.links.sendMessages("n2", [heartbeat("n1", "n2", 1)])).to.equal(true);
    n2.links.sendMessages("n1", [heartbeat("n2", "n1", 1)]);
    expect(await n1.messages(1)).to.deep.equal([heartbeat("n2", "n1", 1)]);
    n1.links.setCuts({ to: [], from: ["n2"] });
    n2.links.sendMessages("n1", [heartbeat("n2", "n1", 2)]);
    n1.links.sendMessages("n2", [heartbeat("n1", "n2", 2)]);
    expect(await n2.messages(1), "what was sent into the cut is lost").to.deep.equal([heartbeat("n1", "n2", 2)]);
    expect(n1.events.slice(since).filter(({ kind }) => kind === "disconnected")).to.deep.equal([]);
  });

  it("do not answer the hello of a peer beyond a partition until it heals", async () => {
    const n1 = await startNode("n1", quick);
    n1.links.setCuts({ to: ["n2"], from: ["n2"] });
    const n2 = await startNode("n2", quick);
    n1.connectTo(n2);
    n2.connectTo(n1);
    await new Promise(setImmediate);
    expect(n2.links.isConnected("n1")).to.equal(false);
    n1.links.setCuts({ to: [], from: [] });
    await Promise.all([n1.line("connected to peer n2"), n2.line("connected to peer n1")]);
  });

  it("refuse to listen where somebody listens already, naming the address", async () => {
    const n1 = await startNode("n1");
    const other = new TestNode("n2");
    const refused = await other.listen(n1.port).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(StartError);
    expect(String(refused)).to.include(`127.0.0.1:${n1.port}: the port is in use`);
    await other.links.close();
  });

  it("refuse limits under which no frame could wait", () => {
    expect(() => new TestNode("n1", { limits: { queueBytesMax: 10, frameBytesMax: 10 } })).to.throw(RangeError);
  });

  it("call nobody after they are closed", async () => {
    const [n1, n2] = await connectedPair();
    const since = n1.events.length;
    n2.links.sendMessages("n1", [heartbeat("n2", "n1", 1)]);
    await n1.links.close();
    await n2.next("disconnected", "n1");
    expect(n1.events.slice(since).filter(({ kind }) => kind !== "log")).to.deep.equal([]);
  });
});

const peerHello = {
  clusterId: "c1",
  to: "n1",
  incarnation: "",
  purpose: "messages",
  raftAddr: "",
  voteHoldMs: 0,
} as const;
