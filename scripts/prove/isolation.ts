/**
 * @module
 * Experiment: clients cannot disturb consensus, neither by blocking the leader's HTTP thread nor by flooding it.
 */

import { leaderOf, pause, type Stage, type StagedNode, type StatusView } from "../stage.ts";
import { formatCount, formatMs } from "../table.ts";
import type { Check, Experiment } from "./experiment.ts";
import { Load } from "./load.ts";
import { now } from "./load-protocol.ts";
import { type Histogram, quantileBetween, readHistogram } from "./metrics.ts";

const blockMs = 10_000;
const floodMs = 10_000;
const writers = 64;
const readersPerWriter = 8;
const tickMs = 100;
const gapMsMax = 2 * tickMs;

interface Snapshot {
  readonly views: readonly (StatusView | null)[];
  readonly histograms: readonly Histogram[];
}

export const isolation: Experiment = {
  name: "isolation",
  claim: "Clients cannot disturb consensus: with a blocked or flooded leader, heartbeats go on and nobody is elected.",
  does:
    `The leader's ingress thread is blocked solid for ${blockMs / 1_000} s; then ${writers} writers with ${readersPerWriter} reading ` +
    `connections each ask the leader as much as they can for ${floodMs / 1_000} s. Gaps are read from /metrics before and after.`,
  async run(stage: Stage) {
    const nodes = await stage.cluster(3);
    const leader = await leaderOf(nodes);
    const before = await snapshot(nodes, leader);
    const blockedMs = await block(leader);
    const between = await snapshot(nodes, leader);
    const flood = await floodLeader(leader);
    const after = await snapshot(nodes, leader);
    return [
      check("ingress blocked for", `>= ${formatMs(blockMs * 0.95)}`, formatMs(blockedMs), blockedMs >= blockMs * 0.95),
      ...gapChecks("blocked", nodes, leader, [before, between]),
      ...termChecks("blocked", nodes, leader, [before, between]),
      flood,
      ...gapChecks("flooded", nodes, leader, [between, after]),
      ...termChecks("flooded", nodes, leader, [between, after]),
    ];
  },
};

/** Resolves when the leader answers again; gives how long it did not. */
async function block(leader: StagedNode): Promise<number> {
  const startedAt = now();
  leader.process.stall("ingress", blockMs);
  // An answer within the first moments came from before the thread was blocked.
  for (;;) {
    const askedAt = now();
    await fetch(`${leader.url}/livez`);
    const waitedMs = now() - askedAt;
    if (waitedMs > blockMs / 2) return waitedMs;
    if (now() - startedAt > 2 * blockMs) return 0;
  }
}

async function floodLeader(leader: StagedNode): Promise<Check> {
  const readers = writers * readersPerWriter;
  const load = new Load({ urls: [leader.url], writers, readers, prefix: "isolation" });
  try {
    await pause(floodMs);
    const { writer, reads, refused, unknown, readsFailed } = await load.stop();
    const done = `${formatCount(writer.length)} writes, ${formatCount(reads)} reads`;
    const failed = `${refused} writes refused, ${unknown} unknown, ${readsFailed} reads failed`;
    return check("answered under the flood", "some", `${done}; ${failed}`, writer.length > 0 && reads > 0);
  } finally {
    await load.terminate();
  }
}

async function snapshot(nodes: readonly StagedNode[], leader: StagedNode): Promise<Snapshot> {
  const [views, histograms] = await Promise.all([
    Promise.all(nodes.map((node) => node.status())),
    Promise.all(nodes.map((node) => readHistogram(node.url, metricOf(node, leader)))),
  ]);
  return { views, histograms };
}

/** The leader measures what it sends, a follower what it hears. */
function metricOf(node: StagedNode, leader: StagedNode): string {
  return node === leader ? "balsa_heartbeat_gap_seconds" : "balsa_heartbeat_heard_gap_seconds";
}

type Span = readonly [Snapshot, Snapshot];

function gapChecks(phase: string, nodes: readonly StagedNode[], leader: StagedNode, [from, to]: Span): Check[] {
  return nodes.map((node, at) => {
    const gap = quantileBetween(from.histograms[at] ?? new Map(), to.histograms[at] ?? new Map(), 0.999);
    const gapMs = gap.upperBound * 1_000;
    const what = `${phase}: gap between heartbeats ${node === leader ? "sent by" : "heard by"} ${node.id}, p99.9`;
    const measured = gap.count === 0 ? "none counted" : `${formatMs(gapMs)} of ${formatCount(gap.count)}`;
    return check(what, `<= ${formatMs(gapMsMax)}`, measured, gapMs <= gapMsMax);
  });
}

function termChecks(phase: string, nodes: readonly StagedNode[], leader: StagedNode, [from, to]: Span): Check[] {
  return nodes.map((node, at) => {
    const [before, after] = [from.views[at], to.views[at]];
    const holds = before?.term !== undefined && before.term === after?.term && after.leaderId === leader.id;
    const wanted = `${before?.term} ${leader.id}`;
    return check(`${phase}: term and leader on ${node.id}`, wanted, `${after?.term} ${after?.leaderId}`, holds);
  });
}

function check(what: string, wanted: string, measured: string, holds: boolean): Check {
  return { what, wanted, measured, holds };
}
