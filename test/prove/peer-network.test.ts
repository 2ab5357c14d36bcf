import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { leavesMajority, partitionsOf } from "../../scripts/prove/partitions.ts";
import { PeerNetwork } from "../../scripts/prove/peer-network.ts";
import { encodeBehind } from "../../src/codec/codec.ts";

/** As much of a hello as the network reads. */
function helloOf(from: string): Uint8Array {
  const frame = encodeBehind(4, ["balsa-peer", 1, "cluster", from, "n2"]);
  new DataView(frame.buffer).setUint32(0, frame.byteLength - 4);
  return frame;
}

/** A node that answers every byte with the same byte. */
class Echo {
  readonly server: Server;
  heard = "";

  constructor() {
    this.server = createServer((socket) => {
      socket
        .on("error", () => undefined)
        .on("data", (chunk: Buffer) => {
          this.heard += chunk.toString("latin1");
          socket.write(chunk);
        });
    });
  }

  async listen(): Promise<number> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    const address = this.server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }
}

/** Polls; the test's own time limit is the limit. */
async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe("the network between nodes", () => {
  let echo: Echo;
  let network: PeerNetwork;
  let port = 0;
  const dialers: Socket[] = [];

  beforeEach(async () => {
    echo = new Echo();
    network = new PeerNetwork();
    port = await network.before("n2", await echo.listen());
  });

  afterEach(async () => {
    for (const dialer of dialers.splice(0)) dialer.destroy();
    await network.close();
    await new Promise((resolve) => echo.server.close(resolve));
  });

  function dial(from: string): { readonly socket: Socket; readonly read: () => string } {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket
      .on("error", () => undefined)
      .on("data", (chunk: Buffer) => {
        text += chunk.toString("latin1");
      });
    socket.write(helloOf(from));
    dialers.push(socket);
    return { socket, read: () => text };
  }

  it("passes everything on, once, whatever is cut for others meanwhile", async () => {
    const { socket, read } = dial("n1");
    await eventually(() => read().includes("n1"));
    network.cut([{ from: "n3", to: "n2" }]);
    network.cut([{ from: "n3", to: "n1" }]);
    socket.write("hello, once");
    await eventually(() => read().endsWith("once"));
    expect(echo.heard).to.equal(`${Buffer.from(helloOf("n1")).toString("latin1")}hello, once`);
  });

  it("holds what is cut, in that direction alone, and delivers it when it resumes", async () => {
    const cut = dial("n1");
    const other = dial("n3");
    await eventually(() => cut.read().includes("n1") && other.read().includes("n3"));
    network.cut([{ from: "n1", to: "n2" }]);
    cut.socket.write("late");
    other.socket.write("in time");
    await eventually(() => other.read().endsWith("in time"));
    expect(echo.heard).to.not.include("late");
    network.heal("resume");
    await eventually(() => cut.read().endsWith("late"));
  });

  it("connects nobody across a cut until it heals", async () => {
    network.cut([{ from: "n1", to: "n2" }]);
    const cut = dial("n1");
    const other = dial("n3");
    await eventually(() => other.read().includes("n3"));
    expect(cut.read()).to.equal("");
    network.heal("resume");
    await eventually(() => cut.read().includes("n1"));
  });

  it("closes what was cut when it heals by reset, and nothing else", async () => {
    const cut = dial("n1");
    const other = dial("n3");
    await eventually(() => cut.read().includes("n1") && other.read().includes("n3"));
    network.cut([{ from: "n1", to: "n2" }]);
    network.heal("reset");
    await eventually(() => cut.socket.destroyed);
    other.socket.write("still here");
    await eventually(() => other.read().endsWith("still here"));
  });

  it("closes a connection that says no hello", async () => {
    const socket = connect(port, "127.0.0.1").on("error", () => undefined);
    dialers.push(socket);
    socket.resume().write(Buffer.from([0, 0, 0, 1, 0xff]));
    await eventually(() => socket.destroyed);
    expect(echo.heard).to.equal("");
  });
});

describe("partitions", () => {
  const first = <T>(from: readonly T[]): T => {
    const [item] = from;
    if (item === undefined) throw new RangeError("nothing to pick from");
    return item;
  };

  it("have eight shapes, of which all leave a majority but a chain of five and silence", () => {
    for (const ids of [
      ["n1", "n2", "n3"],
      ["n1", "n2", "n3", "n4", "n5"],
    ]) {
      const partitions = partitionsOf(ids, "n2", first);
      expect(new Set(partitions.map(({ name }) => name))).to.have.property("size", 8);
      const without = partitions.filter(({ cut }) => !leavesMajority(ids, cut)).map(({ name }) => name);
      const chain = ids.length === 5 ? ["all in a chain"] : [];
      expect(without).to.deep.equal([...chain, "nobody hears anybody"]);
    }
  });

  it("cut off the leader in one direction or in both", () => {
    const shapes = new Map(partitionsOf(["n1", "n2", "n3"], "n2", first).map(({ name, cut }) => [name, cut]));
    expect(shapes.get("leader is not heard")).to.deep.equal([
      { from: "n2", to: "n1" },
      { from: "n2", to: "n3" },
    ]);
    expect(shapes.get("leader does not hear")).to.deep.equal([
      { from: "n1", to: "n2" },
      { from: "n3", to: "n2" },
    ]);
    expect(shapes.get("leader alone")).to.have.length(4);
  });
});
