import { expect } from "chai";
import { after, before, describe, it } from "mocha";
import { checkHistory } from "../../scripts/history/check.ts";
import { explain } from "../../scripts/history/explain.ts";
import { historyOf } from "../../scripts/history/json-lines.ts";
import { revisionBreaches } from "../../scripts/history/revisions.ts";
import { HistoryClients } from "../../scripts/prove/history-clients.ts";
import { PeerNetwork } from "../../scripts/prove/peer-network.ts";
import { leaderOf, Stage, type StagedNode, until } from "../../scripts/stage.ts";
import { expectEqualStates } from "./support/equal-states.ts";

/** Resolves when so many more operations have been answered. */
async function moreAnswers(clients: HistoryClients, count: number): Promise<void> {
  const answered = (): number => clients.recorded.filter(({ outcome }) => outcome === "ok").length;
  const wanted = answered() + count;
  const done = await until(20_000, async () => (answered() >= wanted ? true : undefined));
  if (done === undefined)
    throw new Error(`of ${count} operations, ${wanted - answered()} are not answered within 20 s`);
}

describe("what clients of three processes see", function () {
  this.timeout(90_000);
  const stage = new Stage();
  const network = new PeerNetwork();
  let nodes: readonly StagedNode[] = [];

  before(async () => {
    nodes = await stage.cluster(3, (id, port) => network.before(id, port));
    await leaderOf(nodes);
  });

  after(async () => {
    await stage.close();
    await network.close();
  });

  it("is linearizable while the leader is killed, and its successor cut off", async () => {
    const clients = new HistoryClients({ nodes, lanes: 2, clientsPerLane: 6, prefix: "seen" });
    try {
      await moreAnswers(clients, 200);
      const killed = await leaderOf(nodes);
      await killed.kill();
      await moreAnswers(clients, 200);
      await killed.start();
      const cutOff = await leaderOf(nodes);
      const others = nodes.filter((node) => node !== cutOff);
      network.cut(
        others.flatMap(({ id }) => [
          { from: cutOff.id, to: id },
          { from: id, to: cutOff.id },
        ]),
      );
      await leaderOf(others);
      await moreAnswers(clients, 200);
      network.heal("resume");
      await moreAnswers(clients, 200);
    } finally {
      await clients.stop();
    }
    await clients.readAll();

    const report = checkHistory(historyOf(clients.recorded));
    expect(report.verdict, explain(report)).to.equal("linearizable");
    expect(revisionBreaches(clients.recorded)).to.deep.equal([]);
    await expectEqualStates(nodes.map((node) => node.url));
  });
});
