import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { ask, exchangeRaw, problemOf, RawConnection } from "./client.ts";
import { FakeNode } from "./fake-node.ts";
import { HistoryDouble, untilTrue } from "./watch-double.ts";

describe("GET /watch", () => {
  let history: HistoryDouble;
  let node: FakeNode;
  const open: RawConnection[] = [];

  async function start(corsOrigins: readonly string[] = []): Promise<void> {
    history = new HistoryDouble();
    node = await FakeNode.start({ corsOrigins }, ({ view }) => {
      Object.assign(view, { moment: () => history.backend.view()?.moment(), revision: () => history.revision });
    });
  }

  beforeEach(async () => {
    await start();
  });

  afterEach(async () => {
    for (const { socket } of open.splice(0)) socket.destroy();
    await node.stop();
    expect(node.failures).to.deep.equal([]);
  });

  function watch(query: string, fields: readonly string[] = [], version = "1.1"): RawConnection {
    const connection = new RawConnection(node.port);
    open.push(connection);
    const lines = [`GET /watch?${query} HTTP/${version}`, `Host: 127.0.0.1:${node.port}`, ...fields, "", ""];
    connection.socket.write(lines.join("\r\n"));
    return connection;
  }

  function command(...pairs: readonly (readonly [key: string, value: string | null])[]): void {
    history.command(...pairs);
    node.toIngressFromStore({ kind: "batchApplied", appliedIndex: 0, appliedTerm: 1, revision: 0, results: [] });
  }

  it("streams changes as events, with what an EventSource needs", async () => {
    command(["a", "1"]);
    const connection = watch("key=a");
    const head = await connection.until("id: 1\n\n");
    expect(head).to.match(/^HTTP\/1\.1 200 OK\r\n/);
    expect(head).to.include("Content-Type: text/event-stream\r\n");
    expect(head).to.include("Balsa-Revision: 1\r\n");
    command(["a", "2"]);
    command(["b", "2"]);
    command(["a", null]);
    const text = await connection.until("event: delete");
    expect(text).to.include(
      'id: 2\nevent: put\ndata: {"key":"a","value":"2","createRevision":1,"modRevision":2,"version":2,"lease":null}\n\n',
    );
    await connection.until("}\n\n", 2);
    expect(connection.received).to.include('id: 4\nevent: delete\ndata: {"key":"a","modRevision":4}\n\n');
    expect(connection.received).not.to.include('"b"');
  });

  it("begins after what was answered to anybody before, wherever that was", async () => {
    node.onMessage = (message) => message.kind === "readIndex";
    const connection = watch("prefix=");
    await untilTrue("a read index asked for", () => node.asked.some(({ kind }) => kind === "readIndex"));
    command(["a", "1"]);
    const asked = node.asked.find((message) => message.kind === "readIndex");
    node.board.set("appliedIndex", 9);
    node.toIngress({ kind: "readGranted", readId: asked?.kind === "readIndex" ? asked.readId : 0, readIndex: 9 });
    expect(await connection.until("id: 1\n\n")).to.include("Balsa-Revision: 1\r\n");
    expect(connection.received).not.to.include("data:");
  });

  it("begins after `since` without a leader, and `Last-Event-ID` wins over it", async () => {
    node.onMessage = (message) => message.kind === "readIndex";
    for (const value of ["1", "2", "3"]) command(["a", value], ["b", value]);
    const since = watch("prefix=&since=2");
    await since.until("id: 3\nevent: put");
    expect(since.received).to.include("id: 3.1\n").and.not.include("id: 2.1\n");
    const resumed = watch("prefix=&since=0", ["Last-Event-ID: 2.1"]);
    await resumed.until("id: 3\nevent: put");
    expect(resumed.received).to.include("id: 2\nevent: put").and.not.include("id: 2.1\n");
  });

  it("carries what the key was before when it is asked for", async () => {
    const connection = watch("key=a&prev=true&since=0");
    command(["a", "1"]);
    command(["a", "2"]);
    await connection.until("id: 2\nevent");
    const events = connection.received.split("\n").filter((line) => line.startsWith("data: "));
    const [first, second] = events.map((line) => JSON.parse(line.slice(6)));
    expect(first).not.to.have.property("prev");
    expect(second.prev).to.deep.equal({
      ...{ key: "a", value: "1", createRevision: 1, modRevision: 1, version: 1, lease: null },
    });
  });

  it("takes keys that are not UTF-8 in base64", async () => {
    const connection = watch(`startBase64=${encodeURIComponent(Buffer.of(0xc3).toString("base64"))}&since=0`);
    history.command(["x", "1"]);
    const key = Buffer.of(0xff, 0x00);
    history.changes.push({ revision: 2, ordinal: 0, key, record: null, previous: null });
    history.revision = 2;
    command();
    await connection.until('{"keyBase64":"/wA=","modRevision":2}');
    expect(connection.received).not.to.include('"x"');
  });

  it("follows what start and end, or one of them, or a prefix or key in base64 name, and nothing beside it", async () => {
    const asks = ["start=b&end=c", "start=b", "end=c", "prefixBase64=Yg==", "keyBase64=Yg=="];
    const watches = asks.map((query) => watch(`${query}&since=0`));
    for (const key of ["a", "b", "b/1", "c", "z"]) command([key, "1"]);
    const seen = ["b b/1", "b b/1 c z", "a b b/1", "b b/1", "b"];
    for (const [at, connection] of watches.entries()) {
      const keys = seen[at]?.split(" ") ?? [];
      await connection.until("event: put", keys.length);
      await connection.until("}\n\n", keys.length);
      const found = [...connection.received.matchAll(/^data: {"key":"([^"]*)"/gm)].map(([, key]) => key);
      expect([asks[at], found]).to.deep.equal([asks[at], keys]);
    }
  });

  it("waits for Balsa-Min-Revision before it begins", async () => {
    const early = { "balsa-min-revision": "1", "balsa-timeout": "30ms" };
    for (const query of ["key=a", "key=a&since=0"]) {
      const reply = await ask(node.port, "GET", `/watch?${query}`, { headers: early });
      expect([query, problemOf(reply).code]).to.deep.equal([query, "TOO_STALE"]);
    }
    const connection = watch("key=a", ["Balsa-Min-Revision: 1"]);
    history.command(["a", "1"]);
    node.board.set("revisionApplied", 1);
    node.toIngressFromStore({ kind: "batchApplied", appliedIndex: 0, appliedTerm: 1, revision: 1, results: [] });
    expect(await connection.until("id: 1\n\n")).to.include("Balsa-Revision: 1\r\n");
  });

  it("refuses what is wrong with 400", async () => {
    const queries = [
      ...["", "since=1", "key=", "key=a&prefix=b", "prefix=a&end=b", "start=b&end=a", "start=a&end=a", "key=a&since=x"],
      ...["key=a&since=-1", "key=a&keyBase64=YQ==", "keyBase64=*", "key=a&prev=maybe", "key=a&limit=1"],
      `key=${"k".repeat(4097)}`,
    ];
    for (const query of queries) {
      const reply = await ask(node.port, "GET", `/watch?${query}`);
      expect(problemOf(reply).code, query).to.equal("BAD_REQUEST");
    }
    for (const id of ["x", "1.0", "1.2.3", "9007199254740993", "1, 2"]) {
      const reply = await ask(node.port, "GET", "/watch?key=a", { headers: { "Last-Event-ID": id } });
      expect(problemOf(reply).code, id).to.equal("BAD_REQUEST");
    }
    expect((await ask(node.port, "POST", "/watch?key=a")).status).to.equal(405);
  });

  it("answers 410 from what is compacted, and begins right at it", async () => {
    for (const value of ["1", "2", "3"]) command(["a", value], ["b", value]);
    history.compactedRevision = 2;
    const since = await ask(node.port, "GET", "/watch?prefix=&since=1");
    expect([since.status, problemOf(since).code]).to.deep.equal([410, "COMPACTED"]);
    const middle = await ask(node.port, "GET", "/watch?prefix=", { headers: { "Last-Event-ID": "2.1" } });
    expect(middle.status).to.equal(410);
    await watch("prefix=&since=2").until("id: 3\nevent");
  });

  it("answers HEAD without a stream, and HTTP/1.0 without chunks", async () => {
    const reply = await ask(node.port, "HEAD", "/watch?key=a");
    expect([reply.status, reply.headers["content-type"]]).to.deep.equal([200, "text/event-stream"]);
    expect(reply.body.length).to.equal(0);
    const old = watch("key=a&since=0", [], "1.0");
    command(["a", "1"]);
    const text = await old.until("event: put");
    expect(text).not.to.include("Transfer-Encoding");
  });

  it("names the origin that may read it", async () => {
    await node.stop();
    await start(["http://app.example"]);
    const connection = watch("key=a&since=0", ["Origin: http://app.example"]);
    expect(await connection.until("\n\n")).to.include("Access-Control-Allow-Origin: http://app.example\r\n");
    const refused = await exchangeRaw(
      node.port,
      `GET /watch?key=a HTTP/1.1\r\nHost: 127.0.0.1:${node.port}\r\nOrigin: http://other.example\r\nConnection: close\r\n\r\n`,
    );
    expect(refused).to.match(/^HTTP\/1\.1 403 /);
  });

  it("is counted, and forgotten when its client goes", async () => {
    const connection = watch("key=a&since=0");
    command(["a", "1"]);
    await connection.until("event: put");
    const metric = async (name: string): Promise<number> => {
      const text = (await ask(node.port, "GET", "/metrics")).body.toString();
      return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
    };
    expect(await metric("balsa_watchers")).to.equal(1);
    expect(await metric("balsa_watch_events_total")).to.equal(1);
    connection.socket.resetAndDestroy();
    let left = 1;
    while (left > 0) left = await metric("balsa_watchers");
  });

  it("ends in order when the node stops", async () => {
    const connection = watch("key=a&since=0");
    command(["a", "1"]);
    await connection.until("event: put");
    await node.stop();
    const text = await connection.closed();
    expect(text.endsWith("0\r\n\r\n"), "the last chunk").to.equal(true);
    await start();
  });
});
