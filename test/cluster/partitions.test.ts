import { expect } from "chai";
import { afterEach, describe, it } from "mocha";
import { BalsaClient, BalsaError, type BalsaNode, type Cluster, startCluster } from "../../src/cluster/index.ts";
import { expectEqualStates } from "./support/equal-states.ts";
import { failureOf, until, untilTrue } from "./support/until.ts";

/** Elections within 0.5 to 1 s: quick, and not disturbed by the pauses of a machine that does other things too. */
const tickMs = 50;
const electionMsMax = 2 * 10 * tickMs;

let cluster: Cluster;

async function start(nodes: number): Promise<BalsaNode> {
  cluster = await startCluster({ nodes, tickMs });
  return await cluster.leader();
}

function othersThan(...nodes: readonly BalsaNode[]): BalsaNode[] {
  return cluster.nodes.filter((node) => !nodes.includes(node));
}

async function read(node: BalsaNode, key: string): Promise<string | undefined> {
  const found = await node.client.get(key);
  return found === undefined ? undefined : new TextDecoder().decode(found.value);
}

/** Waits at most that long for its answer. */
function impatient(node: BalsaNode, timeoutMs: number): BalsaClient {
  return new BalsaClient({ endpoints: [node.httpUrl], timeoutMs });
}

async function newLeaderThan(node: BalsaNode): Promise<BalsaNode> {
  return await until(`a leader other than ${node.id}`, async () => {
    const leader = await cluster.leader();
    return leader === node ? undefined : leader;
  });
}

function leadingCount(nodes: readonly BalsaNode[]): number {
  return nodes.filter((node) => node.standing.role === "leader").length;
}

describe("a cluster whose network is broken", function () {
  this.timeout(60_000);

  afterEach(async () => {
    await cluster.close();
  });

  it("goes on without a leader that is cut off; that one steps down, and tells its waiting writes the truth", async () => {
    const leader = await start(3);
    await leader.client.put("a", "before");
    await cluster.partition([leader.id]);
    const writes = Array.from({ length: 8 }, (_, at) => failureOf(impatient(leader, 2_500).put(`w${at}`, "cut off")));
    const [one, other] = othersThan(leader);
    await one?.client.put("a", "after");
    expect(other === undefined ? undefined : await read(other, "a")).to.equal("after");
    await untilTrue("it steps down", () => leader.standing.role !== "leader");

    const refused = await failureOf(impatient(leader, 500).get("a"));
    expect(refused, "a linearizable read on the wrong side").to.be.instanceOf(BalsaError);
    const outcomes = await Promise.all(writes);
    await cluster.heal();
    expect(await read(leader, "a")).to.equal("after");
    for (const [at, outcome] of outcomes.entries()) {
      const found = await read(leader, `w${at}`);
      if (outcome === undefined) expect(found).to.equal("cut off");
      else expect(outcome).to.be.instanceOf(BalsaError);
      if (outcome instanceof BalsaError && outcome.outcome === "not-applied") expect(found).to.equal(undefined);
    }
    await expectEqualStates(cluster.nodes.map((node) => node.httpUrl));
  });

  it("writes nothing while no two nodes hear each other, and goes on when they do", async () => {
    await start(3);
    await cluster.client.put("a", "1");
    await cluster.partition(["n1"], ["n2"], ["n3"]);
    await untilTrue("nobody knows a leader", () =>
      cluster.nodes.every(({ standing }) => standing.role === "preCandidate"),
    );
    const failures = await Promise.all(cluster.nodes.map((node) => failureOf(impatient(node, 300).put("a", node.id))));
    for (const failure of failures) expect(failure).to.include({ code: "NO_LEADER", outcome: "not-applied" });
    const terms = cluster.nodes.map((node) => node.standing.term);

    await cluster.heal();
    await cluster.client.put("b", "2");
    expect(await Promise.all(cluster.nodes.map((node) => read(node, "a")))).to.deep.equal(["1", "1", "1"]);
    const risen = cluster.node("n1").standing.term - Math.max(...terms);
    expect(risen, "terms that an election after the healing took").to.be.within(1, 4);
  });

  it("keeps its leader on the side of three of five, and the other two disturb nobody when they come back", async () => {
    const leader = await start(5);
    const { term } = leader.standing;
    const [one, other] = othersThan(leader);
    if (one === undefined || other === undefined) throw new RangeError("four follow");
    await cluster.partition([one.id, other.id]);
    await untilTrue("they try to elect somebody", () => one.standing.role === "preCandidate");
    await leader.client.put("a", "three of five");
    expect(await failureOf(impatient(one, 300).get("a"))).to.include({ code: "NO_LEADER" });
    await cluster.heal();
    expect(await read(one, "a")).to.equal("three of five");
    await expectEqualStates(cluster.nodes.map((node) => node.httpUrl));
    expect(leader.standing).to.include({ term, role: "leader" });
  });

  it("elects another on the side of three of five when the leader is among the other two", async () => {
    const leader = await start(5);
    const [companion, ...majority] = othersThan(leader);
    if (companion === undefined) throw new RangeError("four follow");
    await cluster.partition([leader.id, companion.id]);
    const [one] = majority;
    await one?.client.put("a", "three of five");
    expect(majority).to.include(await newLeaderThan(leader));
    await untilTrue("nobody leads two of five", () => leadingCount([leader, companion]) === 0);
    await cluster.heal();
    expect(await read(companion, "a")).to.equal("three of five");
    await expectEqualStates(cluster.nodes.map((node) => node.httpUrl));
  });

  it("replaces a leader that is heard by nobody, and one that hears nobody", async () => {
    let leader = await start(3);
    for (const [index, direction] of (["mute", "deaf"] as const).entries()) {
      for (const { id } of othersThan(leader)) {
        await cluster.cut(direction === "mute" ? { from: leader.id, to: id } : { from: id, to: leader.id });
      }
      const successor = await newLeaderThan(leader);
      await successor.client.put(direction, "written");
      await untilTrue(`the ${direction} one steps down`, () => leader.standing.role !== "leader");
      await cluster.heal();
      expect(await read(leader, direction)).to.equal("written");
      await expectEqualStates(cluster.nodes.map((node) => node.httpUrl));
      expect(leadingCount(cluster.nodes), `round ${index}`).to.equal(1);
      leader = await cluster.leader();
    }
  });

  it("does not elect without end when one of three links is cut", async () => {
    const leader = await start(3);
    const [cutOff, between] = othersThan(leader);
    if (cutOff === undefined || between === undefined) throw new RangeError("two follow");
    const { term } = leader.standing;
    await cluster.cut({ from: leader.id, to: cutOff.id });
    await cluster.cut({ from: cutOff.id, to: leader.id });
    const end = performance.now() + 2.5 * electionMsMax;
    let written = 0;
    while (performance.now() < end) await between.client.put("a", String(++written));
    expect(between.standing.term - term, "terms in five election timeouts").to.be.at.most(2);
    await cluster.heal();
    expect(await read(cutOff, "a")).to.equal(String(written));
    await expectEqualStates(cluster.nodes.map((node) => node.httpUrl));
  });

  it("catches a node up by the log that was away for long, and elects nobody for it", async () => {
    const leader = await start(3);
    const [away] = othersThan(leader);
    if (away === undefined) throw new RangeError("two follow");
    await cluster.partition([away.id]);
    const { term } = leader.standing;
    for (let round = 0; round < 20; round++) {
      await Promise.all(
        Array.from({ length: 50 }, (_, at) => leader.client.put(`k${at}`, `${round} ${"x".repeat(1000)}`)),
      );
    }
    await cluster.heal();
    expect(await read(away, "k49")).to.match(/^19 x/);
    await expectEqualStates(cluster.nodes.map((node) => node.httpUrl));
    expect(leader.standing).to.include({ term, role: "leader" });
  });

  it("stays broken for nodes that are started again", async () => {
    const leader = await start(3);
    await cluster.partition([leader.id]);
    await newLeaderThan(leader);
    await cluster.node(leader.id).crash();
    const again = await cluster.restart(leader.id);
    await untilTrue("it asks for votes and gets none", () => again.standing.role === "preCandidate");
    expect(await failureOf(impatient(again, 300).get("a"))).to.include({ code: "NO_LEADER" });
    await cluster.heal();
    await again.ready();
    await expectEqualStates(cluster.nodes.map((node) => node.httpUrl));
  });
});

describe("a cluster whose members change", function () {
  this.timeout(60_000);

  afterEach(async () => {
    await cluster.close();
  });

  it("grows from one node to five and shrinks to three again, its leader among those that go", async () => {
    await start(1);
    await cluster.client.put("first", "of one");
    await Promise.all([cluster.add(), cluster.add()]);
    await cluster.add();
    await cluster.add();
    for (const node of cluster.nodes) expect(await read(node, "first")).to.equal("of one");
    await cluster.remove((await cluster.leader()).id);
    await cluster.client.put("second", "of four");
    await cluster.remove((await cluster.leader()).id);
    for (const node of cluster.nodes) {
      expect(await read(node, "first")).to.equal("of one");
      expect(await read(node, "second")).to.equal("of four");
    }
    expect(cluster.nodes).to.have.length(3);
  });

  it("moves leadership where it is told, again and again", async () => {
    await start(3);
    for (const id of ["n2", "n3", "n1", "n3"]) {
      await cluster.transfer(id);
      await cluster.client.put("led by", id);
      await untilTrue(`${id} leads`, () => cluster.node(id).standing.role === "leader");
    }
    await cluster.node("n1").crash();
    expect(await failureOf(cluster.transfer("n1"))).to.include({ code: "TIMEOUT" });
    await cluster.client.put("led by", "whoever");
  });

  it("keeps the voter without which only one would be left that the leader does not reach", async () => {
    const leader = await start(3);
    const [deaf, needed] = othersThan(leader);
    if (deaf === undefined || needed === undefined) throw new RangeError("two follow");
    await cluster.cut({ from: leader.id, to: deaf.id });
    await untilTrue("it asks for votes", () => deaf.standing.role === "preCandidate");
    expect(await failureOf(cluster.remove(needed.id))).to.include({ code: "QUORUM_AT_RISK" });
    await cluster.heal();
    await cluster.client.put("with", "all three");
    await cluster.remove(needed.id);
  });

  it("continues where it was after all nodes were crashed at once", async () => {
    await start(3);
    await Promise.all(Array.from({ length: 100 }, (_, at) => cluster.client.put(`k${at}`, `v${at}`)));
    await Promise.all(cluster.nodes.map((node) => node.crash()));
    await Promise.all(["n1", "n2", "n3"].map((id) => cluster.restart(id)));
    for (const node of cluster.nodes) {
      await node.ready();
      const found = await Promise.all(Array.from({ length: 100 }, (_, at) => read(node, `k${at}`)));
      expect(found).to.deep.equal(Array.from({ length: 100 }, (_, at) => `v${at}`));
    }
  });
});
