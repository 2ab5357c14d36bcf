/**
 * @module
 * Experiment: a million keys are listed while others write among them.
 */

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { leaderOf, pause, type Stage, type StagedNode } from "../stage.ts";
import { formatCount, formatMs } from "../table.ts";
import type { Check, Experiment, RunOptions } from "./experiment.ts";
import { type Listed, listAsStream, listByPages } from "./listing.ts";
import { Load } from "./load.ts";
import { keyOf, type LoadReport, now } from "./load-protocol.ts";
import { MemoryWatch } from "./memory-watch.ts";

const defaultKeys = 1_000_000;
const keysAtOnce = 5_000;
const loadsAtOnce = 4;
const writers = 8;
const writePauseMs = 20;
/** Before, between and after the listings: a node that has just been loaded is slower than one that is used to single writes. */
const aloneMs = 4_000;
const settleMs = 3_000;
const memoryMibMax = 60;
/** Files are mapped for the program's code, too. */
const codeMibMax = 16;
const slowerMax = 2;
const prefix = "range/";

export const ranges: Experiment = {
  name: "ranges",
  claim:
    "Ranges of any size are listed as of one revision while writes go on, in little memory and without holding them up.",
  does:
    `Three nodes with ${formatCount(defaultKeys)} keys (--keys); ${writers} clients put new ones beside them with pauses of ${writePauseMs} ms, ` +
    "now alone, now while the leader lists all by pages of 10 000, now while it streams them.",
  async run(stage: Stage, { keys = defaultKeys }: RunOptions) {
    const nodes = await stage.cluster(3);
    const leader = await leaderOf(nodes);
    const loading = await loadKeys(leader, keys);
    await pause(settleMs);
    const load = new Load({ urls: [leader.url], writers, readers: 0, prefix: `${prefix}k-new`, writePauseMs });
    try {
      await load.writesAfter(now(), settleMs);
      return await listBeside(leader, load, keys, loading);
    } finally {
      await load.terminate();
    }
  },
};

async function listBeside(leader: StagedNode, load: Load, keys: number, loadingMs: number): Promise<readonly Check[]> {
  const loaded = { count: keys, isLoaded: (key: string) => !key.startsWith(load.prefix) };
  const alone = await measured(leader, () => pause(aloneMs));
  const pages = await measured(leader, () => listByPages(leader.url, prefix, loaded));
  const between = await measured(leader, () => pause(aloneMs));
  const stream = await measured(leader, () => listAsStream(leader.url, prefix, loaded));
  const after = await measured(leader, () => pause(aloneMs));
  const report = await load.stop();
  const usual = p99Of(report, [alone, between, after]);
  return [
    check("keys loaded, and how long it took", "", `${formatCount(keys)}, ${formatMs(loadingMs)}`, true),
    check("without a listing: the node's own memory grew by", "", `${alone.grownMiB.own} MiB`, true),
    ...listingChecks("by pages", pages, report, usual),
    ...listingChecks("as a stream", stream, report, usual),
    check(
      "writes refused or unknown",
      "0",
      String(report.refused + report.unknown),
      report.refused + report.unknown === 0,
    ),
  ];
}

interface Measured<Result> {
  readonly result: Result;
  readonly from: number;
  readonly to: number;
  /** Most that the node held above what it held before, and most that was mapped. */
  readonly grownMiB: { readonly own: number; readonly mapped: number };
  /** All tables of its databases, on disk. */
  readonly tablesMiB: number;
}

async function measured<Result>(node: StagedNode, work: () => Promise<Result>): Promise<Measured<Result>> {
  const memory = new MemoryWatch([node]);
  const from = now();
  try {
    const result = await work();
    return { result, from, to: now(), grownMiB: memory.grownMiB(node), tablesMiB: tablesMiB(node) };
  } finally {
    memory.stop();
  }
}

function tablesMiB({ data }: StagedNode): number {
  const tables = readdirSync(data, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ldb"));
  // Compaction may have removed one since.
  const sizes = tables.map((file) => statSync(join(data, file), { throwIfNoEntry: false })?.size ?? 0);
  return Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / 1024 / 1024);
}

function listingChecks(
  how: string,
  { result, from, to, grownMiB, tablesMiB: tables }: Measured<Listed>,
  report: LoadReport,
  usual: number,
): readonly Check[] {
  const p99 = p99Of(report, [{ from, to }]);
  const lost = missedOf(report, from, result.others);
  const { revisions, missing, misplaced, tooNew, items, ms } = result;
  return [
    check(`${how}: items, and how long it took`, "", `${formatCount(items)}, ${formatMs(ms)}`, true),
    check(`${how}: revisions that it shows`, "1", String(revisions.length), revisions.length === 1),
    check(`${how}: loaded keys missing`, "0", String(missing), missing === 0),
    check(`${how}: writes missing that were acknowledged before it began`, "0", String(lost), lost === 0),
    check(
      `${how}: out of order / from after its revision`,
      "0 / 0",
      `${misplaced} / ${tooNew}`,
      misplaced + tooNew === 0,
    ),
    check(
      `${how}: the node's own memory grew by`,
      `<= ${memoryMibMax} MiB`,
      `${grownMiB.own} MiB`,
      grownMiB.own <= memoryMibMax,
    ),
    check(
      `${how}: of its tables' files, mapped on top`,
      `<= ${tables} MiB, which is all, and ${codeMibMax} MiB of code`,
      `${grownMiB.mapped} MiB`,
      grownMiB.mapped <= tables + codeMibMax,
    ),
    check(
      `${how}: writes, p99, alone and beside it`,
      `<= ${slowerMax} times`,
      `${formatMs(usual)}, ${formatMs(p99)}: ${(p99 / usual).toFixed(2)}`,
      p99 <= slowerMax * usual,
    ),
  ];
}

function missedOf({ writer, sequence, ackedAt }: LoadReport, from: number, shown: ReadonlySet<string>): number {
  let missed = 0;
  for (const [at, acked] of ackedAt.entries()) {
    if (acked < from && !shown.has(keyOf(`${prefix}k-new`, writer[at] ?? 0, sequence[at] ?? 0))) missed += 1;
  }
  return missed;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** Of the writes within one of the spans. NaN, which is at most nothing, when nothing was written. */
function p99Of({ sentAt, ackedAt }: LoadReport, spans: readonly Span[]): number {
  const times = [...ackedAt.entries()].flatMap(([at, acked]) => {
    const sent = sentAt[at] ?? 0;
    return spans.some(({ from, to }) => sent >= from && acked <= to) ? [acked - sent] : [];
  });
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length * 0.99)] ?? Number.NaN;
}

/** Puts them by thousands in one command each. Gives how long it took, in milliseconds. */
async function loadKeys(node: StagedNode, count: number): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const from = next;
      next = Math.min(count, next + keysAtOnce);
      const pairs = Array.from({ length: next - from }, (_, at) => pairAt(from + at));
      const body = JSON.stringify(Object.fromEntries(pairs));
      const headers = { "content-type": "application/json", "balsa-timeout": "30s" };
      const answer = await fetch(`${node.url}/key`, { method: "POST", headers, body });
      if (answer.status !== 200) throw new Error(`loading answered ${answer.status}: ${await answer.text()}`);
      await answer.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: loadsAtOnce }, lane));
  return performance.now() - startedAt;
}

function pairAt(number: number): readonly [string, string] {
  return [`${prefix}k${String(number).padStart(9, "0")}`, `value of ${number}`.padEnd(32, ".")];
}

function check(what: string, wanted: string, shown: string, holds: boolean): Check {
  return { what, wanted, measured: shown, holds };
}
