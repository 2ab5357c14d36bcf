/**
 * @module
 * Experiment: all nodes are killed at once under load and started again; then the same with a node that is alone.
 */

import { leaderOf, pause, type Stage, type StagedNode } from "../stage.ts";
import { formatCount, formatMs } from "../table.ts";
import { type Check, type Experiment, lossChecks } from "./experiment.ts";
import { Load, resumedAfter, verifyOn } from "./load.ts";
import { type LoadReport, now } from "./load-protocol.ts";

const writers = 64;
const loadMs = 4_000;
const readyMsMax = 10_000;

export const restart: Experiment = {
  name: "restart",
  claim: "After a kill -9 of every node, the cluster continues where it was with nothing acknowledged lost.",
  does:
    `Three nodes under load of ${writers} connections for ${loadMs / 1_000} s, kill -9 of all at once, all started again on ` +
    "their directories without flags; every acknowledged write is read on each. Then the same with one node alone.",
  async run(stage: Stage) {
    const three = await stage.cluster(3);
    const checks = await killAll(three, "three");
    await Promise.all(three.map((node) => node.kill()));
    return [...checks, ...(await killAll(await stage.cluster(1), "alone"))];
  },
};

async function killAll(nodes: readonly StagedNode[], name: string): Promise<readonly Check[]> {
  const load = new Load({ urls: nodes.map((node) => node.url), writers, readers: 0, prefix: name });
  try {
    await pause(loadMs);
    // The load goes on: its writes are cut off in the middle.
    await Promise.all(nodes.map((node) => node.kill()));
    const startedAt = now();
    await Promise.all(nodes.map((node) => node.start()));
    const readyMs = now() - startedAt;
    await leaderOf(nodes);
    await load.writesAfter(startedAt, readyMsMax);
    const report = await load.stop();
    const verdicts = await verifyOn(nodes, load.prefix, report);
    return [
      outcomes(name, report),
      check(`${name}: all ready again`, readyMs),
      check(`${name}: writes again after the restart`, resumedAfter(startedAt, report)),
      ...lossChecks(
        verdicts,
        nodes.map((node) => `${name} ${node.id}`),
      ),
    ];
  } finally {
    await load.terminate();
  }
}

function outcomes(name: string, { writer, refused, unknown }: LoadReport): Check {
  const measured = `${formatCount(writer.length)} / ${refused} / ${unknown}`;
  return { what: `${name}: acknowledged / refused / unknown`, wanted: "", measured, holds: true };
}

function check(what: string, measured: number): Check {
  return { what, wanted: `<= ${formatMs(readyMsMax)}`, measured: formatMs(measured), holds: measured <= readyMsMax };
}
