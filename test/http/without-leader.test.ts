import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { type Ask, ask, problemOf } from "./client.ts";
import { FakeNode } from "./fake-node.ts";

const txn: Ask = { body: '{"then":[{"get":{"key":"a"}}]}' };
const stream: Ask = { headers: { accept: "application/x-ndjson" } };

describe("http: a node that knows no leader", () => {
  let node: FakeNode;
  let lease = "";

  beforeEach(async () => {
    node = await FakeNode.start();
    await ask(node.port, "PUT", "/key/a", { body: "1" });
    const put = await ask(node.port, "PUT", "/key/a?ttl=1h", { body: "2" });
    lease = String(put.headers["balsa-lease"]);
    node.hearLeader(50);
    node.leaderId = null;
    node.tellLeadership();
    node.asked.length = 0;
  });

  afterEach(async () => {
    expect(node.view.openMoments).to.equal(0);
    await node.stop();
    expect(node.failures).to.deep.equal([]);
  });

  it("answers every stale read alone, with its age", async () => {
    const reads: readonly (readonly [method: string, target: string, shows: string, ask?: Ask])[] = [
      ["GET", "/key/a?level=stale", "2"],
      ["GET", "/key/a?level=stale&max-age=1m", "2"],
      ["GET", "/key/a?level=stale&revision=1", "1"],
      ["HEAD", "/key/a?level=stale", ""],
      ["GET", "/keys?level=stale", '"value":"2"'],
      ["GET", "/keys?level=stale&revision=1", '"value":"1"'],
      ["GET", "/keys?level=stale", '"value":"2"', stream],
      ["POST", "/txn?level=stale", '"value":"2"', txn],
      ["GET", `/lease/${lease}?level=stale`, '"keys":["a"]'],
      ["GET", "/lease?level=stale", '"keys":["a"]'],
    ];
    for (const [method, target, shows, extra] of reads) {
      const reply = await ask(node.port, method, target, extra);
      expect([method, target, reply.status]).to.deep.equal([method, target, 200]);
      expect(reply.body.toString()).to.include(shows);
      expect(Number(reply.headers["balsa-age-ms"]), target).to.be.within(50, 10_000);
    }
    expect(node.asked).to.deep.equal([]);
  });

  it("refuses every other read once its time is up", async () => {
    const headers = { "balsa-timeout": "30ms" };
    const reads: readonly (readonly [method: string, target: string, ask?: Ask])[] = [
      ["GET", "/key/a?revision=1"],
      ["GET", "/keys?level=lease"],
      ["GET", "/keys", stream],
      ["POST", "/txn", txn],
      ["GET", `/lease/${lease}`],
      ["GET", "/watch?key=a"],
    ];
    for (const [method, target, extra = {}] of reads) {
      const reply = await ask(node.port, method, target, { ...extra, headers: { ...extra.headers, ...headers } });
      const { code, status } = problemOf(reply);
      expect([method, target, code, status]).to.deep.equal([method, target, "NO_LEADER", 503]);
    }
  });
});
