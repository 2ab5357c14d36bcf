import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { ask, problemOf, type Reply } from "./client.ts";
import { FakeNode } from "./fake-node.ts";

interface Listed {
  readonly revision: number;
  readonly items: readonly { key?: string; keyBase64?: string; value?: string; modRevision: number }[];
  readonly cursor?: string;
}

function listed(reply: Reply): Listed {
  expect([reply.status, reply.headers["content-type"]]).to.deep.equal([200, "application/json"]);
  return JSON.parse(reply.body.toString());
}

describe("http: listings", () => {
  let node: FakeNode;
  const list = async (query: string): Promise<Listed> => listed(await ask(node.port, "GET", `/keys?${query}`));
  const keys = async (query: string): Promise<string[]> =>
    (await list(query)).items.map((item) => item.key ?? item.keyBase64 ?? "");

  beforeEach(async () => {
    node = await FakeNode.start();
    for (const key of ["a", "b/1", "b/2", "b/3", "c", "%ff"]) await ask(node.port, "PUT", `/key/${key}`, { body: key });
  });

  afterEach(async () => {
    expect(node.view.openMoments).to.equal(0);
    await node.stop();
    expect(node.failures).to.deep.equal([]);
  });

  it("lists all keys in order of bytes, with their records", async () => {
    const reply = await ask(node.port, "GET", "/keys");
    expect(reply.headers["balsa-revision"]).to.equal("6");
    const { revision, items, cursor } = listed(reply);
    expect([revision, cursor]).to.deep.equal([6, undefined]);
    expect(items.map((item) => item.key ?? item.keyBase64)).to.deep.equal(["a", "b/1", "b/2", "b/3", "c", "/w=="]);
    const a = { key: "a", value: "a", createRevision: 1, modRevision: 1, version: 1, lease: null };
    expect(items[0]).to.deep.equal(a);
  });

  it("lists what prefix, start and end name, both ways, with and without values", async () => {
    expect(await keys("prefix=b/")).to.deep.equal(["b/1", "b/2", "b/3"]);
    expect(await keys("prefix=")).to.have.length(6);
    expect(await keys("prefixBase64=/w==")).to.deep.equal(["/w=="]);
    expect(await keys("start=b/2")).to.deep.equal(["b/2", "b/3", "c", "/w=="]);
    expect(await keys("end=b%2F2")).to.deep.equal(["a", "b/1"]);
    expect(await keys("start=b&end=c&order=desc")).to.deep.equal(["b/3", "b/2", "b/1"]);
    expect(await keys("startBase64=Yg&order=asc".replace("Yg", "Yg=="))).to.have.length(5);
    expect(await keys("start=b&end=b")).to.deep.equal([]);
    expect(await keys("prefix=nothing")).to.deep.equal([]);
    const { items } = await list("prefix=a&values=false");
    expect(items).to.deep.equal([{ key: "a", createRevision: 1, modRevision: 1, version: 1, lease: null }]);
  });

  it("takes + for a space in a query, and percent-encoded text for what it is", async () => {
    await ask(node.port, "PUT", "/key/x%20y", { body: "" });
    await ask(node.port, "PUT", "/key/%C3%A9", { body: "" });
    expect(await keys("prefix=x+y")).to.deep.equal(["x y"]);
    expect(await keys("prefix=%C3%A9")).to.deep.equal(["é"]);
  });

  for (const order of ["asc", "desc"] as const) {
    it(`pages through one revision while writes go on (${order})`, async () => {
      const seen: string[] = [];
      let page = await list(`limit=2&order=${order}`);
      for (let writes = 0; ; writes++) {
        seen.push(...page.items.map((item) => `${item.key ?? item.keyBase64}@${item.modRevision}`));
        if (page.cursor === undefined) break;
        expect(page.items).to.have.length(2);
        await ask(node.port, "PUT", `/key/b/${writes}new`, { body: "later" });
        await ask(node.port, "PUT", "/key/c", { body: "later" });
        await ask(node.port, "DELETE", "/key/b/3");
        // Parameters may be repeated, all of them; the cursor alone does, too.
        page = await list(`cursor=${page.cursor}&limit=2${writes % 2 === 0 ? `&order=${order}` : ""}`);
        expect(page.revision).to.equal(6);
      }
      const all = ["a@1", "b/1@2", "b/2@3", "b/3@4", "c@5", "/w==@6"];
      expect(seen).to.deep.equal(order === "asc" ? all : all.reverse());
    });
  }

  it("gives no cursor with the last page, also when it is just full", async () => {
    expect((await list("prefix=b/&limit=3")).cursor).to.equal(undefined);
    const first = await list("limit=5");
    const last = await list(`cursor=${first.cursor}&limit=1`);
    expect([last.items.length, last.cursor]).to.deep.equal([1, undefined]);
  });

  it("ends a page with the item that brings it to 16 MiB", async () => {
    const value = Buffer.alloc(1024 * 1024, "v");
    for (let at = 10; at < 30; at++) await ask(node.port, "PUT", `/key/large/${at}`, { body: value });
    const first = await list("prefix=large/");
    expect(first.items).to.have.length(16);
    const rest = await list(`cursor=${first.cursor}`);
    expect(rest.items.map((item) => item.key)).to.deep.equal(["26", "27", "28", "29"].map((at) => `large/${at}`));
  });

  it("refuses a cursor of which any character was altered, or that is used for another listing", async () => {
    const cursor = (await list("prefix=b/&limit=1")).cursor ?? "";
    for (let at = 0; at < cursor.length; at++) {
      const altered = `${cursor.slice(0, at)}${cursor[at] === "A" ? "B" : "A"}${cursor.slice(at + 1)}`;
      const problem = problemOf(await ask(node.port, "GET", `/keys?cursor=${altered}`));
      expect([at, problem.code]).to.deep.equal([at, "BAD_REQUEST"]);
    }
    for (const query of ["prefix=c", "prefix=b/&order=desc", "prefix=b/&values=false", "revision=3", "order=asc"]) {
      const problem = problemOf(await ask(node.port, "GET", `/keys?cursor=${cursor}&${query}`));
      expect([query, problem.code]).to.deep.equal([query, "BAD_REQUEST"]);
    }
    expect(await keys(`cursor=${cursor}&prefix=b/&revision=6&limit=5`)).to.deep.equal(["b/2", "b/3"]);
  });

  it("lists as of a revision, until that is compacted, and never the future", async () => {
    await ask(node.port, "DELETE", "/keys?prefix=b/");
    expect(await keys("revision=3")).to.deep.equal(["a", "b/1", "b/2"]);
    const { cursor } = await list("revision=5&limit=1");
    expect(problemOf(await ask(node.port, "GET", "/keys?revision=8")).code).to.equal("BAD_REQUEST");
    await ask(node.port, "POST", "/compact", { body: '{"revision":7}' });
    for (const query of ["revision=6", `cursor=${cursor}`]) {
      const reply = await ask(node.port, "GET", `/keys?${query}`);
      expect(problemOf(reply)).to.include({ code: "COMPACTED", status: 410 });
    }
    expect(await keys("revision=7")).to.deep.equal(["a", "c", "/w=="]);
  });

  it("answers at every level, and says how old a stale listing is", async () => {
    expect(problemOf(await ask(node.port, "GET", "/keys?level=stale&max-age=1s")).code).to.equal("TOO_STALE");
    node.hearLeader(50);
    const stale = await ask(node.port, "GET", "/keys?level=stale&max-age=10s");
    expect(Number(stale.headers["balsa-age-ms"])).to.be.within(50, 10_000);
    for (const level of ["linearizable", "consistent", "lease", "default"])
      expect((await ask(node.port, "GET", `/keys?level=${level}`)).headers["balsa-age-ms"]).to.equal(undefined);
    const soon = { "balsa-min-revision": "9", "balsa-timeout": "60ms" };
    expect(problemOf(await ask(node.port, "GET", "/keys?level=stale", { headers: soon })).code).to.equal("TOO_STALE");
    const later = ask(node.port, "GET", "/keys?level=stale&revision=7&prefix=z");
    await ask(node.port, "PUT", "/key/z", { body: "" });
    expect(listed(await later).items).to.have.length(1);
  });

  it("reads anew when the state is replaced under it, and gives up when it always is", async () => {
    node.view.replacedScans = 2;
    expect(await keys("prefix=b/")).to.have.length(3);
    node.view.replacedScans = 3;
    expect(problemOf(await ask(node.port, "GET", "/keys")).code).to.equal("TOO_STALE");
  });

  it("answers HEAD without a body, and more listings at once than are made at once", async () => {
    const head = await ask(node.port, "HEAD", "/keys?prefix=b/");
    expect([head.status, head.body.length, head.headers["balsa-revision"]]).to.deep.equal([200, 0, "6"]);
    const replies = await Promise.all(Array.from({ length: 40 }, () => keys("prefix=b/")));
    expect(replies.every((found) => found.length === 3)).to.equal(true);
  });

  it("deletes ranges in one command", async () => {
    const deleted = await ask(node.port, "DELETE", "/keys?prefix=b/");
    expect(JSON.parse(deleted.body.toString())).to.deep.equal({ deleted: 3, revision: 7 });
    const none = await ask(node.port, "DELETE", "/keys?start=b&end=c");
    expect(JSON.parse(none.body.toString())).to.deep.equal({ deleted: 0, revision: 7 });
    const bytes = await ask(node.port, "DELETE", "/keys?startBase64=/g==&endBase64=/wA=");
    expect(JSON.parse(bytes.body.toString())).to.deep.equal({ deleted: 1, revision: 8 });
    expect(JSON.parse((await ask(node.port, "DELETE", "/keys?prefix=")).body.toString()).deleted).to.equal(2);
    expect(await keys("")).to.deep.equal([]);
  });

  it("refuses to delete more than one command may", async () => {
    node.view.limits = { ...node.view.limits, deletedKeysMax: 5 };
    const reply = await ask(node.port, "DELETE", "/keys?prefix=");
    expect(problemOf(reply)).to.include({ code: "BAD_REQUEST", status: 400 });
    expect(await keys("")).to.have.length(6);
  });
});
