import { expect } from "chai";
import { after, before, describe, it } from "mocha";
import { eventually, fetchJson, type NodeProcess, ProcessCluster } from "./support/node-process.ts";

async function put(node: NodeProcess, key: string, value: string): Promise<Response> {
  return await fetch(`${node.url}/key/${key}`, { method: "PUT", body: value });
}

async function get(node: NodeProcess, key: string, level = "linearizable"): Promise<string> {
  const response = await fetch(`${node.url}/key/${key}?level=${level}`);
  return response.status === 200 ? await response.text() : `status ${response.status}`;
}

function at(cluster: ProcessCluster, position: number): NodeProcess {
  const node = cluster.nodes[position];
  if (node === undefined) throw new RangeError(`there is no node ${position}`);
  return node;
}

/** Puts until it is acknowledged: what an unlucky client does during an election. */
async function putUntilDone(node: NodeProcess, key: string, value: string): Promise<void> {
  await eventually(`${key} is put`, async () => {
    const response = await put(node, key, value).catch(() => null);
    return response?.status === 204 ? true : undefined;
  });
}

describe("three processes", function () {
  this.timeout(60_000);
  let cluster: ProcessCluster;

  before(async () => {
    cluster = await ProcessCluster.create(3);
    await cluster.start();
  });

  after(async () => {
    await cluster.end();
  });

  it("are three voters with one leader, whichever is asked", async () => {
    const leader = await cluster.leader();
    for (const node of cluster.nodes) {
      const members = await eventually("three voters", async () => {
        const { members: found } = await fetchJson(`${node.url}/cluster/members`);
        const voters = (found as { role: string }[]).filter((member) => member.role === "voter");
        return voters.length === 3 ? (found as { id: string; leader: boolean }[]) : undefined;
      });
      expect(members.filter((member) => member.leader).map((member) => member.id)).to.deep.equal([leader.addresses.id]);
    }
  });

  it("show on every node, at once, what was written on any", async () => {
    for (const writer of cluster.nodes) {
      const key = `from-${writer.addresses.id}`;
      const response = await put(writer, key, "hello");
      expect(response.status).to.equal(204);
      expect(response.headers.get("etag")).to.equal(`"${response.headers.get("balsa-revision")}"`);
      expect(await get(writer, key, "stale"), "its own, without asking anybody").to.equal("hello");
      for (const reader of cluster.nodes) expect(await get(reader, key)).to.equal("hello");
    }
  });

  it("go on without a leader that was killed, and lose nothing", async () => {
    await put(at(cluster, 0), "before", "the kill");
    const leader = await cluster.leader();
    await leader.end("SIGKILL");
    const [one, other] = cluster.nodes.filter((node) => node !== leader);
    if (one === undefined || other === undefined) throw new RangeError("two nodes are left");
    await putUntilDone(one, "after", "the kill");
    expect(await get(other, "before")).to.equal("the kill");
    expect(await get(other, "after")).to.equal("the kill");

    await leader.start();
    expect(await get(leader, "after")).to.equal("the kill");
    expect(await get(leader, "before", "stale")).to.equal("the kill");
  });

  it("answer stale reads, and say the truth about writes, when two of three are down", async () => {
    await put(at(cluster, 0), "alone", "still here");
    const [last, ...others] = [...cluster.nodes].reverse();
    if (last === undefined) throw new RangeError("one node is left");
    expect(await get(last, "alone")).to.equal("still here");
    await Promise.all(others.map((node) => node.end("SIGKILL")));

    const stale = await fetch(`${last.url}/key/alone?level=stale`);
    expect(stale.status).to.equal(200);
    expect(await stale.text()).to.equal("still here");
    expect(Number(stale.headers.get("balsa-age-ms"))).to.be.at.least(0);

    const timeout = { "balsa-timeout": "1500ms" };
    const linearizable = await fetch(`${last.url}/key/alone`, { headers: timeout });
    expect(linearizable.status).to.be.oneOf([503, 504]);
    const write = await fetch(`${last.url}/key/alone`, { method: "PUT", body: "gone?", headers: timeout });
    const problem = (await write.json()) as { code: string; outcome: string };
    expect([write.status, problem.code, problem.outcome]).to.be.deep.oneOf([
      [503, "NO_LEADER", "not-applied"],
      [503, "LEADERSHIP_LOST", "unknown"],
      [504, "TIMEOUT", "unknown"],
    ]);
    await Promise.all(others.map((node) => node.start()));
  });

  it("continue where they were after all were killed", async () => {
    for (let count = 0; count < 50; count++) await put(at(cluster, count % 3), `kept-${count}`, `value ${count}`);
    await Promise.all(cluster.nodes.map((node) => node.end("SIGKILL")));
    await Promise.all(cluster.nodes.map((node) => node.start()));
    for (let count = 0; count < 50; count++) {
      expect(await get(at(cluster, (count + 1) % 3), `kept-${count}`)).to.equal(`value ${count}`);
    }
  });

  it("close in order on SIGTERM, the leader too, with exit code 0", async () => {
    const leader = await cluster.leader();
    expect(await leader.end("SIGTERM")).to.equal(0);
    const [one] = cluster.nodes.filter((node) => node !== leader);
    if (one === undefined) throw new RangeError("two nodes are left");
    await putUntilDone(one, "later", "without it");
    await leader.start();
    expect(await get(leader, "later")).to.equal("without it");
  });

  it("leave out a member that was removed, also when it is started again", async () => {
    const leader = await cluster.leader();
    const [removed, other] = cluster.nodes.filter((node) => node !== leader);
    if (removed === undefined || other === undefined) throw new RangeError("two nodes follow");
    const body = JSON.stringify({ id: removed.addresses.id });
    expect((await fetch(`${leader.url}/remove`, { method: "POST", body })).status).to.equal(200);
    await removed.end("SIGKILL");
    const refused: unknown[] = [];
    const started = removed.start().catch((cause: unknown) => refused.push(cause));
    await eventually("its log is open again", async () => {
      const status = await fetchJson(`${removed.url}/status`).catch(() => null);
      return Number(status?.["lastLogIndex"]) > 0 ? true : undefined;
    });
    for (let count = 0; count < 20; count++) expect((await put(other, "without", `${count}`)).status).to.equal(204);
    const { members } = await fetchJson(`${leader.url}/cluster/members`);
    expect((members as { id: string }[]).map(({ id }) => id)).to.not.include(removed.addresses.id);
    await removed.end("SIGKILL");
    await started;
  });
});
