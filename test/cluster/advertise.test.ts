/**
 * @module
 * Nodes that listen on every address and tell others a name: everything between them goes by that name.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { after, before, describe, it } from "mocha";
import { freePorts } from "../../scripts/ports.ts";
import { eventually, fetchJson, NodeProcess } from "./support/node-process.ts";

interface Named {
  readonly process: NodeProcess;
  /** `localhost` with its port. */
  readonly http: string;
  readonly raft: string;
}

describe("nodes that are known by name", function () {
  this.timeout(30_000);
  const directory = mkdtempSync(join(tmpdir(), "balsa-advertise-"));
  const nodes: Named[] = [];

  before(async () => {
    const ports = await freePorts(6);
    for (const [at, id] of ["n1", "n2", "n3"].entries()) {
      const [http, raft] = [ports[2 * at], ports[2 * at + 1]];
      const data = join(directory, id);
      const process = new NodeProcess({ id, http: `0.0.0.0:${http}`, raft: `0.0.0.0:${raft}`, data });
      nodes.push({ process, http: `localhost:${http}`, raft: `localhost:${raft}` });
    }
    const [first, ...others] = nodes;
    if (first === undefined) throw new RangeError("no nodes");
    const ready = await start(first, "--bootstrap");
    expect(ready).to.include(`http=http://127.0.0.1:${ports[0]}`);
    await Promise.all(others.map((node) => start(node, "--join", `http://${first.http}`)));
  });

  after(async () => {
    await Promise.all(nodes.map(({ process }) => process.end("SIGKILL")));
    rmSync(directory, { recursive: true, force: true });
  });

  function start({ process, http, raft }: Named, ...how: readonly string[]): Promise<string> {
    return process.start("--insecure", "--advertise-http", http, "--advertise-raft", raft, ...how);
  }

  function at(position: number): Named {
    const node = nodes[position];
    if (node === undefined) throw new RangeError(`there is no node ${position}`);
    return node;
  }

  it("are members under it", async () => {
    const members = await eventually("three voters", async () => {
      const { members: found } = await fetchJson(`http://${at(0).http}/cluster/members`);
      const voters = (found as { role: string }[]).filter(({ role }) => role === "voter");
      return voters.length === 3 ? (found as { id: string; httpAddr: string; raftAddr: string }[]) : undefined;
    });
    expect(members.map(({ httpAddr }) => httpAddr).sort()).to.deep.equal(nodes.map(({ http }) => http).sort());
    expect(members.map(({ raftAddr }) => raftAddr).sort()).to.deep.equal(nodes.map(({ raft }) => raft).sort());
  });

  it("forward writes to it, and redirect clients to it", async () => {
    const follower = await eventually("a follower that knows its leader", async () => {
      for (const node of nodes) {
        const status = await fetchJson(`http://${node.http}/status`);
        if (status["role"] === "follower" && status["leader"] !== null) return { node, status };
      }
      return undefined;
    });
    const url = `http://${follower.node.http}/key/a`;
    expect((await fetch(url, { method: "PUT", body: "by name" })).status).to.equal(204);
    const { httpAddr } = follower.status["leader"] as { httpAddr: string };
    const redirected = await fetch(`${url}?redirect`, { method: "PUT", body: "again", redirect: "manual" });
    expect(redirected.status).to.equal(307);
    expect(redirected.headers.get("location")).to.equal(`http://${httpAddr}/key/a?redirect`);
    expect(nodes.map(({ http }) => http)).to.include(httpAddr);
  });

  it("find each other by it again after a restart", async () => {
    const restarted = at(2);
    await restarted.process.end("SIGKILL");
    await start(restarted);
    const response = await fetch(`http://${restarted.http}/key/a`);
    expect(await response.text()).to.equal("by name");
  });
});
