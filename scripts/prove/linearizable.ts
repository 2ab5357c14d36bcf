/**
 * @module
 * Experiment: what clients see of three and of five nodes under faults could have been seen of one register a key.
 */

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkHistory, type Report } from "../history/check.ts";
import { explain } from "../history/explain.ts";
import { historyOf, type Recorded, writeJsonLines } from "../history/json-lines.ts";
import { revisionBreaches } from "../history/revisions.ts";
import { leaderOf, type Stage } from "../stage.ts";
import { formatCount, formatMs } from "../table.ts";
import type { Check, Experiment } from "./experiment.ts";
import { type Injected, injectFaults } from "./faults.ts";
import { HistoryClients } from "./history-clients.ts";
import { PeerNetwork } from "./peer-network.ts";

const defaultSeconds = 60;
const lanes = 4;
const clientsPerLane = 8;
const sizes = [3, 5] as const;

export const linearizable: Experiment = {
  name: "linearizable",
  claim: "Reads and writes of one key are linearizable, whatever is killed, paused or cut off.",
  does:
    `Three nodes, then five, ${defaultSeconds} s together (--seconds N): ${lanes} keys at a time with ${clientsPerLane} clients each, who get, ` +
    "put, delete and compare-and-set on random nodes, while nodes are killed and started again, paused, and cut off from " +
    "each other in eight shapes. What every client saw goes to a file and to the checker.",
  async run(stage: Stage, { seconds = defaultSeconds }) {
    const directory = mkdtempSync(join(tmpdir(), "balsa-history-"));
    const checks: Check[] = [];
    for (const size of sizes) {
      const forMs = (seconds / sizes.length) * 1_000;
      checks.push(...(await underFaults(stage, size, { forMs, path: join(directory, `${size}-nodes.jsonl`) })));
    }
    return checks;
  },
};

interface Run {
  readonly forMs: number;
  /** Where the history is written. */
  readonly path: string;
}

async function underFaults(stage: Stage, size: number, { forMs, path }: Run): Promise<readonly Check[]> {
  const network = new PeerNetwork();
  const nodes = await stage.cluster(size, (id, port) => network.before(id, port));
  const clients = new HistoryClients({ nodes, lanes, clientsPerLane, prefix: `n${size}` });
  let injected: readonly Injected[] = [];
  const startedAt = performance.now();
  try {
    await leaderOf(nodes);
    injected = await injectFaults(nodes, network, forMs);
    await clients.stop();
    await clients.readAll();
  } finally {
    await clients.stop();
    // Also when the nodes have failed: what was seen until then is worth a look.
    writeFileSync(path, writeJsonLines(clients.recorded));
    process.stdout.write(
      `  ${size} nodes, ${formatMs(performance.now() - startedAt)}: the history is in ${path} (npm run check-history -- ${path})\n`,
    );
  }
  await Promise.all(nodes.map((node) => node.kill()));
  await network.close();
  return checksOf(`${size} nodes`, clients.recorded, injected);
}

function checksOf(name: string, recorded: readonly Recorded[], injected: readonly Injected[]): readonly Check[] {
  const report = checkHistory(historyOf(recorded));
  if (report.verdict !== "linearizable") process.stdout.write(`  ${name}: ${explain(report)}`);
  const breaches = revisionBreaches(recorded);
  const resumption = (what: string, majority: boolean): Check => {
    const faults = injected.filter(({ leavesMajority }) => leavesMajority === majority);
    return { what, wanted: "", measured: slowestResumptions(recorded, faults), holds: true };
  };
  return [
    { what: `${name}: operations`, wanted: "every kind", measured: kindsOf(recorded), holds: hasEveryKind(recorded) },
    {
      what: `${name}: answered / failed / unknown`,
      wanted: "",
      measured: ["ok", "failed", "unknown"].map((outcome) => formatCount(countOf(recorded, outcome))).join(" / "),
      holds: true,
    },
    { what: `${name}: faults`, wanted: "some", measured: summary(injected), holds: injected.length > 0 },
    {
      what: `${name}: longest time without an acknowledged write`,
      wanted: "",
      measured: formatMs(longestGap(recorded)),
      holds: true,
    },
    resumption(`${name}: writes again after a fault that leaves a majority`, true),
    resumption(`${name}: writes again after the end of one that leaves none`, false),
    {
      what: `${name}: revisions that go back, or differ for one value`,
      wanted: "0",
      measured: `${breaches.length}${breaches.length === 0 ? "" : ` (${breaches[0]})`}`,
      holds: breaches.length === 0,
    },
    {
      what: `${name}: the history is`,
      wanted: "linearizable",
      measured: verdictOf(report),
      holds: report.verdict === "linearizable",
    },
  ];
}

function verdictOf({ verdict, keys, configurations }: Report): string {
  return `${verdict} (${formatCount(keys)} keys, ${formatCount(configurations)} configurations met)`;
}

const kinds = ["get", "put", "delete", "compareAndSet"] as const;

function kindsOf(recorded: readonly Recorded[]): string {
  const counts = kinds.map(
    (kind) => `${formatCount(recorded.filter((operation) => operation.do === kind).length)} ${kind}`,
  );
  return counts.join(", ");
}

/** Also of each kind of answer: a history without refused compareAndSets would prove little about them. */
function hasEveryKind(recorded: readonly Recorded[]): boolean {
  const seen = new Set(
    recorded.filter(({ outcome }) => outcome === "ok").map((operation) => `${operation.do} ${operation.answer ?? ""}`),
  );
  const wanted = ["get ", "put ", "delete true", "delete false", "compareAndSet true", "compareAndSet false"];
  return wanted.every((kind) => seen.has(kind));
}

function countOf(recorded: readonly Recorded[], outcome: string): number {
  return recorded.filter((operation) => operation.outcome === outcome).length;
}

/** `3 kill -9 of the leader, …`. */
function summary(injected: readonly Injected[]): string {
  const names = [...new Set(injected.map(({ name }) => name))];
  const counts = names.map((name) => `${injected.filter((other) => other.name === name).length} ${name}`);
  return `${injected.length}: ${counts.join(", ")}`;
}

/**
 * The three longest: from the beginning of a fault that leaves a majority, from the end of any other, to the first
 * acknowledgement of a write that was sent after it.
 */
function slowestResumptions(recorded: readonly Recorded[], faults: readonly Injected[]): string {
  const writes = recorded.filter((operation) => operation.do !== "get" && operation.outcome === "ok");
  const waits = faults.map(({ name, leavesMajority, beganAt, endedAt }) => {
    const since = leavesMajority ? beganAt : endedAt;
    const acknowledged = writes.flatMap(({ from, to }) => (from > since && to !== undefined ? [to] : []));
    return { name, ms: acknowledged.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY) - since };
  });
  waits.sort((a, b) => b.ms - a.ms);
  const longest = waits.slice(0, 3).map(({ name, ms }) => `${formatMs(ms)} (${name})`);
  return longest.length === 0 ? "none" : longest.join(", ");
}

/** Between two acknowledgements of writes, whichever key and client. */
function longestGap(recorded: readonly Recorded[]): number {
  const acknowledged = recorded
    .filter((operation) => operation.do !== "get" && operation.outcome === "ok")
    .map(({ to }) => to ?? 0)
    .sort((a, b) => a - b);
  return acknowledged.reduce((longest, at, index) => Math.max(longest, at - (acknowledged[index - 1] ?? at)), 0);
}
