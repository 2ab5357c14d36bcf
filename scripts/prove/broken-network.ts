/**
 * @module
 * Experiment: the network between five nodes breaks in six shapes, five times each, under load.
 */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { leaderOf, pause, type Stage, type StagedNode, until } from "../stage.ts";
import { formatCount, formatMs } from "../table.ts";
import { type Check, type Experiment, lossChecks } from "./experiment.ts";
import { Load, resumedAfter, verifyOn } from "./load.ts";
import { now } from "./load-protocol.ts";
import { between, canMakeNamespaces, type Network, ProxyNetwork } from "./network.ts";
import type { Direction } from "./peer-network.ts";
import { RegisterWatch } from "./register-watch.ts";

const times = 5;
const nodeCount = 5;
const brokenMs = 2_200;
const resumeMsMax = 3_000;
const giveUpMs = 15_000;
const child = fileURLToPath(new URL("./in-namespaces.js", import.meta.url));

interface Shape {
  readonly name: string;
  links(leader: string, others: readonly string[]): readonly Direction[];
}

const shapes: readonly Shape[] = [
  { name: "the leader alone", links: (leader, others) => between([leader], others) },
  { name: "the leader with one more", links: (leader, [one = "", ...three]) => between([leader, one], three) },
  { name: "two followers", links: (leader, [one = "", two = "", ...rest]) => between([one, two], [leader, ...rest]) },
  { name: "nobody hears the leader", links: (leader, others) => others.map((other) => ({ from: leader, to: other })) },
  { name: "the leader hears nobody", links: (leader, others) => others.map((other) => ({ from: other, to: leader })) },
  { name: "one link of the leader", links: (leader, [one = ""]) => between([leader], [one]) },
];

export const partitions: Experiment = {
  name: "partitions",
  claim: "Whichever way the network breaks, the majority writes again within 3 s, and nothing is lost or read stale.",
  does:
    `Five nodes under load; ${shapes.length} shapes of broken network, ${times} times each, for ${formatMs(brokenMs)}; linearizable reads on ` +
    "every node all the while; then every acknowledged write is read on each node by itself.",
  async run(stage: Stage) {
    return canMakeNamespaces() ? await runInNamespaces() : await breakNetwork(stage, new ProxyNetwork());
  },
};

/** In a process whose network is its own. */
async function runInNamespaces(): Promise<readonly Check[]> {
  const args = ["--net", "--mount", "--kill-child", process.execPath, child];
  const inside = spawn("unshare", args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  return await new Promise((resolve, reject) => {
    let checks: readonly Check[] | undefined;
    inside.once("message", (message) => {
      checks = message as readonly Check[];
    });
    inside.once("error", reject);
    inside.once("exit", (code) => {
      // Its nodes and their directory are gone by now.
      if (checks !== undefined) resolve(checks);
      else reject(new Error(`the process in its own network ended with code ${code}`));
    });
  });
}

export async function breakNetwork(stage: Stage, network: Network): Promise<readonly Check[]> {
  const nodes = await network.cluster(stage, nodeCount);
  const load = new Load({
    urls: nodes.map(({ url }) => url),
    writers: nodeCount * 2,
    readers: 0,
    prefix: "cut",
    writePauseMs: 20,
  });
  try {
    const register = new RegisterWatch(nodes);
    const rounds: Round[] = [];
    for (let time = 0; time < times; time++) {
      for (const shape of shapes) rounds.push(await breakOnce(nodes, network, load, shape));
    }
    const [report, reads] = [await load.stop(), await register.stop()];
    const verdicts = await verifyOn(nodes, load.prefix, report);
    return [
      { what: "broken by", wanted: "", measured: network.how, holds: true },
      ...shapes.map((shape) =>
        resumption(
          shape,
          rounds.filter((round) => round.shape === shape),
          report,
        ),
      ),
      termsCheck(rounds),
      {
        what: "stale linearizable reads",
        wanted: "0",
        measured: `${reads.stale} of ${formatCount(reads.reads)}${reads.example === null ? "" : ` (${reads.example})`}; ${formatCount(reads.refused)} refused`,
        holds: reads.stale === 0 && reads.reads > 0 && reads.written > 0,
      },
      outcomes(report),
      ...lossChecks(
        verdicts,
        nodes.map((node) => node.id),
      ),
    ];
  } finally {
    network.heal();
    await load.terminate();
    await network.close();
  }
}

interface Round {
  readonly shape: Shape;
  readonly cutAt: number;
  /** Until all nodes agreed on a leader again, after the healing. */
  readonly agreedMs: number;
  /** Terms that passed from the cut to that moment. */
  readonly terms: number;
}

async function breakOnce(nodes: readonly StagedNode[], network: Network, load: Load, shape: Shape): Promise<Round> {
  const leader = await leaderOf(nodes);
  const others = nodes.filter((node) => node !== leader).map(({ id }) => id);
  const before = (await leader.status())?.term ?? 0;
  network.cut(shape.links(leader.id, others));
  const cutAt = now();
  await load.writesAfter(cutAt, giveUpMs);
  await pause(Math.max(0, brokenMs - (now() - cutAt)));
  network.heal();
  const healedAt = now();
  const term = await until(giveUpMs, async () => {
    const views = await Promise.all(nodes.map((node) => node.status()));
    const [first] = views;
    const agreed = views.every((view) => view !== null && view.leaderId !== null && view.term === first?.term);
    return agreed ? first?.term : undefined;
  });
  const agreedMs = term === undefined ? Number.POSITIVE_INFINITY : now() - healedAt;
  return { shape, cutAt, agreedMs, terms: (term ?? Number.POSITIVE_INFINITY) - before };
}

function resumption(shape: Shape, rounds: readonly Round[], report: Parameters<typeof resumedAfter>[1]): Check {
  const gaps = rounds.map((round) => resumedAfter(round.cutAt, report));
  const agreed = Math.max(...rounds.map((round) => round.agreedMs));
  return {
    what: `${shape.name}: writes again after`,
    wanted: `<= ${formatMs(resumeMsMax)}`,
    measured: `${gaps.map(formatMs).join(", ")}; one leader ${formatMs(agreed)} after healing at the latest`,
    holds: gaps.length === times && Math.max(...gaps) <= resumeMsMax && Number.isFinite(agreed),
  };
}

function termsCheck(rounds: readonly Round[]): Check {
  const most = Math.max(...rounds.map(({ terms }) => terms));
  return {
    what: "terms that one cut and its healing took, most",
    wanted: "<= 4",
    measured: String(most),
    holds: most <= 4,
  };
}

function outcomes({ writer, refused, unknown }: { writer: Uint32Array; refused: number; unknown: number }): Check {
  const measured = `${formatCount(writer.length)} / ${refused} / ${unknown}`;
  return { what: "acknowledged / refused / unknown", wanted: "", measured, holds: true };
}
