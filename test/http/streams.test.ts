import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { ask, problemOf } from "./client.ts";
import { FakeNode } from "./fake-node.ts";

const headers = { accept: "application/x-ndjson" };
const value = "v".repeat(10_000);

describe("http: streams of a listing", () => {
  let node: FakeNode;

  beforeEach(async () => {
    node = await FakeNode.start();
  });

  afterEach(async () => {
    await node.stop();
    expect(node.failures).to.deep.equal([]);
  });

  async function fill(keys: number): Promise<void> {
    const pairs = Array.from({ length: keys }, (_, at) => [`k/${String(at).padStart(5, "0")}`, value]);
    for (let from = 0; from < keys; from += 150)
      await ask(node.port, "POST", "/key", { body: JSON.stringify(Object.fromEntries(pairs.slice(from, from + 150))) });
  }

  /** A stream whose client reads nothing until it is told to. */
  async function openStream(path = "/keys?prefix=k/"): Promise<{ sent: ClientRequest; response: IncomingMessage }> {
    const sent = request({ host: "127.0.0.1", port: node.port, path, headers, agent: false });
    sent.on("error", () => undefined);
    sent.end();
    const [response]: IncomingMessage[] = await once(sent, "response");
    if (response === undefined) throw new Error("no response came");
    response.on("error", () => undefined);
    return { sent, response };
  }

  async function until(condition: () => boolean): Promise<void> {
    for (const deadline = performance.now() + 10_000; !condition(); ) {
      if (performance.now() > deadline) throw new Error("the condition did not come true in time");
      await ask(node.port, "GET", "/livez");
    }
  }

  it("streams a whole range of one revision, an item a line, while writes go on", async () => {
    await fill(900);
    const { response } = await openStream();
    expect([response.statusCode, response.headers["content-type"]]).to.deep.equal([200, "application/x-ndjson"]);
    expect(response.headers["balsa-revision"]).to.equal("6");
    await ask(node.port, "PUT", "/key/k/new", { body: "later" });
    await ask(node.port, "DELETE", "/keys?prefix=k/");
    let text = "";
    for await (const chunk of response) text += String(chunk);
    const items = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(items).to.have.length(900);
    expect(items[899]).to.deep.equal({
      key: "k/00899",
      value,
      createRevision: 6,
      modRevision: 6,
      version: 1,
      lease: null,
    });
    await until(() => node.view.openMoments === 0);
  });

  it("obeys order, values, limit and revision, and takes no cursor", async () => {
    await fill(10);
    const lines = async (query: string): Promise<string[]> =>
      String((await ask(node.port, "GET", `/keys?${query}`, { headers })).body)
        .split("\n")
        .slice(0, -1);
    const two = await lines("order=desc&limit=2&values=false");
    expect(two.map((line) => JSON.parse(line).key)).to.deep.equal(["k/00009", "k/00008"]);
    expect(JSON.parse(two[0] ?? "")).not.to.have.property("value");
    expect(await lines("revision=0")).to.deep.equal([]);
    const { cursor } = JSON.parse(String((await ask(node.port, "GET", "/keys?limit=1")).body));
    const paged = await ask(node.port, "GET", `/keys?cursor=${cursor}`, { headers });
    expect(problemOf(paged).code).to.equal("BAD_REQUEST");
    expect(problemOf(await ask(node.port, "GET", "/keys?revision=9", { headers })).code).to.equal("BAD_REQUEST");
    const head = await ask(node.port, "HEAD", "/keys", { headers });
    expect([head.status, head.headers["content-type"]]).to.deep.equal([200, "application/x-ndjson"]);
  });

  it("keeps no more in memory than a client takes, lets others through, and forgets one that is gone", async () => {
    await fill(3000);
    const { sent } = await openStream();
    expect(node.view.openMoments).to.equal(1);
    const puts = await Promise.all(Array.from({ length: 20 }, (_, at) => ask(node.port, "PUT", `/key/p${at}`)));
    expect(puts.every(({ status }) => status === 204)).to.equal(true);
    // 30 MB are to be sent, and what the client has not read waits in its socket and in one piece here.
    expect(node.view.openMoments).to.equal(1);
    sent.destroy();
    await until(() => node.view.openMoments === 0);
  });

  it("refuses more streams than it makes at once with 503 and Retry-After, and makes more once some end", async () => {
    await fill(3000);
    const streams = await Promise.all(Array.from({ length: 16 }, () => openStream()));
    const refused = await ask(node.port, "GET", "/keys?prefix=k/", { headers });
    expect(problemOf(refused)).to.include({ code: "OVERLOADED", status: 503, outcome: "not-applied" });
    expect(refused.headers["retry-after"]).to.equal("1");
    expect((await ask(node.port, "GET", "/keys?limit=1")).status).to.equal(200);
    for (const { sent } of streams) sent.destroy();
    await until(() => node.view.openMoments === 0);
    expect((await ask(node.port, "GET", "/keys?prefix=k/00000", { headers })).status).to.equal(200);
  });

  it("cuts the connection of a stream that cannot be made whole", async () => {
    await fill(3000);
    const { response } = await openStream();
    const aborted = once(response, "aborted");
    node.view.cutScans();
    response.resume();
    await aborted;
    expect(response.complete).to.equal(false);
    await until(() => node.view.openMoments === 0);
  });
});
