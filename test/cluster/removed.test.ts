import { expect } from "chai";
import { describe, it } from "mocha";
import { startCluster } from "../../src/cluster/index.ts";

interface Refusal {
  readonly code: string;
  readonly outcome: string;
}

describe("a node that was just removed", function () {
  this.timeout(30_000);

  it("refuses writes and confirmed reads long before their time is up, and never says that it took them", async () => {
    await using cluster = await startCluster({ nodes: 3 });
    const [first, , third] = cluster.nodes;
    if (first === undefined || third === undefined) throw new RangeError("three nodes");
    await first.client.put("before", "1");
    await first.client.members.remove(third.id);
    const beganAtMs = performance.now();
    const headers = { "Balsa-Timeout": "20s" };
    const ask = (method: string): Promise<Response> =>
      fetch(`${third.httpUrl}/key/after`, { method, headers, ...(method === "PUT" ? { body: "x" } : {}) });
    for (const method of ["PUT", "PUT", "GET"]) {
      const answer = await ask(method);
      const { code, outcome } = (await answer.json()) as Refusal;
      expect(answer.status).to.equal(503);
      expect(code).to.be.oneOf(method === "GET" ? ["NO_LEADER"] : ["NO_LEADER", "LEADERSHIP_LOST"]);
      if (method === "PUT") expect(outcome).to.equal(code === "NO_LEADER" ? "not-applied" : "unknown");
    }
    expect(performance.now() - beganAtMs).to.be.lessThan(10_000);
    const stale = await fetch(`${third.httpUrl}/key/before?level=stale`);
    expect(await stale.text()).to.equal("1");
  });
});
