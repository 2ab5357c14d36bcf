import { expect } from "chai";
import { afterEach, describe, it } from "mocha";
import { BalsaClient } from "../../src/client/balsa-client.ts";
import { BalsaError } from "../../src/errors/balsa-error.ts";
import { type FakeNode, problem, type Respond, startFakeNode } from "./fake-node.ts";

const n4 = { id: "n4", httpAddr: "h:1", raftAddr: "h:2", role: "learner", leader: false, joining: false } as const;

describe("the members, as a client changes them", () => {
  let node: FakeNode;
  let client: BalsaClient;

  async function open(respond: Respond): Promise<BalsaClient> {
    node = await startFakeNode(respond);
    client = new BalsaClient({ endpoints: [node.endpoint], timeoutMs: 2_000 });
    return client;
  }

  afterEach(async () => {
    client.close();
    await node.close();
  });

  it("are listed with what the leader knows of each, and without", async () => {
    const members = [
      { ...n4, matchIndex: 7, healthy: true },
      { ...n4, id: "n5", joining: true, matchIndex: null, healthy: false },
    ];
    const { members: face } = await open((_, response) => response.writeHead(200).end(JSON.stringify({ members })));
    expect(await face.list()).to.deep.equal(members);
  });

  it("are added, promoted, moved and removed as resources", async () => {
    const { members } = await open(({ method }, response) => {
      if (method === "DELETE") response.writeHead(204).end();
      else response.writeHead(method === "POST" ? 201 : 200).end(JSON.stringify(n4));
    });
    expect(await members.add({ id: "n4", httpAddr: "h:1", raftAddr: "h:2", role: "learner" })).to.deep.equal(n4);
    await members.promote("n4");
    await members.update("n4", { raftAddr: "h:3" });
    await members.remove("a b");
    expect(node.asked.map(({ method, path, body }) => [method, path, Buffer.from(body).toString()])).to.deep.equal([
      ["POST", "/cluster/members", '{"id":"n4","httpAddr":"h:1","raftAddr":"h:2","role":"learner"}'],
      ["POST", "/cluster/members/n4/promote", ""],
      ["PATCH", "/cluster/members/n4", '{"raftAddr":"h:3"}'],
      ["DELETE", "/cluster/members/a%20b", ""],
    ]);
  });

  it("are refused with a code, and with an outcome", async () => {
    const { members } = await open((_, response) => problem(response, 409, "QUORUM_AT_RISK", "not-applied"));
    const failure = await members.remove("n1").then(
      () => null,
      (cause: unknown) => cause,
    );
    expect(failure).to.be.instanceOf(BalsaError);
    expect(failure).to.include({ code: "QUORUM_AT_RISK", outcome: "not-applied" });
  });
});
