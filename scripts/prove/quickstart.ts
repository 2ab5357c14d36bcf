/**
 * @module
 * Experiment: what the README's first page promises, typed in as a user would.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { binary } from "../node-process.ts";
import { freePortRow } from "../ports.ts";
import { type Stage, until } from "../stage.ts";
import { formatMs } from "../table.ts";
import type { Check, Experiment } from "./experiment.ts";
import { now } from "./load-protocol.ts";

const clusterReadyMsMax = 3_000;
const aloneReadyMsMax = 1_000;
const giveUpMs = 60_000;

export const quickstart: Experiment = {
  name: "quickstart",
  claim: "One command brings up three nodes within 3 s; any node takes any request, and the loss of one is survived.",
  does:
    "balsa cluster --nodes 3 on an empty directory; PUT on the first node, GET on the last; kill -9 of the leader; " +
    "PUT and GET on the others; SIGTERM. Then one node alone.",
  async run(stage: Stage) {
    const alone = await startAlone(stage);
    const cluster = await LaunchedCluster.start(join(stage.directory, "cluster"));
    process.once("exit", cluster.kill);
    try {
      return [alone, ...(await useCluster(cluster)), await endCluster(cluster)];
    } finally {
      cluster.kill();
      process.off("exit", cluster.kill);
    }
  },
};

async function startAlone(stage: Stage): Promise<Check> {
  const startedAt = now();
  const [node] = await stage.cluster(1);
  const readyMs = now() - startedAt;
  await node?.kill();
  return within("one node alone is ready", aloneReadyMsMax, readyMs);
}

async function useCluster(cluster: LaunchedCluster): Promise<readonly Check[]> {
  const [first = "", , last = ""] = cluster.urls;
  const put = await send(`${first}/key/a`, "hello");
  const got = await ask(`${last}/key/a`);
  const leader = await leaderAt(cluster.urls);
  const pid = cluster.pids.get(leader.id);
  if (pid === undefined) throw new Error(`the launcher did not say the pid of ${leader.id}`);
  const killedAt = now();
  process.kill(pid, "SIGKILL");
  const others = cluster.urls.filter((url) => url !== leader.url);
  const [one = "", other = ""] = others;
  const resumed = await until(giveUpMs, async () =>
    (await send(`${one}/key/b`, "again")) === 204 ? now() : undefined,
  );
  const kept = await Promise.all(others.map((url) => ask(`${url}/key/a`)));
  const fresh = await ask(`${other}/key/b`);
  return [
    within("three nodes are ready", clusterReadyMsMax, cluster.readyMs),
    same("PUT on the first node", "204", String(put)),
    same("GET on the last node", "200 hello", got),
    within(
      `kill -9 of the leader (${leader.id}); writes again`,
      2_000,
      (resumed ?? Number.POSITIVE_INFINITY) - killedAt,
    ),
    same("the first key on both that are left", "200 hello, 200 hello", kept.join(", ")),
    same("what was written after it, on the other", "200 again", fresh),
  ];
}

async function endCluster(cluster: LaunchedCluster): Promise<Check> {
  const startedAt = now();
  const code = await cluster.terminate();
  const left = [...cluster.pids.values()].filter(isAlive).length;
  const measured = `exit ${code} after ${formatMs(now() - startedAt)}, ${left} processes left`;
  const holds = code === 0 && left === 0 && now() - startedAt < 10_000;
  return { what: "SIGTERM to the launcher", wanted: "exit 0 within 10 s, 0 processes left", measured, holds };
}

/** A `balsa cluster` as a user starts it; everything about it is learned from what it prints. */
class LaunchedCluster {
  readonly urls: readonly string[];
  readonly pids: ReadonlyMap<string, number>;
  readonly readyMs: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;

  private constructor(child: ChildProcess, seen: { urls: string[]; pids: Map<string, number>; readyMs: number }) {
    this.#child = child;
    this.urls = seen.urls;
    this.pids = seen.pids;
    this.readyMs = seen.readyMs;
    this.#ended = new Promise((resolve) => {
      child.once("exit", (code) => resolve(code));
    });
  }

  static async start(directory: string): Promise<LaunchedCluster> {
    const [httpPort, raftPort] = [await freePortRow(3), await freePortRow(3)];
    const args = ["cluster", "--nodes", "3", "--data", directory, "--log-level", "warn"];
    const ports = ["--http-port", String(httpPort), "--raft-port", String(raftPort)];
    const startedAt = now();
    const child = spawn(process.execPath, [binary, ...args, ...ports], { stdio: ["ignore", "pipe", "pipe"] });
    const pids = new Map<string, number>();
    createInterface({ input: child.stderr }).on("line", (line) => {
      const [, id, pid] = /^(n\d+) \| started, pid (\d+)/.exec(line) ?? [];
      if (id !== undefined) pids.set(id, Number(pid));
    });
    return await new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        if (!line.startsWith("cluster ready ")) return;
        const urls = line.split(" ").slice(2);
        resolve(new LaunchedCluster(child, { urls, pids, readyMs: now() - startedAt }));
      });
      child.once("exit", (code) => reject(new Error(`balsa cluster exited with code ${code} before it was ready`)));
    });
  }

  async terminate(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return await this.#ended;
  }

  /** Its nodes see their parent go and end too. */
  readonly kill = (): void => {
    if (this.#child.exitCode === null) this.#child.kill("SIGKILL");
  };
}

async function leaderAt(urls: readonly string[]): Promise<{ readonly id: string; readonly url: string }> {
  const found = await until(giveUpMs, async () => {
    for (const url of urls) {
      const status = (await (await fetch(`${url}/status`)).json()) as Readonly<Record<string, unknown>>;
      if (status["role"] === "leader") return { id: String(status["id"]), url };
    }
    return undefined;
  });
  if (found === undefined) throw new Error("no node leads");
  return found;
}

/** The status, or 0 when the connection failed. */
async function send(url: string, body: string): Promise<number> {
  const answer = await fetch(url, { method: "PUT", body }).catch(() => null);
  await answer?.arrayBuffer();
  return answer?.status ?? 0;
}

async function ask(url: string): Promise<string> {
  const answer = await fetch(url).catch(() => null);
  return answer === null ? "no answer" : `${answer.status} ${await answer.text()}`;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // Nobody has this pid any more.
  }
}

function within(what: string, most: number, measured: number): Check {
  return { what, wanted: `<= ${formatMs(most)}`, measured: formatMs(measured), holds: measured <= most };
}

function same(what: string, wanted: string, measured: string): Check {
  return { what, wanted, measured, holds: wanted === measured };
}
