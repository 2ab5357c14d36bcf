import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { giveWay } from "../../src/http/moment-reads.ts";
import { ask } from "./client.ts";
import { FakeNode } from "./fake-node.ts";
import { untilTrue } from "./watch-double.ts";

describe("http: long reads beside others", () => {
  let node: FakeNode;

  beforeEach(async () => {
    node = await FakeNode.start();
  });

  afterEach(() => node.stop());

  it("wait a moment each step while somebody waits for the node behind", async () => {
    const startedAtMs = performance.now();
    for (let step = 0; step < 20; step++) await giveWay({ waiting: 1 });
    expect(performance.now() - startedAtMs).to.be.at.least(18);
  });

  it("go on at once when nobody does", async () => {
    // A thousand timers would take more than a second; rounds of the event loop take a few milliseconds.
    const startedAtMs = performance.now();
    for (let step = 0; step < 1_000; step++) await giveWay({ waiting: 0 });
    expect(performance.now() - startedAtMs).to.be.below(900);
  });

  it("come to their end although a write never does", async () => {
    const pairs = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`many/${at}`, "v"]));
    await ask(node.port, "POST", "/key", { body: JSON.stringify(pairs) });
    let proposed = false;
    node.onMessage = ({ kind }) => {
      proposed ||= kind === "propose";
      return kind === "propose";
    };
    const write = ask(node.port, "PUT", "/key/a", { body: "a", headers: { "balsa-timeout": "2s" } });
    await untilTrue("the write is proposed", () => proposed);
    const { status, body } = await ask(node.port, "GET", "/keys?prefix=many/&limit=1000&level=stale");
    expect([status, JSON.parse(body.toString()).items.length]).to.deep.equal([200, 1_000]);
    expect((await write).status).to.be.oneOf([503, 504]);
  });
});
