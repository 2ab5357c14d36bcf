import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { freePorts } from "../../scripts/ports.ts";
import { type BalsaNode, type StartOptions, startNode } from "../../src/cluster/index.ts";
import { until } from "./support/until.ts";

const ids = ["n1", "n2", "n3"] as const;

describe("nodes that have all moved at once", function () {
  this.timeout(60_000);
  let directory = "";
  let nodes: BalsaNode[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "balsa-moved-"));
  });

  afterEach(async () => {
    await Promise.all(nodes.map((node) => node.crash()));
    rmSync(directory, { recursive: true, force: true });
  });

  async function start(at: number, options: StartOptions): Promise<BalsaNode> {
    const id = ids[at] ?? "";
    return await startNode({ tickMs: 50, ...options, id, data: join(directory, id) });
  }

  it("find each other at the URLs that they are given, and tell the cluster where they are", async () => {
    const first = await start(0, { begin: { kind: "bootstrap" } });
    await first.ready();
    const begin = { kind: "join", url: first.httpUrl, learner: false } as const;
    nodes = [first, await start(1, { begin }), await start(2, { begin })];
    await Promise.all(nodes.map((node) => node.ready()));
    await first.client.put("kept", "1");
    await Promise.all(nodes.map((node) => node.crash()));

    const ports = await freePorts(6);
    const [https, rafts] = [ports.slice(0, 3), ports.slice(3)].map((row) => row.map((port) => `127.0.0.1:${port}`));
    nodes = await Promise.all(
      ids.map((_, at) => {
        const peers = (https ?? []).filter((_http, other) => other !== at).map((http) => `http://${http}`);
        return start(at, { begin: { kind: "continue" }, http: https?.[at] ?? "", raft: rafts?.[at] ?? "", peers });
      }),
    );
    await Promise.all(nodes.map((node) => node.ready()));
    const [, second] = nodes;
    expect(await second?.client.getText("kept")).to.equal("1");
    for (const node of nodes) {
      await until(`${node.id} knows all new addresses`, async () => {
        const members = await node.client.members.list();
        const shown = members.map(({ raftAddr }) => raftAddr).sort();
        return shown.join() === [...(rafts ?? [])].sort().join() ? true : undefined;
      });
    }
  });
});
