import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import * as balsa from "../../src/cluster/index.ts";
import { NodeLinks } from "../../src/cluster/node-links.ts";
import { failureOf, untilTrue } from "./support/until.ts";

const { startCluster, startNode, StartError } = balsa;

const root = new URL("../../../", import.meta.url);

function textOf(found: balsa.KeyValue | undefined): string | undefined {
  return found === undefined ? undefined : new TextDecoder().decode(found.value);
}

describe("a node inside a program", () => {
  const temporary = process.env["TMPDIR"];
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "balsa-library-"));
    // Its own: some tests look at what is left there, and other processes have theirs.
    process.env["TMPDIR"] = directory;
  });

  afterEach(async () => {
    if (temporary === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = temporary;
    await rm(directory, { recursive: true, force: true });
  });

  it("lives on free ports and in a temporary directory, and leaves nothing behind", async () => {
    let closed: Promise<void>;
    let data: string;
    {
      await using node = await startNode();
      ({ closed, data } = node);
      await node.ready();
      expect(node.httpUrl).to.match(/^http:\/\/127\.0\.0\.1:[1-9]\d+$/);
      expect(node.raftAddr).to.match(/^127\.0\.0\.1:[1-9]\d+$/);
      expect(node.standing).to.include({ role: "leader" });
      await node.client.put("a", "b");
      expect(textOf(await node.client.get("a"))).to.equal("b");
      const { members } = (await node.client.status(new URL(node.httpUrl))) as { members: balsa.BalsaNode[] };
      expect(members[0]).to.deep.include({ id: "n1", raftAddr: node.raftAddr });
    }
    await closed;
    expect(existsSync(data)).to.equal(false);
  });

  it("continues on its directory after a crash, and after being closed", async () => {
    const first = await startNode({ data: directory, begin: { kind: "bootstrap" } });
    await first.ready();
    await first.client.put("kept", "1");
    await first.crash();
    expect(String(await failureOf(first.closed))).to.contain("n1 was crashed on purpose");

    const second = await startNode({ data: directory });
    await second.ready();
    expect(textOf(await second.client.get("kept"))).to.equal("1");
    await second.client.put("kept", "2");
    await second.close();
    await second.closed;

    await using third = await startNode({ data: directory });
    await third.ready();
    expect(textOf(await third.client.get("kept"))).to.equal("2");
  });

  it("does not begin a cluster on an empty directory that was named, and says what to do", async () => {
    const failure = await failureOf(startNode({ data: directory }));
    expect(failure).to.be.instanceOf(StartError);
    expect(String(failure)).to.contain("was not told how to begin");
  });

  it("begins no second cluster where one answers at the address that it is to tell others", async () => {
    await using node = await startNode();
    await node.ready();
    const advertiseHttp = new URL(node.httpUrl).host;
    const failure = await failureOf(startNode({ data: directory, begin: { kind: "bootstrap" }, advertiseHttp }));
    expect(failure).to.be.instanceOf(StartError);
    expect(String(failure)).to.contain(`${node.httpUrl} belongs to cluster`).and.contain("is a member there");
    expect(await readdir(directory)).to.not.include("identity.json");
  });

  it("says why when it cannot listen, and removes the temporary directory", async () => {
    await using node = await startNode();
    const before = await readdir(tmpdir());
    const failure = await failureOf(startNode({ http: new URL(node.httpUrl).host }));
    expect(failure).to.be.instanceOf(StartError);
    expect(String(failure)).to.contain(new URL(node.httpUrl).port);
    const made = (await readdir(tmpdir())).filter(
      (name) => !before.includes(name) && /^balsa-[A-Za-z0-9]{6}$/.test(name),
    );
    expect(made).to.deep.equal([]);
  });

  it("refuses a pace at which no cluster can live, and faults of actors that it has not", async () => {
    const before = await readdir(tmpdir());
    for (const wrong of [{ tickMs: -1 }, { tickMs: 0.5 }, { electionTimeoutTicks: 0 }, { electionTimeoutTicks: NaN }]) {
      const failure = await failureOf(startNode(wrong));
      expect(failure).to.be.instanceOf(StartError);
      expect(String(failure)).to.contain(Object.keys(wrong)[0]);
    }
    const made = (await readdir(tmpdir())).filter(
      (name) => !before.includes(name) && /^balsa-[A-Za-z0-9]{6}$/.test(name),
    );
    expect(made).to.deep.equal([]);
    await using node = await startNode();
    expect(await failureOf(node.stall("nobody" as "log", 10))).to.be.instanceOf(RangeError);
    expect(await failureOf(node.crash("nobody" as "log"))).to.be.instanceOf(RangeError);
  });

  it("is crashed at once although an actor of its stands still", async () => {
    const node = await startNode();
    await node.stall("store", 60_000);
    await node.crash();
    expect(existsSync(node.data)).to.equal(false);
  });

  it("exports what the README names, and nothing by accident", () => {
    const names = ["BalsaClient", "BalsaError", "StartError", "startCluster", "startNode", "textOf"];
    expect(Object.keys(balsa).sort()).to.deep.equal(names);
  });
});

describe("the README's example of the library", () => {
  it("is the one that is tested", () => {
    const source = readFileSync(new URL("test/cluster/support/readme-example.ts", root), "utf8");
    const [, example = "nothing"] = source.split("*/\n\n");
    expect(readFileSync(new URL("README.md", root), "utf8")).to.contain(`\`\`\`ts\n${example}\`\`\``);
  });

  it("runs, says nothing and ends by itself", async () => {
    const example = new URL("./support/readme-example.js", import.meta.url).pathname;
    const child = spawn(process.execPath, [example], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    const [code] = await once(child, "close");
    expect([code, output]).to.deep.equal([0, ""]);
  });
});

describe("a cluster inside a program", () => {
  it("loses a node with any of its actors, says which, and lives on", async () => {
    await using cluster = await startCluster({ tickMs: 50 });
    for (const actor of ["ingress", "raft", "log", "store"] as const) {
      const leader = await cluster.leader();
      await cluster.client.put("before", actor);
      await leader.crash(actor);
      expect(await cluster.leader(), "the dead lead nobody").to.not.equal(leader);
      const end = await failureOf(leader.closed);
      expect(end).to.include({ actor });
      expect(String(end)).to.contain(`the ${actor} actor ended`);
      const [one, other] = cluster.nodes.filter((node) => node !== leader);
      await one?.client.put("after", actor);
      const found = await Promise.all([other?.client.get("before"), other?.client.get("after")]);
      expect(found.map(textOf)).to.deep.equal([actor, actor]);
      await (await cluster.restart(leader.id)).ready();
      expect(textOf(await cluster.node(leader.id).client.get("after"))).to.equal(actor);
    }
  });

  it("starts none or all, and refuses sizes that make no sense", async () => {
    expect(await failureOf(startCluster({ nodes: 0 }))).to.be.instanceOf(RangeError);
    expect(await failureOf(startCluster({ nodes: 10 }))).to.be.instanceOf(RangeError);
    expect(await failureOf(startCluster({ nodes: 2, valueBytesMax: 2 ** 30 }))).to.be.instanceOf(StartError);
  });

  it("hands its log lines to whoever asked for them, by node", async () => {
    const heard = new Set<string>();
    await using cluster = await startCluster({ nodes: 2, log: (id, { message }) => heard.add(`${id}: ${message}`) });
    const leader = await cluster.leader();
    const told = [...cluster.nodes].map(({ id }) => `${id}: ${leader.id} leads in term ${leader.standing.term}`);
    await untilTrue("both say who leads", () => told.every((line) => heard.has(line)));
  });
});

describe("the links between the nodes of a program", () => {
  const ids = ["n1", "n2", "n3", "n4"];

  it("are cut between groups, the unnamed being one group together", () => {
    const links = new NodeLinks();
    links.partition([["n1"], ["n2"]]);
    expect(links.cutsOf("n1", ids)).to.deep.equal({ to: ["n2", "n3", "n4"], from: ["n2", "n3", "n4"] });
    expect(links.cutsOf("n3", ids)).to.deep.equal({ to: ["n1", "n2"], from: ["n1", "n2"] });
    links.partition([["n1"]]);
    expect(links.cutsOf("n2", ids)).to.deep.equal({ to: ["n1"], from: ["n1"] });
    expect(() => links.partition([["n1"], ["n1"]])).to.throw(RangeError);
  });

  it("are cut in one direction beside that, until all are mended", () => {
    const links = new NodeLinks();
    links.partition([["n4"]]);
    links.cut("n1", "n2");
    expect(links.cutsOf("n1", ids)).to.deep.equal({ to: ["n4", "n2"], from: ["n4"] });
    expect(links.cutsOf("n2", ids)).to.deep.equal({ to: ["n4"], from: ["n4", "n1"] });
    links.heal();
    for (const id of ids) expect(links.cutsOf(id, ids)).to.deep.equal({ to: [], from: [] });
  });
});
