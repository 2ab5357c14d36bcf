/**
 * @module
 * Real nodes as real processes, as a user starts them: on loopback, in temporary directories, ended by pid.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const main = new URL("../../../src/cli/main.js", import.meta.url).pathname;

export interface NodeAddresses {
  readonly id: string;
  readonly http: string;
  readonly raft: string;
  readonly data: string;
}

/** One `balsa serve`. */
export class NodeProcess {
  readonly addresses: NodeAddresses;
  /** What it has written so far, for the message of a failing test. */
  output = "";
  #child: ChildProcess | null = null;

  constructor(addresses: NodeAddresses) {
    this.addresses = addresses;
  }

  get url(): string {
    return `http://${this.addresses.http}`;
  }

  /** Resolves with its `ready` line; rejects, with what it said, when it ends before. */
  async start(...how: readonly string[]): Promise<string> {
    const { id, http, raft, data } = this.addresses;
    const options = ["serve", "--id", id, "--http", http, "--raft", raft, "--data", data];
    const child = spawn(process.execPath, [main, ...options, ...how], { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    return await new Promise((resolve, reject) => {
      child.once("exit", (code, signal) => reject(new Error(`${id} ended (${code ?? signal}):\n${this.output}`)));
      const hear = (chunk: Buffer): void => {
        this.output += chunk.toString();
        const ready = /^ready .*$/m.exec(this.output);
        if (ready !== null) resolve(ready[0]);
      };
      child.stdout?.on("data", hear);
      child.stderr?.on("data", hear);
    });
  }

  /** Ends it and waits until it is gone; gives its exit code, null when the signal ended it. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return null;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
    this.output = "";
    return child.exitCode;
  }
}

/** Several nodes in one temporary directory. */
export class ProcessCluster {
  readonly nodes: readonly NodeProcess[];
  readonly #directory: string;

  private constructor(nodes: readonly NodeProcess[], directory: string) {
    this.nodes = nodes;
    this.#directory = directory;
  }

  static async create(count: number): Promise<ProcessCluster> {
    const directory = await mkdtemp(join(tmpdir(), "balsa-cluster-"));
    const ports = await freePorts(count * 2);
    const nodes = Array.from({ length: count }, (_, at) => {
      const id = `n${at + 1}`;
      const [http, raft] = [`127.0.0.1:${ports[at * 2]}`, `127.0.0.1:${ports[at * 2 + 1]}`];
      return new NodeProcess({ id, http, raft, data: join(directory, id) });
    });
    return new ProcessCluster(nodes, directory);
  }

  /** The first begins a cluster, the others join it, all at once. */
  async start(): Promise<void> {
    const [first, ...others] = this.nodes;
    if (first === undefined) return;
    await first.start("--bootstrap");
    await Promise.all(others.map((node) => node.start("--join", first.url)));
  }

  /** The node that leads, as soon as one of those that answer knows it. */
  async leader(): Promise<NodeProcess> {
    return await eventually("a leader that others know", async () => {
      for (const node of this.nodes) {
        const status = await fetchJson(`${node.url}/status`).catch(() => null);
        const leader = this.nodes.find((other) => other.addresses.id === leaderIdOf(status));
        if (leader !== undefined && (await isLeader(leader))) return leader;
      }
      return undefined;
    });
  }

  async end(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.end("SIGKILL")));
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Asks until there is an answer; the time limit of the test is the limit. */
export async function eventually<T>(_what: string, ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise(setImmediate);
  }
}

export async function fetchJson(url: string): Promise<Record<string, unknown>> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  return (await response.json()) as Record<string, unknown>;
}

function leaderIdOf(status: Record<string, unknown> | null): unknown {
  const leader = status?.["leader"];
  return typeof leader === "object" && leader !== null && "id" in leader ? leader.id : null;
}

async function isLeader(node: NodeProcess): Promise<boolean> {
  const status = await fetchJson(`${node.url}/status`).catch(() => null);
  return status?.["role"] === "leader";
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return address !== null && typeof address === "object" ? address.port : 0;
  });
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
