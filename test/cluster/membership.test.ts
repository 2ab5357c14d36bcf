import { rm } from "node:fs/promises";
import { expect } from "chai";
import { after, before, describe, it } from "mocha";
import { runCli } from "../cli/run-cli.ts";
import { eventually, fetchJson, type NodeProcess, ProcessCluster } from "./support/node-process.ts";

interface Member {
  readonly id: string;
  readonly role: string;
  readonly httpAddr: string;
  readonly raftAddr: string;
  readonly healthy: boolean;
  readonly joining?: boolean;
}

async function membersAt(node: NodeProcess): Promise<readonly Member[]> {
  return (await fetchJson(`${node.url}/cluster/members`))["members"] as readonly Member[];
}

async function memberAt(node: NodeProcess, id: string): Promise<Member | undefined> {
  return (await membersAt(node)).find((member) => member.id === id);
}

async function failureOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "it succeeded",
    (cause: unknown) => String(cause),
  );
}

/** A cluster of three and two places for more. */
describe("members of real clusters", function () {
  this.timeout(60_000);
  let cluster: ProcessCluster;
  let nodes: [NodeProcess, NodeProcess, NodeProcess, NodeProcess, NodeProcess];

  before(async () => {
    cluster = await ProcessCluster.create(5);
    nodes = cluster.nodes as typeof nodes;
    await nodes[0].start("--bootstrap");
    await Promise.all([nodes[1].start("--join", nodes[0].url), nodes[2].start("--join", nodes[0].url)]);
  });

  after(async () => {
    await cluster.end();
  });

  it("join through any member, as learners when they say so, and are promoted by a command", async () => {
    const [, second, third, fourth] = nodes;
    await fourth.start("--join", second.url, "--learner");
    const learner = await memberAt(third, "n4");
    expect(learner).to.include({ role: "learner" }).and.not.have.property("joining");
    const promoted = await runCli(["member", "promote", "n4", "--endpoints", third.url]);
    expect(promoted).to.deep.include({ code: 0, stderr: "" });
    expect(await memberAt(second, "n4")).to.include({ role: "voter", healthy: true });
    const removed = await runCli(["member", "remove", "n4", "-o", "json", "--endpoints", second.url]);
    expect(JSON.parse(removed.stdout.toString())).to.deep.equal({ id: "n4" });
    await fourth.end("SIGKILL");
    expect(await memberAt(third, "n4")).to.equal(undefined);
  });

  it("never become voters at an address where nobody is", async () => {
    const [first, second] = nodes;
    const address = ["--http", "127.0.0.1:1", "--raft", "127.0.0.1:2"];
    const added = await runCli([
      "member",
      "add",
      "dead",
      ...address,
      "--timeout-ms",
      "2000",
      "--endpoints",
      second.url,
    ]);
    expect(added.code).to.equal(1);
    expect(added.stderr).to.include("has not reached it at 127.0.0.1:2");
    expect(await memberAt(first, "dead")).to.include({ role: "learner", joining: true, healthy: false });
    const replaced = await runCli(["member", "replace", "dead", "--timeout-ms", "1500", "--endpoints", first.url]);
    expect(replaced.code, replaced.stderr).to.equal(0);
    expect(await memberAt(first, "dead"), "still meant to vote").to.include({ role: "learner", joining: true });
    expect((await runCli(["member", "remove", "dead", "--endpoints", first.url])).code).to.equal(0);
  });

  it("go on at other addresses, which they tell the others by themselves", async () => {
    const [first, second, third, fourth] = nodes;
    await third.end("SIGKILL");
    const elsewhere = fourth.addresses;
    // Said once more, the later flag wins.
    await third.start("--http", elsewhere.http, "--raft", elsewhere.raft);
    const moved = await eventually("the new addresses", async () => {
      const member = await memberAt(first, "n3");
      return member?.httpAddr === elsewhere.http && member.healthy ? member : undefined;
    });
    expect(moved.raftAddr).to.equal(elsewhere.raft);
    await third.end("SIGKILL");
    await third.start();
    await eventually("the old addresses again", async () => {
      const member = await memberAt(second, "n3");
      return member?.httpAddr === third.addresses.http && member.healthy ? member : undefined;
    });
  });

  it("are refused with a wiped directory until one command has replaced them", async () => {
    const [first, , third] = nodes;
    await fetch(`${first.url}/key/kept`, { method: "PUT", body: "by the others" });
    await third.end("SIGKILL");
    await rm(third.addresses.data, { recursive: true });
    const refused = await failureOf(third.start("--join", first.url));
    const command = /balsa (member replace n3 --incarnation [0-9a-f]{32})/.exec(refused)?.[1];
    expect(command, refused).to.be.a("string");
    const replaced = await runCli([...(command ?? "").split(" "), "--timeout-ms", "1500", "--endpoints", first.url]);
    expect(replaced.code, replaced.stderr).to.equal(0);
    expect(replaced.stderr).to.include("n3 is replaced, and a learner until its node has caught up");
    await third.start();
    expect(await memberAt(first, "n3")).to.include({ role: "voter" });
    expect(await (await fetch(`${third.url}/key/kept?level=stale`)).text()).to.equal("by the others");
  });

  it("begin no second cluster beside one that a peer knows", async () => {
    const [first, second, , , fifth] = nodes;
    const refused = await failureOf(fifth.start("--bootstrap", "--peer", "http://127.0.0.1:1", "--peer", first.url));
    expect(refused).to.include("--bootstrap would begin a second one").and.include(`say --join ${first.url}`);
    await fifth.start("--join", second.url);
    expect(await memberAt(first, "n5")).to.include({ role: "voter" });
  });

  it("are removed through any member, the leader after it has handed over", async () => {
    const leader = await cluster.leader();
    const door = nodes.find((node) => node !== leader && node !== nodes[3]);
    if (door === undefined) throw new RangeError("somebody follows");
    const { id } = leader.addresses;
    const answer = await fetch(`${door.url}/cluster/members/${id}`, { method: "DELETE" });
    expect(answer.status).to.equal(204);
    await leader.end("SIGKILL");
    expect((await fetch(`${door.url}/key/after`, { method: "PUT", body: "the leader" })).status).to.equal(204);
    expect((await membersAt(door)).map((member) => member.id)).to.not.include(id);
  });
});
