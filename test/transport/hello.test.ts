import { expect } from "chai";
import { afterEach, describe, it } from "mocha";
import { encodeFrame } from "../../src/transport/frame.ts";
import {
  encodeHello,
  encodeHelloAnswer,
  type HelloAnswer,
  type HelloRefusal,
  parseHello,
  parseHelloAnswer,
} from "../../src/transport/hello.ts";
import { closeNodes, startNode, type TestNodeOptions } from "./harness.ts";
import { acceptedPeer, closeRawPeers, goodHello, RawPeer } from "./raw-peer.ts";

describe("the hello", () => {
  afterEach(async () => {
    closeRawPeers();
    await closeNodes();
  });

  const dialler: TestNodeOptions = {};
  const refused: readonly (readonly [
    name: string,
    listener: TestNodeOptions & { readonly id?: string },
    dialer: TestNodeOptions & { readonly id?: string },
    code: HelloRefusal,
    words: string,
  ])[] = [
    ["of another cluster", { clusterId: "c9" }, dialler, "wrongCluster", "n2 belongs to cluster c1, n1 to c9"],
    ["meant for another node", { id: "n3" }, dialler, "wrongNode", "n2 wants n1, but this address is that of n3"],
    ["under the listener's own id", { id: "n2" }, dialler, "ownId", "n2 is this node's own id"],
    [
      "from another data directory than the membership knows",
      { expectedIncarnation: () => "inc-old" },
      dialler,
      "wrongIncarnation",
      "the data directory of n2 is inc-n2, the cluster knows inc-old",
    ],
    [
      "with another word on leases",
      { voteHoldMs: 1000 },
      dialler,
      "otherLease",
      "n2 has no lease reads, n1 has lease reads of 1000 ms: start all nodes with the same --lease-reads",
    ],
    ["from a node that was removed", { refuse: () => "n2 was removed" }, dialler, "notMember", "n2 was removed"],
    [
      "beyond the connections that are taken",
      { limits: { connectionsMax: 0 } },
      dialler,
      "tooManyConnections",
      "this node takes 0 connections",
    ],
  ];
  for (const [name, listener, dialer, code, words] of refused) {
    it(`is refused ${name}, with one line on both sides`, async () => {
      const accepting = await startNode(listener.id ?? "n1", listener);
      const dialing = await startNode(dialer.id ?? "n2", dialer);
      dialing.links.setPeers(new Map([["n1", accepting.address]]));
      expect(await dialing.refused()).to.have.property("code", code);
      expect(await accepting.line(words)).to.include(`is refused (${code})`);
      expect(await dialing.line(words)).to.include(`peer n1 at 127.0.0.1:${accepting.port}`);
    });
  }

  it("is not repeated in the log with every attempt", async () => {
    const accepting = await startNode("n1", { clusterId: "c9" });
    const dialing = await startNode("n2", { limits: { backoffMinMs: 1, backoffMaxMs: 1 } });
    dialing.connectTo(accepting);
    for (let since = 0, attempts = 0; attempts < 5; attempts += 1) {
      await dialing.refused(since);
      since = dialing.events.length;
    }
    for (const node of [accepting, dialing]) {
      const lines = node.events.filter((event) => event.kind === "log" && event.message.includes("wrongCluster"));
      expect(lines.length).to.equal(1);
    }
  });

  it("is taken from a peer whose data directory is not known yet", async () => {
    const accepting = await startNode("n1", { expectedIncarnation: () => "" });
    await acceptedPeer(accepting.address);
  });

  it("lets the dialer refuse a listener with another data directory than the membership knows", async () => {
    const accepting = await startNode("n1");
    const dialing = await startNode("n2", { expectedIncarnation: () => "inc-old" });
    dialing.connectTo(accepting);
    const refused = await dialing.refused();
    expect(refused).to.have.property("code", "wrongIncarnation");
    expect(JSON.stringify(refused)).to.include("balsa member replace");
  });

  it("of another version or protocol is answered with both versions, or that it is none", async () => {
    const node = await startNode("n1");
    const cases: readonly (readonly [unknown[], string])[] = [
      [["balsa-peer", 3, "what", "comes", "then"], "its version of the peer protocol is 3, here it is 2"],
      [["etcd", 1], "it does not speak Balsa's peer protocol"],
      [["balsa-peer", 2, "c1"], "it begins wrongly"],
    ];
    for (const [fields, words] of cases) {
      const peer = new RawPeer(node.address);
      peer.socket.write(encodeFrame(fields));
      const answer = parseHelloAnswer((await peer.frame()) ?? new Uint8Array(0));
      expect(answer).to.include({ accepted: false, code: "wrongProtocol" });
      expect(answer.accepted ? "" : answer.detail).to.include(words);
      await peer.closed();
    }
  });

  it("is not awaited from an HTTP client, whose first bytes are a length above the cap", async () => {
    const node = await startNode("n1");
    const peer = new RawPeer(node.address);
    peer.socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await peer.closed();
    expect(await node.line("wrongProtocol")).to.include("a frame of 1195725856 bytes, where 4096 are allowed");
  });

  it("may not be followed by anything before it is answered", async () => {
    const node = await startNode("n1");
    const peer = new RawPeer(node.address);
    peer.socket.write(Buffer.concat([encodeHello(goodHello), encodeFrame([])]));
    await peer.closed();
    expect(await node.line("went on before its hello was answered")).to.include("peer n2");
  });

  it("is awaited for a limited time", async () => {
    const node = await startNode("n1", { limits: { helloTimeoutMs: 20 } });
    await new RawPeer(node.address).closed();
    expect(await node.line("said no hello within 20 ms")).to.include("127.0.0.1");
  });

  it("makes room for the newest stranger when there are too many", async () => {
    const node = await startNode("n1", { limits: { strangersMax: 2 } });
    const mute = [new RawPeer(node.address)];
    await new Promise((resolve) => mute[0]?.socket.once("connect", resolve));
    mute.push(new RawPeer(node.address));
    await acceptedPeer(node.address);
    await acceptedPeer(node.address, { from: "n3" });
    const peers = await Promise.all([acceptedPeer(node.address, { from: "n4" }), mute[0]?.closed()]);
    expect(peers[0].socket.destroyed).to.equal(false);
  });

  it("and its answer come back as they were", () => {
    const answers: readonly HelloAnswer[] = [
      { accepted: true, nodeId: "n1", incarnation: "i" },
      { accepted: false, code: "notMember", detail: "removed" },
    ];
    for (const answer of answers) {
      expect(parseHelloAnswer(encodeHelloAnswer(answer).subarray(4))).to.deep.equal(answer);
    }
    expect(parseHelloAnswer(new Uint8Array([0xff]))).to.include({ accepted: false, code: "wrongProtocol" });
    expect(parseHello(new Uint8Array([0x80]))).to.include({ code: "wrongProtocol" });
  });
});
