/**
 * @module
 * Experiment: the leader is killed ten times under load.
 */

import { leaderOf, pause, type Stage, type StagedNode, until } from "../stage.ts";
import { formatCount, formatMs, median } from "../table.ts";
import { type Check, type Experiment, lossChecks } from "./experiment.ts";
import { Load, resumedAfter, verifyOn } from "./load.ts";
import { now } from "./load-protocol.ts";

const kills = 10;
const writers = 64;
const settleMs = 1_000;
const resumeMsMax = 2_000;
const medianMsMax = 1_000;
const giveUpMs = 20_000;

export const failover: Experiment = {
  name: "failover",
  claim: "When the leader is killed, the others write again within 2 s, and nothing acknowledged is lost.",
  does:
    `Three nodes under load of ${writers} connections; kill -9 of the leader ${kills} times, each killed node started ` +
    "again on its directory; then every acknowledged write is read on each node by itself.",
  async run(stage: Stage) {
    const nodes = await stage.cluster(3);
    const load = new Load({ urls: nodes.map((node) => node.url), writers, readers: 0, prefix: "failover" });
    try {
      return await killLeaders(nodes, load);
    } finally {
      await load.terminate();
    }
  },
};

async function killLeaders(nodes: readonly StagedNode[], load: Load): Promise<readonly Check[]> {
  const killedAt: number[] = [];
  const caughtUpMs: number[] = [];
  for (let round = 0; round < kills; round++) {
    await pause(settleMs);
    const leader = await leaderOf(nodes);
    killedAt.push(now());
    await leader.kill();
    if (!(await load.writesAfter(killedAt[round] ?? 0, giveUpMs))) break;
    caughtUpMs.push(await restartAndCatchUp(leader, nodes));
  }
  const report = await load.stop();
  const gaps = killedAt.map((time) => resumedAfter(time, report));
  const verdicts = await verifyOn(nodes, load.prefix, report);
  const written = formatCount(report.writer.length);
  return [
    {
      what: "leaders killed",
      wanted: String(kills),
      measured: String(killedAt.length),
      holds: killedAt.length === kills,
    },
    check("writes again, median", medianMsMax, median(gaps)),
    check("writes again, longest", resumeMsMax, Math.max(...gaps)),
    { what: "each", wanted: "", measured: gaps.map(formatMs).join(", "), holds: true },
    check("killed node caught up after its restart, longest", giveUpMs, Math.max(...caughtUpMs)),
    {
      what: "acknowledged / refused / unknown",
      wanted: "",
      measured: `${written} / ${report.refused} / ${report.unknown}`,
      holds: true,
    },
    ...lossChecks(
      verdicts,
      nodes.map((node) => node.id),
    ),
  ];
}

/** From its start until it has applied what the cluster had committed at that moment; Infinity when it does not. */
async function restartAndCatchUp(killed: StagedNode, nodes: readonly StagedNode[]): Promise<number> {
  const startedAt = now();
  const views = await Promise.all(nodes.filter((node) => node !== killed).map((node) => node.status()));
  const committed = Math.max(...views.map((view) => view?.commitIndex ?? 0));
  await killed.start();
  const done = await until(giveUpMs, async () => {
    const view = await killed.status();
    return view !== null && view.appliedIndex >= committed ? true : undefined;
  });
  return done === undefined ? Number.POSITIVE_INFINITY : now() - startedAt;
}

function check(what: string, most: number, measured: number): Check {
  return { what, wanted: `<= ${formatMs(most)}`, measured: formatMs(measured), holds: measured <= most };
}
