/**
 * @module
 * Listings: pages with their cursors, and streams that go on where they broke off.
 */

import type { ServerResponse } from "node:http";
import { expect } from "chai";
import { afterEach, describe, it } from "mocha";
import { BalsaClient } from "../../src/client/balsa-client.ts";
import type { Item, KeyHead } from "../../src/client/item.ts";
import { BalsaError } from "../../src/errors/balsa-error.ts";
import { answerJson, type FakeNode, problem, type Respond, startFakeNode } from "./fake-node.ts";

const item = (key: string): object => ({
  key,
  value: `v${key}`,
  createRevision: 1,
  modRevision: 2,
  version: 2,
  lease: null,
});

function nameOf({ key }: KeyHead): string {
  return Buffer.from(key).toString();
}

async function namesIn(listing: AsyncIterable<KeyHead>): Promise<string[]> {
  const names: string[] = [];
  for await (const one of listing) names.push(nameOf(one));
  return names;
}

/** Lines, and then the end of the stream or of the connection. */
function stream(response: ServerResponse, keys: readonly string[], whole: boolean): void {
  response.writeHead(200, { "content-type": "application/x-ndjson", "balsa-revision": "42" });
  response.flushHeaders();
  for (const key of keys) response.write(`${JSON.stringify(item(key))}\n`);
  if (whole) response.end();
  else response.write('{"key":"ha', () => response.destroy());
}

describe("a listing of the client", () => {
  let node: FakeNode;
  let client: BalsaClient;

  async function begin(respond: Respond): Promise<void> {
    node = await startFakeNode(respond);
    client = new BalsaClient({ endpoints: [node.endpoint], timeoutMs: 2_000 });
  }

  afterEach(async () => {
    client.close();
    await node.close();
  });

  it("comes in pages of one revision", async () => {
    await begin(({ path }, response) => {
      const first = !path.includes("cursor");
      answerJson(
        response,
        200,
        first ? { revision: 7, items: [item("a")], cursor: "x/=" } : { revision: 7, items: [item("b")] },
      );
    });
    const first = await client.listPage({ prefix: "" }, { limit: 1, order: "desc", level: "stale" });
    expect(first).to.include({ revision: 7, cursor: "x/=" });
    expect(Buffer.from(first.items[0]?.value ?? "").toString()).to.equal("va");
    const second = await client.keysPage({ prefix: "" }, { limit: 1, cursor: first.cursor });
    expect(second).not.to.have.property("cursor");
    expect(node.asked.map(({ path }) => path)).to.deep.equal([
      "/keys?prefix=&values=true&order=desc&limit=1&level=stale",
      "/keys?prefix=&values=false&limit=1&cursor=x%2F%3D&level=linearizable",
    ]);
  });

  it("streams a whole range", async () => {
    await begin((_, response) => stream(response, ["a", "b"], true));
    const items: Item[] = [];
    for await (const one of client.list({ prefix: "" })) items.push(one);
    expect(items.map(nameOf)).to.deep.equal(["a", "b"]);
    expect(node.asked[0]?.headers.accept).to.equal("application/x-ndjson");
  });

  it("goes on behind the last item as of the same revision when the stream breaks off", async () => {
    let streams = 0;
    await begin((_, response) => {
      streams += 1;
      stream(response, streams === 1 ? ["p/a", "p/b"] : ["p/c"], streams > 1);
    });
    expect(await namesIn(client.keys({ prefix: "p/" }, { limit: 5 }))).to.deep.equal(["p/a", "p/b", "p/c"]);
    expect(node.asked[1]?.path).to.equal(
      "/keys?start=p%2Fb%00&end=p0&values=false&limit=3&level=linearizable&revision=42",
    );
  });

  it("goes on before the last item when it runs backwards", async () => {
    let streams = 0;
    await begin((_, response) => {
      streams += 1;
      stream(response, streams === 1 ? ["c", "b"] : ["a"], streams > 1);
    });
    expect(await namesIn(client.keys({ start: "a" }, { order: "desc" }))).to.deep.equal(["c", "b", "a"]);
    expect(node.asked[1]?.path).to.contain("/keys?start=a&end=b&values=false&order=desc&");
  });

  it("fails when it brings nothing again and again, and at once when it is refused", async () => {
    await begin((_, response) => stream(response, [], false));
    const broken = await namesIn(client.keys({ prefix: "" })).catch((cause: unknown) => cause);
    expect(broken).to.be.instanceOf(BalsaError).and.include({ code: "CONNECTION_LOST" });
    expect(node.asked).to.have.length(3);
    await node.close();
    client.close();
    await begin((_, response) => problem(response, 410, "COMPACTED", "not-applied"));
    const refused = await namesIn(client.keys({ prefix: "" }, { revision: 2 })).catch((cause: unknown) => cause);
    expect(refused).to.be.instanceOf(BalsaError).and.include({ code: "COMPACTED" });
  });

  it("ends with the reason of its signal in the middle", async () => {
    await begin((_, response) => {
      response.writeHead(200, { "balsa-revision": "42" });
      response.write(`${JSON.stringify(item("a"))}\n`);
    });
    const ending = new AbortController();
    const reason = new Error("enough");
    const read = async (): Promise<void> => {
      for await (const _ of client.keys({ prefix: "" }, { signal: ending.signal })) ending.abort(reason);
    };
    expect(await read().catch((cause: unknown) => cause)).to.equal(reason);
  });
});
