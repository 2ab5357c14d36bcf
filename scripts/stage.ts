/**
 * @module
 * Real nodes on this machine for experiments and measurements: started by the command line, ended by their pids,
 * their directories removed, whichever way the program ends.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NodeProcess, type NodeProcessOptions, binary as ownBinary } from "./node-process.ts";
import { freePorts } from "./ports.ts";

export interface StatusView {
  readonly id: string;
  readonly role: string;
  readonly term: number;
  readonly leaderId: string | null;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly revision: number;
}

/** Stands between a node's raft port and its peers, and gives the port that they are to use instead. */
export type Between = (id: string, raftPort: number) => Promise<number>;

interface Ports {
  readonly http: number;
  readonly raft: number;
  readonly advertised: number | undefined;
}

const readyMsMax = 30_000;
const stopMsMax = 10_000;

interface Place {
  readonly url: string;
  readonly data: string;
  readonly args: readonly string[];
  /** See `NodeProcessOptions`. */
  readonly within?: readonly string[];
}

/** Where a node is put: `host:port` each, more arguments of `serve`, and a command that runs it. */
export interface Site {
  readonly id: string;
  readonly http: string;
  readonly raft: string;
  readonly args: readonly string[];
  readonly within: readonly string[];
}

/** A node with a fixed place: directory and ports stay when its process goes and another takes its place. */
export class StagedNode {
  readonly id: string;
  readonly url: string;
  readonly data: string;
  readonly #stage: Stage;
  readonly #args: readonly string[];
  readonly #within: readonly string[];
  #process: NodeProcess | undefined;

  constructor(stage: Stage, id: string, place: Place) {
    this.id = id;
    this.url = place.url;
    this.data = place.data;
    this.#stage = stage;
    this.#args = place.args;
    this.#within = place.within ?? [];
  }

  get process(): NodeProcess {
    if (this.#process === undefined) throw new Error(`${this.id} was never started`);
    return this.#process;
  }

  /** Resolves when it is ready; `begin` is needed on an empty directory only. */
  async start(begin: readonly string[] = []): Promise<void> {
    const args = [...this.#args, ...begin];
    const env = { BALSA_FAULTS: "ipc" };
    this.#process = this.#stage.spawn({ id: this.id, args, env, within: this.#within, onLog: () => undefined });
    const ready = await Promise.race([this.#process.ready, pause(readyMsMax)]);
    if (ready === undefined) throw new Error(`${this.id} is not ready after ${readyMsMax / 1_000} s`);
  }

  /** `kill -9`; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.process.signal("SIGKILL");
    await this.process.ended;
  }

  /** SIGTERM; resolves when the process is gone. */
  async stop(): Promise<void> {
    await this.process.stop(stopMsMax);
  }

  /** Null when it does not answer within a second. */
  async status(): Promise<StatusView | null> {
    const answer = await fetch(`${this.url}/status`, { signal: AbortSignal.timeout(1_000) }).catch(() => null);
    if (answer?.status !== 200) return null;
    return parseStatus(await answer.json());
  }
}

export class Stage {
  readonly directory: string = mkdtempSync(join(tmpdir(), "balsa-stage-"));
  readonly #binary: string;
  readonly #processes: NodeProcess[] = [];
  #clusters = 0;
  readonly #onExit = (): void => this.#clear();
  readonly #onSignal = (): void => process.exit(130);

  /** `binary` is the compiled command line that its nodes run. */
  constructor(binary: string = ownBinary) {
    this.#binary = binary;
    process.on("exit", this.#onExit);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, this.#onSignal);
  }

  spawn(options: NodeProcessOptions): NodeProcess {
    const child = new NodeProcess({ binary: this.#binary, ...options });
    this.#processes.push(child);
    return child;
  }

  /** `count` nodes of one cluster to be, none of them started. Their peers reach them by `between` when it is given. */
  async places(count: number, between?: Between): Promise<readonly StagedNode[]> {
    const ports = await freePorts(count * 2);
    const directory = join(this.directory, `cluster-${++this.#clusters}`);
    const nodes: StagedNode[] = [];
    for (let at = 0; at < count; at++) {
      const [id, http, raft] = [`n${at + 1}`, ports[at * 2] ?? 0, ports[at * 2 + 1] ?? 0];
      const advertised = await between?.(id, raft);
      nodes.push(this.#place(directory, id, { http, raft, advertised }));
    }
    return nodes;
  }

  /** `count` nodes of one cluster, all ready. */
  async cluster(count: number, between?: Between): Promise<readonly StagedNode[]> {
    return await startAll(await this.places(count, between));
  }

  /** The same at these sites, one a node. */
  async clusterAt(sites: readonly Site[]): Promise<readonly StagedNode[]> {
    const directory = join(this.directory, `cluster-${++this.#clusters}`);
    const nodes = sites.map(({ id, http, raft, args, within }) => {
      const data = join(directory, id);
      const all = ["--id", id, "--data", data, "--log-level", "warn", "--http", http, "--raft", raft, ...args];
      return new StagedNode(this, id, { url: `http://${http}`, data, args: all, within });
    });
    return await startAll(nodes);
  }

  /** Ends every process that is left and removes the directory. */
  async close(): Promise<void> {
    for (const child of this.#processes) child.signal("SIGKILL");
    await Promise.all(this.#processes.map((child) => child.ended));
    this.#clear();
    process.off("exit", this.#onExit);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, this.#onSignal);
  }

  #place(directory: string, id: string, { http, raft, advertised }: Ports): StagedNode {
    const addresses = ["--http", `127.0.0.1:${http}`, "--raft", `127.0.0.1:${raft}`];
    if (advertised !== undefined) addresses.push("--advertise-raft", `127.0.0.1:${advertised}`);
    const data = join(directory, id);
    const args = ["--id", id, "--data", data, "--log-level", "warn", ...addresses];
    return new StagedNode(this, id, { url: `http://127.0.0.1:${http}`, data, args });
  }

  #clear(): void {
    for (const child of this.#processes) child.signal("SIGKILL");
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** The first begins the cluster, the others join it. */
async function startAll(nodes: readonly StagedNode[]): Promise<readonly StagedNode[]> {
  const [first, ...others] = nodes;
  if (first === undefined) return [];
  await first.start(["--bootstrap"]);
  await Promise.all(others.map((node) => node.start(["--join", first.url])));
  return nodes;
}

/** The node that leads, once a majority of those that run agree on it. Throws when nobody does within `withinMs`. */
export async function leaderOf(nodes: readonly StagedNode[], withinMs = 15_000): Promise<StagedNode> {
  const found = await until(withinMs, async () => {
    const views = await Promise.all(nodes.map((node) => node.status()));
    const newest = Math.max(0, ...views.map((view) => view?.term ?? 0));
    const heard = views.filter((view) => view?.term === newest && view.leaderId !== null);
    const leading = views.find((view) => view?.term === newest && view.role === "leader");
    return heard.length * 2 > nodes.length ? nodes.find((node) => node.id === leading?.id) : undefined;
  });
  if (found === undefined) throw new Error(`no leader within ${withinMs} ms`);
  return found;
}

/** Asks every 10 ms until the answer is something; undefined when it never is. */
export async function until<T>(withinMs: number, ask: () => Promise<T | undefined>): Promise<T | undefined> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await pause(10);
  }
  return undefined;
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

function parseStatus(value: unknown): StatusView | null {
  if (typeof value !== "object" || value === null) return null;
  const { id, role, term, leader, commitIndex, appliedIndex, revision } = value as Readonly<Record<string, unknown>>;
  if (typeof id !== "string" || typeof role !== "string") return null;
  const named = typeof leader === "object" && leader !== null && "id" in leader && typeof leader.id === "string";
  return {
    id,
    role,
    term: numberOf(term),
    leaderId: named ? String(leader.id) : null,
    commitIndex: numberOf(commitIndex),
    appliedIndex: numberOf(appliedIndex),
    revision: numberOf(revision),
  };
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
