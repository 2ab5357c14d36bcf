/**
 * @module
 * The bench beside yardsticks: three nodes and the load generator on this machine, a bare `node:http` server and etcd
 * beside them, all in turn, several rounds. Machines change their speed from second to second, so each figure is set
 * against the yardstick that was measured right beside it, and only these ratios count. It fails nothing.
 */

import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { leaderOf, Stage, type StagedNode } from "../stage.ts";
import { formatCount, median, renderTable } from "../table.ts";
import { autocannonTool } from "./autocannon.ts";
import { startEtcd } from "./etcd.ts";
import { connections, type LoadTool, type Measurement, type Scenario } from "./scenario.ts";
import {
  isPut,
  prefill,
  putWarmUpSeconds,
  type Target,
  targetsAt,
  value,
  valueBytes,
  warmUpOf,
  warmUpSeconds,
} from "./target.ts";
import { findWrk } from "./wrk.ts";

const rounds = 4;
const seconds = 1;
const helloName = "bare node:http";
const etcdName = "etcd, JSON gateway: put, new keys";

interface Targets {
  readonly hello: Scenario;
  readonly etcd: Scenario | null;
  readonly ours: readonly Target[];
}

/** One measurement, with how often a second the yardsticks answered right before and after. */
interface Compared extends Measurement {
  readonly helloPerSecond: number;
  /** Beside puts, when etcd is there. */
  readonly etcdPerSecond: number | null;
}

export async function benchBeside(): Promise<void> {
  const stage = new Stage();
  const hello = await startHello();
  try {
    const nodes = await stage.cluster(3);
    const leader = await leaderOf(nodes);
    const follower = nodes.find((node) => node !== leader) ?? leader;
    await prefill(leader.url);
    const etcd = await startEtcd(join(stage.directory, "etcd"));
    try {
      const tool = (await findWrk(stage.directory)) ?? autocannonTool;
      process.stdout.write(
        `${tool.name}, ${connections} connections, ${valueBytes} bytes, ${cpus().length} cores, Node ${process.version}, ` +
          `${rounds} rounds of ${seconds} s each after ${warmUpSeconds} s of warming up, puts ${putWarmUpSeconds} s${etcd === null ? ", no etcd on the path" : `, etcd ${etcd.version}`}\n`,
      );
      const targets = targetsOf(hello.origin, leader.url, follower.url, etcd?.leader);
      report(await measureAll(tool, targets), memoryOf(nodes));
    } finally {
      await etcd?.stop();
    }
  } finally {
    await hello.stop();
    await stage.close();
  }
}

function targetsOf(hello: string, leader: string, follower: string, etcd: string | undefined): Targets {
  // Sixteen characters of base64 are twelve bytes, whichever they are: the number makes the key unique.
  const body = JSON.stringify({ key: "bench/@", value: Buffer.from(value).toString("base64") }).replace(
    "bench/",
    "Bnch",
  );
  return {
    hello: { origin: hello, method: "GET", path: "/", query: "", keys: "none", body: "" },
    etcd:
      etcd === undefined ? null : { origin: etcd, method: "POST", path: "/v3/kv/put", query: "", keys: "new", body },
    ours: targetsAt({ leader, follower }),
  };
}

/** By target, one a round. */
async function measureAll(
  tool: LoadTool,
  { hello, etcd, ours }: Targets,
): Promise<ReadonlyMap<string, readonly Compared[]>> {
  const results = new Map<string, Compared[]>(ours.map(({ name }) => [name, []]));
  for (const { scenario } of ours) await tool.measure(scenario, 0, warmUpOf(scenario));
  if (etcd !== null) await tool.measure(etcd, 0, warmUpSeconds);
  await tool.measure(hello, 0, warmUpSeconds);
  let run = 0;
  const perSecond = async (scenario: Scenario): Promise<number> =>
    (await tool.measure(scenario, ++run, seconds)).perSecond;
  for (let round = 0; round < rounds; round++) {
    for (const { name, scenario } of ours) {
      const helloPerSecond = await perSecond(hello);
      const measured = await tool.measure(scenario, ++run, seconds);
      const etcdPerSecond = etcd === null || !isPut(scenario) ? null : await perSecond(etcd);
      results.get(name)?.push({ ...measured, helloPerSecond, etcdPerSecond });
    }
  }
  return results;
}

function report(results: ReadonlyMap<string, readonly Compared[]>, memory: string): void {
  const rows = [["", "per second", "p50 ms", "p99 ms", "failed", "× node:http", "× etcd"]];
  const short: string[] = [];
  const all = [...results.values()].flat();
  const yardstick = (name: string, rates: readonly number[]): void => {
    if (rates.length > 0) rows.push([name, formatCount(median(rates)), "", "", "", "", ""]);
  };
  yardstick(
    helloName,
    all.map((one) => one.helloPerSecond),
  );
  yardstick(
    etcdName,
    all.flatMap((one) => one.etcdPerSecond ?? []),
  );
  for (const [name, measured] of results) {
    const toHello = spreadOf(measured.map((one) => one.perSecond / one.helloPerSecond));
    const besideEtcd = measured.flatMap((one) => (one.etcdPerSecond === null ? [] : one.perSecond / one.etcdPerSecond));
    const toEtcd = besideEtcd.length === 0 ? "" : spreadOf(besideEtcd);
    rows.push([
      name,
      formatCount(median(measured.map((one) => one.perSecond))),
      median(measured.map((one) => one.p50Ms)).toFixed(2),
      median(measured.map((one) => one.p99Ms)).toFixed(2),
      String(measured.reduce((sum, one) => sum + one.failed, 0)),
      toHello,
      toEtcd,
    ]);
    short.push(`${name} ${toHello}${toEtcd === "" ? "" : `, ${toEtcd} etcd`}`);
  }
  process.stdout.write(renderTable(rows));
  process.stdout.write(`  resident memory of the nodes afterwards: ${memory}\n\n`);
  process.stdout.write(`- × bare \`node:http\`, median of ${rounds} (least–most): ${short.join("; ")}.\n`);
}

/** The median of the ratios, with the least and the most. */
function spreadOf(ratios: readonly number[]): string {
  return `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`;
}

async function startHello(): Promise<{ readonly origin: string; stop(): Promise<void> }> {
  const worker = new Worker(new URL("./hello-thread.js", import.meta.url));
  const port = await new Promise<number>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  return { origin: `http://127.0.0.1:${port}`, stop: async () => void (await worker.terminate()) };
}

/** As Linux tells it; elsewhere it is not known. */
function memoryOf(nodes: readonly StagedNode[]): string {
  try {
    const kibibytes = nodes.map(
      (node) => /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${node.process.pid}/status`, "utf8"))?.[1],
    );
    return kibibytes.map((text) => `${Math.round(Number(text) / 1024)} MiB`).join(", ");
  } catch {
    return "not known on this system";
  }
}
