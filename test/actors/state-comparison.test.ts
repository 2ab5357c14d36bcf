import { expect } from "chai";
import { beforeEach, describe, it } from "mocha";
import type { IngressRequest } from "../../src/http/request.ts";
import { markPeriodMs } from "../../src/kv/mark.ts";
import { SteppedCluster, tickMs } from "./support/stepped-cluster.ts";
import type { SteppedNode } from "./support/stepped-node.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function put(key: string, value: string): IngressRequest {
  const condition = { kind: "none" } as const;
  return {
    kind: "write",
    redirect: false,
    operation: { kind: "put", key: bytes(key), value: bytes(value), leaseId: 0, condition },
  };
}

function joining(id: string): IngressRequest {
  const addresses = { httpAddr: `127.0.0.1:80${id.slice(1)}`, raftAddr: `127.0.0.1:90${id.slice(1)}` };
  const member = { nodeId: id, incarnation: `incarnation-of-${id}`, standing: "voter", ...addresses } as const;
  return { kind: "changeMembers", change: { kind: "join", member }, reachMsMax: 60_000 };
}

describe("states compared by the leader", () => {
  let cluster: SteppedCluster;
  let leader: SteppedNode;

  beforeEach(async () => {
    cluster = new SteppedCluster();
    leader = await cluster.start("n1", true);
    await cluster.start("n2", false);
    await cluster.start("n3", false);
    await cluster.until("leader", () => cluster.leader() !== undefined);
    for (const id of ["n2", "n3"]) await answered(leader, joining(id));
  });

  async function answered(node: SteppedNode, request: IngressRequest): Promise<void> {
    const requestId = node.ask(request);
    await cluster.until(`answer to ${request.kind}`, () => node.answers.has(requestId));
  }

  /** Until the next entry is marked, that entry, and until all have compared. */
  async function nextMark(node: SteppedNode): Promise<void> {
    await cluster.pass(markPeriodMs / tickMs);
    await answered(node, put("mark", "x"));
    const applied = (): number[] => [...cluster.nodes.values()].map(({ meta }) => meta.appliedIndex);
    await cluster.until("agreement", () => new Set(applied()).size === 1);
    await cluster.settle();
  }

  const alarmsOf = (node: SteppedNode): unknown[] => node.alarms.map(({ nodes }) => nodes.join(" "));

  it("are the same: every mark of every member is held against the leader's, and nothing is raised", async () => {
    for (let mark = 0; mark < 3; mark++) await nextMark(leader);
    const { own, heard } = leader.comparison;
    expect(own.length).to.be.at.least(3);
    expect([...heard.keys()].sort()).to.deep.equal(["n2", "n3"]);
    for (const mark of heard.values()) expect(mark).to.deep.equal(own.at(-1));
    for (const node of cluster.nodes.values()) expect(node.alarms).to.deep.equal([]);
  });

  it("raise an alarm, at the leader, once a value that one node has alone shows in its hash", async () => {
    await answered(leader, put("a", "1"));
    await nextMark(leader);
    cluster.nodes.get("n3")?.alter("a", "2");
    await answered(leader, put("a", "3"));
    expect(leader.alarms).to.deep.equal([]);
    await nextMark(leader);
    const index = leader.comparison.own.at(-1)?.index;
    expect(leader.alarms).to.deep.equal([{ kind: "state-mismatch", nodes: ["n1", "n3"], index }]);
    expect(cluster.nodes.get("n2")?.alarms).to.deep.equal([]);
    expect(cluster.nodes.get("n3")?.alarms).to.deep.equal([]);
    await nextMark(leader);
    expect(leader.alarms, "the alarm keeps where it was seen first").to.deep.include({
      kind: "state-mismatch",
      nodes: ["n1", "n3"],
      index,
    });
  });

  it("stop nobody, and end the alarm when the state was made anew from the log", async () => {
    await answered(leader, put("a", "1"));
    cluster.nodes.get("n3")?.alter("a", "2");
    await answered(leader, put("a", "3"));
    await nextMark(leader);
    expect(alarmsOf(leader)).to.deep.equal(["n1 n3"]);
    const altered = cluster.nodes.get("n3");
    if (altered !== undefined) await answered(altered, put("by the altered one", "is applied"));
    cluster.crash("n3");
    await cluster.start("n3", false);
    await nextMark(leader);
    expect(alarmsOf(leader)).to.deep.equal([]);
  });

  it("are compared by the next leader in its turn, and no more by the one before", async () => {
    await answered(leader, put("a", "1"));
    leader.alter("a", "2");
    await answered(leader, put("a", "3"));
    await nextMark(leader);
    expect(alarmsOf(leader), "the one that is wrong leads: both others differ").to.have.members(["n1 n2", "n1 n3"]);
    cluster.setDown("n1", true);
    await cluster.until("successor", () => cluster.leader() !== undefined && cluster.leader() !== leader);
    const successor = cluster.leader() ?? leader;
    cluster.setDown("n1", false);
    await answered(successor, put("b", "1"));
    expect(leader.alarms).to.deep.equal([]);
    await nextMark(successor);
    expect(alarmsOf(successor)).to.deep.equal([`${successor.id} n1`]);
  });

  it("are compared also with a member that applies them later", async () => {
    for (const late of ["n2", "n3"]) {
      cluster.setDown(late, true);
      await nextMarkWithout(late);
      cluster.setDown(late, false);
      await nextMark(leader);
      const { own, heard } = leader.comparison;
      expect(heard.get(late)).to.deep.equal(own.at(-1));
    }
  });

  async function nextMarkWithout(late: string): Promise<void> {
    await cluster.pass(markPeriodMs / tickMs);
    await answered(leader, put("mark", `without ${late}`));
    expect(leader.comparison.heard.get(late)?.index ?? 0).to.be.below(leader.comparison.own.at(-1)?.index ?? 0);
  }
});
