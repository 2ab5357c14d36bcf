/**
 * @module
 * Leases as the client asks for them: paths, bodies, answers, pages.
 */

import { expect } from "chai";
import { afterEach, describe, it } from "mocha";
import { BalsaClient } from "../../src/client/balsa-client.ts";
import { answerJson, type FakeNode, problem, type Respond, startFakeNode } from "./fake-node.ts";

describe("the leases of the client", () => {
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

  it("are granted, kept alive and revoked; only the keep-alive needs no key", async () => {
    await begin(({ method, path }, response) => {
      if (method === "DELETE") response.writeHead(204).end();
      else answerJson(response, path === "/lease" ? 201 : 200, { id: "7", ttlMs: 1500 });
    });
    expect(await client.leases.grant(1500)).to.deep.equal({ id: "7", ttlMs: 1500 });
    expect(await client.leases.keepAlive("7")).to.deep.equal({ id: "7", ttlMs: 1500 });
    await client.leases.revoke("7");
    expect(
      node.asked.map(({ method, path, body, headers }) => [
        method,
        path,
        Buffer.from(body).toString(),
        typeof headers["idempotency-key"],
      ]),
    ).to.deep.equal([
      ["POST", "/lease", '{"ttl":"1500ms"}', "string"],
      ["POST", "/lease/7/keepalive", "", "undefined"],
      ["DELETE", "/lease/7", "", "string"],
    ]);
  });

  it("are shown with their keys, text and bytes, and listed page by page", async () => {
    const lease = { id: "7", ttlMs: 1500, remainingMs: 900, keys: ["a", { keyBase64: "/w==" }] };
    await begin(({ path }, response) => {
      if (path.startsWith("/lease/7")) return answerJson(response, 200, lease);
      const last = path.includes("cursor=7");
      answerJson(response, 200, last ? { leases: [{ ...lease, id: "8" }] } : { leases: [lease], cursor: "7" });
    });
    const { keys, ...rest } = await client.leases.get("7", { level: "stale" });
    expect(rest).to.deep.equal({ id: "7", ttlMs: 1500, remainingMs: 900 });
    expect(keys.map((key) => [...key])).to.deep.equal([[97], [255]]);
    const ids: string[] = [];
    for await (const { id } of client.leases.list()) ids.push(id);
    expect(ids).to.deep.equal(["7", "8"]);
  });

  it("that have ended are LEASE_NOT_FOUND", async () => {
    await begin((_, response) => problem(response, 404, "LEASE_NOT_FOUND", "not-applied"));
    for (const call of [client.leases.keepAlive("7"), client.leases.get("7"), client.leases.revoke("7")]) {
      expect(await call.catch((cause: unknown) => cause)).to.include({ code: "LEASE_NOT_FOUND" });
    }
  });
});
