/**
 * @module
 * Experiment: ten thousand watches of keys that do not change, on one of two followers that apply the same writes.
 */

import { processorMs } from "../processor-time.ts";
import { leaderOf, pause, type Stage, type StagedNode, until } from "../stage.ts";
import { formatCount } from "../table.ts";
import type { Check, Experiment } from "./experiment.ts";
import { IdleWatches } from "./idle-watches.ts";
import { Load } from "./load.ts";
import { now } from "./load-protocol.ts";
import { MemoryWatch } from "./memory-watch.ts";

const watches = 9_999;
const writers = 8;
const writePauseMs = 5;
const settleMs = 2_000;
/** Alternating, so that whatever else the machine does meets both. */
const stretchMs = 3_000;
const stretches = 3;
const dearerMax = 1.3;

export const watchers: Experiment = {
  name: "watchers",
  claim: "Ten thousand watches on a node cost only those whose keys change.",
  does:
    `Three nodes; ${writers} clients put at the leader, and one watch on each follower sees every put. One follower has ${formatCount(watches)} watches of other ` +
    "keys and ranges beside it, then the other: what a put costs each of them is compared, the same puts at the same time.",
  async run(stage: Stage) {
    const nodes = await stage.cluster(3);
    const leader = await leaderOf(nodes);
    const [one, other] = nodes.filter((node) => node !== leader);
    if (one === undefined || other === undefined) throw new Error("there are two followers");
    const rounds = [await round(leader, one, other), await round(leader, other, one)];
    return checksOf(rounds);
  },
};

interface Round {
  /** Microseconds of processor time that a put took, without what the node takes when nothing is written. */
  readonly watchedUs: number;
  readonly unwatchedUs: number;
  /** Milliseconds of processor time a second when nothing is written. */
  readonly watchedIdleMs: number;
  readonly unwatchedIdleMs: number;
  readonly puts: number;
  readonly grownMiB: number;
  /** Events that the two watches of the puts were given. */
  readonly seen: readonly number[];
  /** Events that the others were given. */
  readonly strayed: number;
}

async function round(leader: StagedNode, watched: StagedNode, unwatched: StagedNode): Promise<Round> {
  const memory = new MemoryWatch([watched]);
  const idle = new IdleWatches(watched.url);
  const seeing = [new IdleWatches(watched.url), new IdleWatches(unwatched.url)];
  const prefix = `put-${watched.id}/`;
  try {
    for (const each of seeing) await each.open([`prefix=${prefix}`]);
    await idle.open(Array.from({ length: watches }, (_, number) => queryOf(number)));
    await pause(settleMs);
    const used = { writing: [0, 0], idle: [0, 0] };
    let puts = 0;
    for (let stretch = 0; stretch < stretches; stretch++) {
      used.idle = sum(used.idle, await usedBy([watched, unwatched], () => pause(stretchMs)));
      const writing = usedBy([watched, unwatched], async () => {
        puts += await putFor(leader, `${prefix}${stretch}-`);
      });
      used.writing = sum(used.writing, await writing);
    }
    await until(settleMs, async () => (seeing.every(({ events }) => events >= puts) ? true : undefined));
    const perPut = used.writing.map((ms, at) => ((ms - (used.idle[at] ?? 0)) * 1_000) / puts);
    const perSecond = used.idle.map((ms) => (ms * 1_000) / (stretches * stretchMs));
    return {
      watchedUs: perPut[0] ?? Number.NaN,
      unwatchedUs: perPut[1] ?? Number.NaN,
      watchedIdleMs: perSecond[0] ?? Number.NaN,
      unwatchedIdleMs: perSecond[1] ?? Number.NaN,
      puts,
      grownMiB: memory.grownMiB(watched).own,
      seen: seeing.map(({ events }) => events),
      strayed: idle.events,
    };
  } finally {
    memory.stop();
    for (const each of [idle, ...seeing]) each.close();
  }
}

/** Half of them watch a key, half a range; those overlap each other. */
function queryOf(number: number): string {
  const name = String(number).padStart(5, "0");
  return number % 2 === 0 ? `key=idle/${name}` : `start=idle/${name}&end=idle/${name}~`;
}

/** Gives how many were acknowledged. */
async function putFor(leader: StagedNode, prefix: string): Promise<number> {
  const load = new Load({ urls: [leader.url], writers, readers: 0, prefix, writePauseMs });
  try {
    await load.writesAfter(now(), stretchMs);
    await pause(stretchMs);
    return (await load.stop()).ackedAt.length;
  } finally {
    await load.terminate();
  }
}

async function usedBy(nodes: readonly StagedNode[], work: () => Promise<unknown>): Promise<number[]> {
  const before = nodes.map((node) => processorMs(node.process.pid));
  await work();
  return nodes.map((node, at) => processorMs(node.process.pid) - (before[at] ?? 0));
}

function sum(one: readonly number[], other: readonly number[]): number[] {
  return one.map((value, at) => value + (other[at] ?? 0));
}

function checksOf(rounds: readonly Round[]): readonly Check[] {
  const mean = (of: (each: Round) => number): number =>
    rounds.reduce((total, each) => total + of(each), 0) / rounds.length;
  const [watchedUs, unwatchedUs] = [mean((each) => each.watchedUs), mean((each) => each.unwatchedUs)];
  const puts = rounds.map((each) => each.puts);
  const ratio = watchedUs / unwatchedUs;
  const given = rounds.map(({ seen }) => seen.join(" and ")).join("; ");
  const complete = rounds.every((each) => each.puts > 0 && each.seen.every((events) => events === each.puts));
  const strayed = rounds.reduce((total, each) => total + each.strayed, 0);
  return [
    check(
      "puts in the two rounds; events given to those who watch them",
      "the same",
      `${puts.join("; ")}: ${given}`,
      complete,
    ),
    check("events given to those who watch other keys", "0", String(strayed), strayed === 0),
    check(
      "processor time of a put at a follower, with and without them",
      `<= ${dearerMax} times`,
      `${watchedUs.toFixed(0)} µs, ${unwatchedUs.toFixed(0)} µs: ${ratio.toFixed(2)}`,
      ratio <= dearerMax,
    ),
    check(
      "processor time a second when nothing is written (a sign of life each 10 s)",
      "",
      `${mean((each) => each.watchedIdleMs).toFixed(0)} ms, ${mean((each) => each.unwatchedIdleMs).toFixed(0)} ms`,
      true,
    ),
    check(
      "memory of a watch, its connection included",
      "",
      `${((mean((each) => each.grownMiB) * 1024) / watches).toFixed(0)} KiB`,
      true,
    ),
  ];
}

function check(what: string, wanted: string, measured: string, holds: boolean): Check {
  return { what, wanted, measured, holds };
}
