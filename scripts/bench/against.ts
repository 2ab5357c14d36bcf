/**
 * @module
 * The bench against another build: three nodes of each run at once, and short slices of the same load go to the one and
 * to the other in turn. What the machine does meanwhile, faster or slower by the minute, meets both, so that two builds
 * are told apart which two runs of the bench would not tell apart.
 */

import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { processorMs } from "../processor-time.ts";
import { leaderOf, pause, Stage, type StagedNode } from "../stage.ts";
import { autocannonTool } from "./autocannon.ts";
import { buildOf } from "./build.ts";
import { type ComparedSlices, renderComparison, type Slice } from "./comparison.ts";
import type { AgainstOptions } from "./options.ts";
import { connections, type LoadTool } from "./scenario.ts";
import { isPut, prefill, type Target, targetsAt, valueBytes, warmUpOf } from "./target.ts";
import { findWrk } from "./wrk.ts";

const sliceSeconds = 1;
/** After each slice the nodes are looked at so often, until they take little of a processor, for so long at most. */
const settleMs = 200;
const settleMsMax = 3_000;
const quietShareMax = 0.3;

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Three nodes of one build, the leader first. */
interface Side {
  readonly nodes: readonly StagedNode[];
  readonly targets: readonly Target[];
}

/** Prints the comparison. False when requests failed, or the median of a ratio of rates is below what is asked for. */
export async function benchAgainst({ against, all, pairs, atLeast }: AgainstOptions): Promise<boolean> {
  const stage = new Stage();
  const stages = [stage];
  try {
    const build = await buildOf(against, { root, directory: join(stage.directory, "build") });
    const otherStage = new Stage(build.binary);
    stages.push(otherStage);
    const sides = { ours: await startSide(stage), theirs: await startSide(otherStage) };
    const tool = (await findWrk(stage.directory)) ?? autocannonTool;
    process.stdout.write(
      `this build against ${build.name}\n${tool.name}, ${connections} connections, ${valueBytes} bytes, ${cpus().length} cores, ` +
        `Node ${process.version}, ${pairs} pairs of slices of ${sliceSeconds} s\n`,
    );
    const comparing = new Comparing(tool, sides);
    const compared: ComparedSlices[] = [];
    for (const [at, { name, scenario }] of sides.ours.targets.entries()) {
      if (all || isPut(scenario)) compared.push({ name, pairs: await comparing.measure(at, pairs) });
    }
    const { text, holds } = renderComparison(compared, atLeast);
    process.stdout.write(text);
    return holds;
  } finally {
    for (const each of stages) await each.close();
  }
}

async function startSide(stage: Stage): Promise<Side> {
  const nodes = await stage.cluster(3);
  const leader = await leaderOf(nodes);
  await prefill(leader.url);
  const followers = nodes.filter((node) => node !== leader);
  const targets = targetsAt({ leader: leader.url, follower: followers[0]?.url ?? leader.url });
  return { nodes: [leader, ...followers], targets };
}

class Comparing {
  readonly #tool: LoadTool;
  readonly #ours: Side;
  readonly #theirs: Side;

  constructor(tool: LoadTool, { ours, theirs }: { readonly ours: Side; readonly theirs: Side }) {
    this.#tool = tool;
    this.#ours = ours;
    this.#theirs = theirs;
  }

  /** So many pairs of slices, this build's first. Throws when a leader has changed meanwhile: the figures are not comparable. */
  async measure(target: number, count: number): Promise<readonly (readonly [Slice, Slice])[]> {
    for (const { targets } of [this.#ours, this.#theirs]) {
      const scenario = targets[target]?.scenario;
      if (scenario !== undefined) await this.#tool.measure(scenario, 0, warmUpOf(scenario));
    }
    await this.#settle();
    const pairs: (readonly [Slice, Slice])[] = [];
    for (let pair = 1; pair <= count; pair++) {
      // Each goes first in every second pair: neither always comes right after the other.
      const isOursFirst = pair % 2 === 1;
      const [first, second] = isOursFirst ? [this.#ours, this.#theirs] : [this.#theirs, this.#ours];
      const slices = [await this.#slice(first, target, pair), await this.#slice(second, target, pair)] as const;
      pairs.push(isOursFirst ? slices : [slices[1], slices[0]]);
    }
    for (const { nodes } of [this.#ours, this.#theirs]) {
      if ((await leaderOf(nodes)) !== nodes[0]) throw new Error("a leader has changed meanwhile: measure again");
    }
    return pairs;
  }

  /** What is left to be done when the load has ended is in its processor time, and not in the next slice. */
  async #slice({ nodes, targets }: Side, target: number, run: number): Promise<Slice> {
    const scenario = targets[target]?.scenario;
    if (scenario === undefined) throw new Error(`there is no scenario ${target}`);
    const before = nodes.map(processorMsOf);
    const measured = await this.#tool.measure(scenario, run, sliceSeconds);
    await this.#settle();
    return { ...measured, processorMs: nodes.map((node, at) => processorMsOf(node) - (before[at] ?? Number.NaN)) };
  }

  async #settle(): Promise<void> {
    const nodes = [...this.#ours.nodes, ...this.#theirs.nodes];
    const usedByAll = (): number => nodes.reduce((sum, node) => sum + processorMsOf(node), 0);
    const deadline = performance.now() + settleMsMax;
    for (let used = Number.POSITIVE_INFINITY; used > quietShareMax * settleMs && performance.now() < deadline; ) {
      const before = usedByAll();
      await pause(settleMs);
      used = usedByAll() - before;
    }
  }
}

function processorMsOf(node: StagedNode): number {
  return processorMs(node.process.pid);
}
