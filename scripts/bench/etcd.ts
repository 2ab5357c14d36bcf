/**
 * @module
 * Three etcd nodes on loopback, for the same measurement over their JSON gateway in the same run.
 */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePorts } from "../ports.ts";
import { pause, until } from "../stage.ts";

const members = 3;
const healthyMsMax = 20_000;

export interface EtcdCluster {
  /** `http://host:port` of the member that leads. */
  readonly leader: string;
  readonly version: string;
  stop(): Promise<void>;
}

/** Null when etcd is not on the path. Throws when it is and does not become healthy. */
export async function startEtcd(directory: string): Promise<EtcdCluster | null> {
  const version = await promisify(execFile)("etcd", ["--version"]).catch(() => null);
  if (version === null) return null;
  const ports = await freePorts(members * 2);
  const nodes = Array.from({ length: members }, (_, at) => ({
    name: `e${at + 1}`,
    client: `http://127.0.0.1:${ports[at * 2]}`,
    peer: `http://127.0.0.1:${ports[at * 2 + 1]}`,
  }));
  const cluster = nodes.map(({ name, peer }) => `${name}=${peer}`).join(",");
  const children = nodes.map(({ name, client, peer }) =>
    spawn(
      "etcd",
      [
        ...["--name", name, "--data-dir", join(directory, name), "--log-level", "error"],
        ...["--listen-client-urls", client, "--advertise-client-urls", client],
        ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
        ...["--initial-cluster", cluster, "--initial-cluster-state", "new"],
      ],
      { stdio: "ignore" },
    ),
  );
  const killAll = (): void => {
    for (const child of children) if (child.exitCode === null) child.kill("SIGKILL");
  };
  process.once("exit", killAll);
  const stop = async (): Promise<void> => {
    killAll();
    await Promise.all(children.map(endOf));
    process.off("exit", killAll);
  };
  const leader = await until(healthyMsMax, () => leaderOf(nodes.map(({ client }) => client)));
  if (leader === undefined) {
    await stop();
    throw new Error(`etcd is not healthy after ${healthyMsMax / 1_000} s`);
  }
  await pause(500);
  return { leader, version: /\d+\.\d+\.\d+/.exec(version.stdout)?.[0] ?? "?", stop };
}

async function leaderOf(urls: readonly string[]): Promise<string | undefined> {
  for (const url of urls) {
    const answer = await fetch(`${url}/v3/maintenance/status`, { method: "POST", body: "{}" }).catch(() => null);
    if (answer?.status !== 200) continue;
    const { header, leader } = (await answer.json()) as { header?: { member_id?: string }; leader?: string };
    if (leader !== undefined && header?.member_id === leader) return url;
  }
  return undefined;
}

function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
  });
}
