/**
 * @module
 * Experiment: more clients than a node can serve, slow ones, and some that send rubbish.
 */

import { randomInt } from "node:crypto";
import { autocannonTool } from "../bench/autocannon.ts";
import type { LoadTool } from "../bench/scenario.ts";
import { findWrk } from "../bench/wrk.ts";
import { leaderOf, pause, type Stage, type StagedNode } from "../stage.ts";
import { formatCount, formatMs, median } from "../table.ts";
import { BadClients } from "./bad-clients.ts";
import { besideBurst } from "./burst.ts";
import type { Check, Experiment } from "./experiment.ts";
import { Load } from "./load.ts";
import { type LoadReport, now } from "./load-protocol.ts";
import { Dice, type Sent, sendFrames, sendRequests } from "./malformed.ts";
import { MemoryWatch } from "./memory-watch.ts";
import { quantileBetween, readHistogram } from "./metrics.ts";

const connectionCounts = [64, 256, 2_560] as const;
const warmMs = 2_000;
const countedMs = 5_000;
const loadValueBytes = 256;
const shareOfPeakMin = 0.8;
const badClientsEach = 200;
const shareBesideBadMin = 0.5;
const memoryMaxMiB = 1_024;
const burstValueBytes = 64 * 1024;
const besideBurstMsMax = 1_000;
const besideBurstLongestMsMax = 3_000;
const requestCount = 1_000;
const frameCount = 10_000;
const threadMsMax = 50;
const answerMsMax = 1_000;

export const overload: Experiment = {
  name: "overload",
  claim:
    "Too many clients, slow ones and rubbish cost throughput at most: nobody is elected, no memory is lost, nothing hangs.",
  does:
    `Three nodes; ${connectionCounts.map(formatCount).join(", ")} connections that write as fast as they are answered; ${formatCount(2_560)} writes of ` +
    `${burstValueBytes / 1024} KiB at one node at once; ${badClientsEach} each of clients that read nothing, trickle or are mute; ` +
    `${formatCount(requestCount)} malformed requests and ${formatCount(frameCount)} malformed frames of peers.`,
  async run(stage: Stage) {
    const nodes = await stage.cluster(3);
    const memory = new MemoryWatch(nodes);
    const leader = await leaderOf(nodes);
    const before = await leader.status();
    const phases: readonly (readonly [string, () => Promise<readonly Check[]>])[] = [
      ["connections", async () => throughputChecks(nodes, (await findWrk(stage.directory)) ?? autocannonTool)],
      ["burst", () => burstChecks(leader)],
      ["bad clients", () => badClientChecks(nodes)],
      ["rubbish", () => malformedChecks(nodes)],
    ];
    const checks: Check[] = [];
    for (const [phase, run] of phases) {
      memory.phase = phase;
      checks.push(...(await run()));
    }
    const after = await leader.status();
    memory.stop();
    const kept = before !== null && before.term === after?.term && after.role === "leader";
    return [
      ...checks,
      check(
        "term and role of the leader all the while",
        `${before?.term} leader`,
        `${after?.term} ${after?.role}`,
        kept,
      ),
      ...nodes.map((node) => memoryCheck(node, memory)),
    ];
  },
};

interface Loaded {
  readonly report: LoadReport;
  readonly from: number;
}

async function loadWith(
  nodes: readonly StagedNode[],
  writers: number,
  meanwhile?: () => Promise<void>,
): Promise<Loaded> {
  const load = new Load({ urls: nodes.map(({ url }) => url), writers, readers: 0, prefix: `load-${now()}` });
  try {
    await pause(warmMs);
    const from = now();
    await Promise.all([pause(countedMs), meanwhile?.()]);
    return { report: await load.stop(), from };
  } finally {
    await load.terminate();
  }
}

/** Acknowledgements a second, after the warming up. */
function rateOf({ report, from }: Loaded): number {
  return report.ackedAt.filter((at) => at >= from && at < from + countedMs).length / (countedMs / 1_000);
}

/** By a tool in processes of its own, one a node: a client that is busy itself would be what is measured. */
async function throughputChecks(nodes: readonly StagedNode[], tool: LoadTool): Promise<readonly Check[]> {
  const rates: number[] = [];
  let failed = 0;
  for (const [run, connections] of connectionCounts.entries()) {
    await writeWith(tool, nodes, connections, { run: 2 * run, seconds: warmMs / 1_000 });
    const written = await writeWith(tool, nodes, connections, { run: 2 * run + 1, seconds: countedMs / 1_000 });
    rates.push(written.perSecond);
    failed += written.failed;
  }
  const peak = Math.max(...rates);
  const last = rates.at(-1) ?? 0;
  const measured = rates.map((rate, at) => `${formatCount(rate)}/s with ${connectionCounts[at]}`).join(", ");
  const wanted = `>= ${shareOfPeakMin} of the peak with ${connectionCounts.at(-1)}`;
  return [
    check(
      `writes by connections (${tool.name})`,
      wanted,
      `${measured}: ${(last / peak).toFixed(2)}`,
      last >= shareOfPeakMin * peak,
    ),
    check("not acknowledged among them", "0", String(failed), failed === 0),
  ];
}

interface Shot {
  readonly run: number;
  readonly seconds: number;
}

/** So many connections, spread over the nodes; every write is of a new key. */
async function writeWith(
  tool: LoadTool,
  nodes: readonly StagedNode[],
  connections: number,
  { run, seconds }: Shot,
): Promise<{ readonly perSecond: number; readonly failed: number }> {
  const shares = await Promise.all(
    nodes.map(({ url: origin }, at) => {
      const share = Math.ceil(connections / nodes.length);
      const body = "x".repeat(loadValueBytes);
      const path = `/key/load-${at}-`;
      return tool.measure(
        { origin, method: "PUT", path, query: "", keys: "new", connections: share, body },
        run,
        seconds,
      );
    }),
  );
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  return { perSecond: sum(shares.map((share) => share.perSecond)), failed: sum(shares.map((share) => share.failed)) };
}

async function burstChecks(leader: StagedNode): Promise<readonly Check[]> {
  const { report, answeredMs } = await besideBurst({ url: leader.url, count: 2_560, valueBytes: burstValueBytes });
  const { acknowledged, refused, odd, example } = report;
  const middle = median(answeredMs);
  const what = `${formatCount(2_560)} writes of ${burstValueBytes / 1024} KiB at once`;
  return [
    check(
      `${what}: acknowledged / refused`,
      "some / some",
      `${acknowledged} / ${refused}`,
      acknowledged > 0 && refused > 0,
    ),
    check(
      `${what}: neither that nor 503 with Retry-After`,
      "0",
      example === null ? String(odd) : `${odd} (${example})`,
      odd === 0,
    ),
    check(
      "one more client meanwhile: answered, yes or no, median and longest",
      `<= ${formatMs(besideBurstMsMax)}, <= ${formatMs(besideBurstLongestMsMax)}`,
      `${formatMs(middle)}, ${formatMs(Math.max(...answeredMs))} of ${answeredMs.length}`,
      middle <= besideBurstMsMax && Math.max(...answeredMs) <= besideBurstLongestMsMax,
    ),
  ];
}

async function badClientChecks(nodes: readonly StagedNode[]): Promise<readonly Check[]> {
  const usual = rateOf(await loadWith(nodes, connectionCounts[0]));
  const [first] = nodes;
  await fetch(`${first?.url}/key/large`, { method: "PUT", body: "x".repeat(1_000_000) });
  const bad = new BadClients(nodes.map(addressOf), badClientsEach, "/key/large");
  try {
    const loaded = await loadWith(nodes, connectionCounts[0]);
    const rate = rateOf(loaded);
    const { refused, unknown } = loaded.report;
    return [
      check(
        `beside ${3 * badClientsEach} bad clients: writes`,
        `>= ${shareBesideBadMin} of the usual ${formatCount(usual)}/s`,
        `${formatCount(rate)}/s`,
        rate >= shareBesideBadMin * usual,
      ),
      check("refused or unknown among them", "0", String(refused + unknown), refused + unknown === 0),
    ];
  } finally {
    bad.close();
  }
}

async function malformedChecks(nodes: readonly StagedNode[]): Promise<readonly Check[]> {
  const seed = Number(process.env["BALSA_FUZZ_SEED"] ?? randomInt(1, 2 ** 31));
  const usualMs = await longestDelayDuring(nodes, async () => void (await loadWith(nodes, 16)));
  const sent: Sent[] = [];
  let loaded: Loaded | undefined;
  const delayedMs = await longestDelayDuring(nodes, async () => {
    loaded = await loadWith(nodes, 16, async () => void sent.push(...(await sendRubbish(nodes, seed))));
  });
  const report = loaded?.report;
  const slowest = Math.max(...Array.from(report?.sentAt ?? [], (sentAt, at) => (report?.ackedAt[at] ?? 0) - sentAt));
  const failed = (report?.refused ?? 0) + (report?.unknown ?? 0);
  return [
    check("seed of the rubbish (BALSA_FUZZ_SEED)", "", String(seed), true),
    ...sent.map((one, at) => {
      const what = `malformed ${at === 0 ? "requests" : "frames"}: left hanging`;
      return check(
        what,
        "0",
        `${one.hanging} of ${formatCount(one.count)}, longest ${formatMs(one.longestMs)}`,
        one.hanging === 0,
      );
    }),
    check(
      "nodes that still run",
      String(nodes.length),
      String(nodes.filter((node) => node.process.running).length),
      nodes.every((node) => node.process.running),
    ),
    check(
      "writes beside the rubbish: longest",
      `<= ${formatMs(answerMsMax)}`,
      formatMs(slowest),
      slowest <= answerMsMax,
    ),
    check("writes beside the rubbish: refused or unknown", "0", String(failed), failed === 0),
    check(
      "longest delay of a thread, without and with rubbish",
      `<= ${threadMsMax} ms more`,
      `${formatMs(usualMs)}, ${formatMs(delayedMs)}`,
      delayedMs <= usualMs + threadMsMax,
    ),
  ];
}

async function sendRubbish(nodes: readonly StagedNode[], seed: number): Promise<readonly Sent[]> {
  const [target] = nodes;
  if (target === undefined) return [];
  const status = (await (await fetch(`${target.url}/status`)).json()) as {
    clusterId: string;
    members: { id: string; raftAddr: string }[];
  };
  const raftAddr = status.members.find(({ id }) => id === target.id)?.raftAddr ?? "";
  const hello = {
    clusterId: status.clusterId,
    to: target.id,
    incarnation: "stranger",
    purpose: "messages",
    raftAddr: "",
    voteHoldMs: 0,
  } as const;
  const [requests, frames] = [new Dice(seed), new Dice(seed + 1)];
  return [
    await sendRequests(addressOf(target), requestCount, requests),
    await sendFrames(splitAddress(raftAddr), hello, frameCount, frames),
  ];
}

/** The upper bound of the bucket that holds the longest delay of any thread of any node. */
async function longestDelayDuring(nodes: readonly StagedNode[], work: () => Promise<void>): Promise<number> {
  const read = () => Promise.all(nodes.map((node) => readHistogram(node.url, "balsa_event_loop_delay_seconds")));
  const before = await read();
  await work();
  const after = await read();
  return Math.max(
    ...after.map((histogram, at) => quantileBetween(before[at] ?? new Map(), histogram, 1).upperBound * 1_000),
  );
}

function memoryCheck(node: StagedNode, memory: MemoryWatch): Check {
  const { mebibytes, phase } = memory.most(node);
  return check(
    `most memory that ${node.id} held`,
    `<= ${memoryMaxMiB} MiB`,
    `${mebibytes} MiB (${phase})`,
    mebibytes > 0 && mebibytes <= memoryMaxMiB,
  );
}

function addressOf(node: StagedNode): { readonly host: string; readonly port: number } {
  return splitAddress(new URL(node.url).host);
}

function splitAddress(text: string): { readonly host: string; readonly port: number } {
  const colon = text.lastIndexOf(":");
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}

function check(what: string, wanted: string, measured: string, holds: boolean): Check {
  return { what, wanted, measured, holds };
}
