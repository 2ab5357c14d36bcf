import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { ask, problemOf } from "./client.ts";
import { FakeNode } from "./fake-node.ts";

describe("http: revisions", () => {
  let node: FakeNode;

  beforeEach(async () => {
    node = await FakeNode.start();
    await ask(node.port, "PUT", "/key/a", { body: "one" });
    await ask(node.port, "PUT", "/key/a", { body: "two" });
    await ask(node.port, "DELETE", "/key/a");
    await ask(node.port, "PUT", "/key/a", { body: "four" });
  });

  afterEach(async () => {
    expect(node.view.openMoments).to.equal(0);
    await node.stop();
    expect(node.failures).to.deep.equal([]);
  });

  it("reads a key as of a revision, with the conditions and forms of any read", async () => {
    const at = (revision: number, headers = {}) => ask(node.port, "GET", `/key/a?revision=${revision}`, { headers });
    const first = await at(1);
    expect([first.status, first.body.toString(), first.headers.etag]).to.deep.equal([200, "one", '"1"']);
    expect(first.headers["balsa-revision"]).to.equal("1");
    expect((await at(2)).body.toString()).to.equal("two");
    for (const revision of [0, 3]) {
      const missing = await at(revision);
      expect([problemOf(missing).code, missing.headers["balsa-revision"]]).to.deep.equal([
        "KEY_NOT_FOUND",
        `${revision}`,
      ]);
    }
    expect((await at(2, { "if-none-match": '"2"' })).status).to.equal(304);
    expect((await at(2, { "if-none-match": '"4"' })).status).to.equal(200);
    const json = JSON.parse((await at(2, { accept: "application/json" })).body.toString());
    expect(json).to.include({ value: "two", createRevision: 1, modRevision: 2, version: 2, lease: null });
    const head = await ask(node.port, "HEAD", "/key/a?revision=2");
    expect([head.status, head.headers["content-length"], head.body.length]).to.deep.equal([200, "3", 0]);
  });

  it("refuses the future with 400 and what is compacted with 410, by its present bound", async () => {
    expect(problemOf(await ask(node.port, "GET", "/key/a?revision=5"))).to.include({
      code: "BAD_REQUEST",
      status: 400,
    });
    const compacted = await ask(node.port, "POST", "/compact", { body: '{"revision":3}' });
    expect([compacted.status, JSON.parse(compacted.body.toString())]).to.deep.equal([200, { compactedRevision: 3 }]);
    const gone = problemOf(await ask(node.port, "GET", "/key/a?revision=2"));
    expect(gone).to.include({ code: "COMPACTED", status: 410, detail: "what was before revision 3 is compacted" });
    expect((await ask(node.port, "GET", "/key/a?revision=3")).status).to.equal(404);
    expect((await ask(node.port, "GET", "/key/a")).body.toString()).to.equal("four");
  });

  it("refuses to compact to 0, to the future, and what is compacted", async () => {
    const compact = async (revision: number): Promise<string> =>
      problemOf(await ask(node.port, "POST", "/compact", { body: JSON.stringify({ revision }) })).code;
    expect([await compact(0), await compact(5)]).to.deep.equal(["BAD_REQUEST", "BAD_REQUEST"]);
    expect((await ask(node.port, "POST", "/compact", { body: '{"revision":4}' })).status).to.equal(200);
    expect([await compact(4), await compact(3)]).to.deep.equal(["COMPACTED", "COMPACTED"]);
  });

  it("waits for a revision that a stale read asks for, and says in the end that it did not come", async () => {
    const later = ask(node.port, "GET", "/key/b?revision=5&level=stale");
    await ask(node.port, "PUT", "/key/b", { body: "five" });
    expect((await later).body.toString()).to.equal("five");
    const headers = { "balsa-timeout": "60ms" };
    const never = await ask(node.port, "GET", "/key/b?revision=6&level=stale", { headers });
    expect(problemOf(never)).to.include({ code: "TOO_STALE", status: 503 });
  });

  it("ends the node over a record that does not verify", async () => {
    const broken = new Error("a record does not verify");
    node.view.broken = broken;
    expect(problemOf(await ask(node.port, "GET", "/key/a?revision=2")).code).to.equal("INTERNAL");
    expect(node.failures.splice(0)).to.deep.equal([broken]);
  });
});
