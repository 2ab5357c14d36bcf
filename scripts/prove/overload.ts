/**
 * @module
 * Experiment: more clients than a node can serve, slow ones, and some that send rubbish.
 */

import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { leaderOf, pause, type Stage, type StagedNode } from "../stage.ts";
import { formatCount, formatMs, median } from "../table.ts";
import { BadClients } from "./bad-clients.ts";
import { burst } from "./burst.ts";
import type { Check, Experiment } from "./experiment.ts";
import { Load } from "./load.ts";
import { type LoadReport, now } from "./load-protocol.ts";
import { Dice, type Sent, sendFrames, sendRequests } from "./malformed.ts";
import { quantileBetween, readHistogram } from "./metrics.ts";

const connectionCounts = [64, 256, 2_560] as const;
const warmMs = 2_000;
const countedMs = 5_000;
const shareOfPeakMin = 0.8;
const badClientsEach = 200;
const shareBesideBadMin = 0.5;
const memoryMaxMiB = 1_024;
const burstValueBytes = 64 * 1024;
const refusalMsMax = 2_000;
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
    const leader = await leaderOf(nodes);
    const before = await leader.status();
    const rates: number[] = [];
    for (const connections of connectionCounts) rates.push(rateOf(await loadWith(nodes, connections)));
    const checks = [
      ...throughputChecks(rates),
      ...(await burstChecks(leader)),
      ...(await badClientChecks(nodes, rates[0] ?? 0)),
      ...(await malformedChecks(nodes)),
    ];
    const after = await leader.status();
    const kept = before !== null && before.term === after?.term && after.role === "leader";
    return [
      ...checks,
      check(
        "term and role of the leader all the while",
        `${before?.term} leader`,
        `${after?.term} ${after?.role}`,
        kept,
      ),
      ...nodes.map(memoryCheck),
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

function throughputChecks(rates: readonly number[]): readonly Check[] {
  const peak = Math.max(...rates);
  const last = rates.at(-1) ?? 0;
  const measured = rates.map((rate, at) => `${formatCount(rate)}/s with ${connectionCounts[at]}`).join(", ");
  const wanted = `>= ${shareOfPeakMin} of the peak with ${connectionCounts.at(-1)}`;
  return [
    check("writes by connections", wanted, `${measured}: ${(last / peak).toFixed(2)}`, last >= shareOfPeakMin * peak),
  ];
}

async function burstChecks(leader: StagedNode): Promise<readonly Check[]> {
  const { acknowledged, refused, odd, example, refusedMs } = await burst(leader.url, 2_560, burstValueBytes);
  const middle = median(refusedMs);
  const what = `${formatCount(2_560)} writes of ${burstValueBytes / 1024} KiB at once`;
  return [
    check(
      `${what}: acknowledged / refused`,
      "some / some",
      `${acknowledged} / ${refused}`,
      acknowledged > 0 && refused > 0,
    ),
    check(`${what}: neither of both`, "0", example === null ? String(odd) : `${odd} (${example})`, odd === 0),
    check(
      "the refusals, 503 with Retry-After, median",
      `<= ${formatMs(refusalMsMax)}`,
      formatMs(middle),
      middle <= refusalMsMax,
    ),
  ];
}

async function badClientChecks(nodes: readonly StagedNode[], usual: number): Promise<readonly Check[]> {
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
        `>= ${shareBesideBadMin} of usual`,
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

function memoryCheck(node: StagedNode): Check {
  const [, kibibytes = "0"] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${node.process.pid}/status`, "utf8")) ?? [];
  const mebibytes = Math.round(Number(kibibytes) / 1024);
  return check(
    `most memory that ${node.id} ever held`,
    `<= ${memoryMaxMiB} MiB`,
    `${mebibytes} MiB`,
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
