import { expect } from "chai";
import { after, before, describe, it } from "mocha";
import { expectEqualStates } from "./support/equal-states.ts";
import { eventually, fetchJson, type NodeProcess, ProcessCluster } from "./support/node-process.ts";

/** More than the leader keeps below a snapshot for followers that lag a little. */
const putsMissed = 14_000;
const writers = 64;
/** Raft is told each mebibyte that the log has grown by: so some seven times. */
const valueBytes = 500;
const flags = ["--snapshot-log-bytes", "200000"];

function valueOf(number: number): string {
  return `value ${number} `.padEnd(valueBytes, "-");
}

async function putMany(node: NodeProcess, count: number): Promise<void> {
  let next = 0;
  const write = async (): Promise<void> => {
    while (next < count) {
      const number = next++;
      const response = await fetch(`${node.url}/key/k${number % 1000}`, { method: "PUT", body: valueOf(number) });
      expect(response.status).to.equal(204);
      await response.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
}

describe("a node that was away for longer than its leader's log goes back", function () {
  this.timeout(120_000);
  let cluster: ProcessCluster;

  before(async () => {
    cluster = await ProcessCluster.create(3);
  });

  after(async () => {
    await cluster.end();
  });

  it("is refilled by a snapshot, and holds what the others hold", async () => {
    const [first, second, third] = cluster.nodes;
    if (first === undefined || second === undefined || third === undefined) throw new RangeError("three nodes");
    await first.start("--bootstrap", ...flags);
    await Promise.all([second, third].map((node) => node.start("--join", first.url, ...flags)));
    await third.end("SIGKILL");
    await putMany(first, putsMissed);
    await eventually("a snapshot that the log is cut under", async () => {
      const { snapshotIndex } = await fetchJson(`${first.url}/status`);
      return Number(snapshotIndex) > 10_500 ? true : undefined;
    });

    await third.start(...flags);
    const own = await fetchJson(`${third.url}/status`);
    expect(Number(own["snapshotIndex"]), "the snapshot that it was given").to.be.greaterThan(10_000);
    const there = await (await fetch(`${third.url}/key/k${(putsMissed - 1) % 1000}`)).text();
    expect(there).to.match(/^value 13\d\d\d -+$/);
    await expectEqualStates(cluster.nodes.map((node) => node.url));
  });
});
