import { expect } from "chai";
import { EventSource } from "eventsource";
import { after, before, describe, it } from "mocha";
import type { Cluster } from "../../src/cluster/index.ts";
import { startCluster } from "../../src/cluster/index.ts";
import { RawConnection } from "../http/client.ts";
import { untilTrue } from "./support/until.ts";

interface Seen {
  readonly id: string;
  readonly value: string;
}

/** An EventSource, and the puts that it has seen. */
class Follower {
  readonly seen: Seen[] = [];
  readonly #source: EventSource;

  constructor(url: string) {
    this.#source = new EventSource(url);
    this.#source.addEventListener("put", (event) => {
      this.seen.push({ id: event.lastEventId, value: (JSON.parse(event.data) as { value: string }).value });
    });
  }

  close(): void {
    this.#source.close();
  }
}

describe("watches of three nodes", function () {
  this.timeout(60_000);
  let cluster: Cluster;

  before(async () => {
    cluster = await startCluster({ nodes: 3 });
  });

  after(async () => {
    await cluster.close();
  });

  it("are followed by an EventSource on each node through changes of the leader, every change once", async () => {
    const { revision } = await cluster.client.put("watched/0", "0");
    const followers = cluster.nodes.map(
      (node) => new Follower(`${node.httpUrl}/watch?prefix=watched/&since=${revision}`),
    );
    const wanted: Seen[] = [];
    const write = async (count: number): Promise<void> => {
      for (let at = 0; at < count; at++) {
        const value = String(wanted.length + 1);
        const put = await cluster.client.put(`watched/${wanted.length % 7}`, value);
        wanted.push({ id: String(put.modRevision), value });
      }
    };
    try {
      await write(20);
      for (let round = 0; round < 2; round++) {
        const leader = await cluster.leader();
        await leader.crash();
        await cluster.leader();
        await write(20);
        await (await cluster.restart(leader.id)).ready();
        await write(5);
      }
      for (const [at, follower] of followers.entries()) {
        await untilTrue(`all events of ${at}`, () => follower.seen.length >= wanted.length, 30_000);
        expect(follower.seen).to.deep.equal(wanted);
      }
    } finally {
      for (const follower of followers) follower.close();
    }
  });

  it("begin on any node right after what was written on another", async () => {
    const [one, two] = cluster.nodes;
    if (one === undefined || two === undefined) throw new RangeError("two nodes");
    for (let round = 0; round < 60; round++) {
      const before = await one.client.put("begins", `before ${round}`);
      const connection = new RawConnection(Number(new URL(two.httpUrl).port));
      connection.socket.write("GET /watch?key=begins HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
      const head = await connection.until("\n\n");
      expect(head).to.include(`Balsa-Revision: ${before.revision}\r\n`);
      await one.client.put("begins", `after ${round}`);
      const text = await connection.until("event: put");
      expect(text).not.to.include(`"before ${round}"`);
      connection.socket.destroy();
    }
  });

  it("end for a reader that is too slow, and go on where it was told", async () => {
    const [node] = cluster.nodes;
    if (node === undefined) throw new RangeError("a node");
    const port = Number(new URL(node.httpUrl).port);
    const first = await node.client.put("large", "first");
    const slow = new RawConnection(port);
    slow.socket.write(`GET /watch?key=large&since=${first.revision} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    await slow.until("\n\n");
    slow.socket.pause();
    let last = first.revision;
    // Each byte of such a value takes six in JSON: what is written is little, what is streamed is more than sockets hold.
    const value = "\u0001".repeat(60_000);
    for (let at = 0; at < 40; at++) last = (await node.client.put("large", `${at}${value}`)).modRevision;
    const fresh = await node.client.get("large", { level: "stale" });
    expect(fresh?.modRevision, "others go on").to.equal(last);
    slow.socket.resume();
    await slow.closed();
    const resume = Number(/event: lagged\ndata: {"resume":(\d+)}\n\n/.exec(slow.received)?.[1]);
    expect(resume).to.be.within(first.revision, last - 1);
    const given = [...slow.received.matchAll(/^id: (\d+)\nevent: put/gm)].map(([, id]) => Number(id));
    const again = new RawConnection(port);
    again.socket.write(`GET /watch?key=large&since=${resume} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    await again.until(`id: ${last}\nevent: put`);
    const rest = [...again.received.matchAll(/^id: (\d+)\nevent: put/gm)].map(([, id]) => Number(id));
    again.socket.destroy();
    expect([...given, ...rest]).to.deep.equal(Array.from({ length: 40 }, (_, at) => last - 39 + at));
  });
});
