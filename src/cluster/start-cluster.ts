/**
 * @module
 * Several nodes of one cluster inside this program, with a network between them that can be broken on purpose.
 */

import { join } from "node:path";
import type { LinkCuts } from "../actor/context.ts";
import { BalsaClient } from "../client/balsa-client.ts";
import { BalsaError, StartError } from "../errors/balsa-error.ts";
import { isErrorCode } from "../errors/codes.ts";
import type { Cluster, ClusterOptions } from "./cluster-options.ts";
import { exchangeJson } from "./http-exchange.ts";
import { NodeLinks } from "./node-links.ts";
import type { BalsaNode, StartOptions } from "./options.ts";
import { startNodeBehind } from "./start-node.ts";
import { removeDirectory, temporaryDirectory } from "./start-options.ts";

const leaderWaitMsMax = 30_000;
const leaderPollMs = 5;
const memberChangeMsMax = 60_000;

/** Resolves once all nodes are voters and ready. Nothing is left behind when it rejects. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { nodes: count = 3, log, ...shared } = options;
  if (!(Number.isInteger(count) && count >= 1 && count <= 9)) {
    throw new RangeError(`a cluster has 1 to 9 nodes, not ${count}`);
  }
  const cluster = new RunningCluster(shared, log, await temporaryDirectory());
  try {
    await cluster.add();
    await Promise.all(Array.from({ length: count - 1 }, () => cluster.add()));
    return cluster;
  } catch (cause) {
    await cluster.close();
    throw cause;
  }
}

class RunningCluster implements Cluster {
  readonly #shared: StartOptions;
  readonly #log: ClusterOptions["log"];
  readonly #directory: string;
  /** The newest life of each id, in the order in which they were added. */
  readonly #nodes = new Map<string, BalsaNode>();
  readonly #links = new NodeLinks();
  /** Lives that are over: what they show of themselves stays as it was. */
  readonly #ended = new WeakSet<BalsaNode>();
  #added = 0;
  #clients: BalsaClient[] = [];
  /** Of the nodes that the newest client was made for. */
  #clientNodes = "";

  constructor(shared: StartOptions, log: ClusterOptions["log"], directory: string) {
    this.#shared = shared;
    this.#log = log;
    this.#directory = directory;
  }

  get nodes(): readonly BalsaNode[] {
    return [...this.#nodes.values()];
  }

  get client(): BalsaClient {
    const endpoints = this.nodes.map((node) => node.httpUrl);
    const newest = this.#clients.at(-1);
    if (newest !== undefined && this.#clientNodes === endpoints.join()) return newest;
    const client = new BalsaClient({ endpoints });
    this.#clientNodes = endpoints.join();
    this.#clients.push(client);
    return client;
  }

  node(id: string): BalsaNode {
    const node = this.#nodes.get(id);
    if (node === undefined)
      throw new RangeError(`the cluster has no node ${id}: it has ${[...this.#nodes.keys()].join(", ")}`);
    return node;
  }

  async leader(): Promise<BalsaNode> {
    const giveUpAt = performance.now() + leaderWaitMsMax;
    while (performance.now() < giveUpAt) {
      const newest = Math.max(0, ...this.#living.map((node) => node.standing.term));
      const inNewest = this.#living.filter((node) => node.standing.term === newest);
      const leader = inNewest.find((node) => node.standing.role === "leader");
      if (leader !== undefined && inNewest.length * 2 > this.#nodes.size) return leader;
      await pause(leaderPollMs);
    }
    throw new BalsaError("NO_LEADER", `no node leads a majority within ${leaderWaitMsMax / 1_000} s`);
  }

  async add(): Promise<BalsaNode> {
    const id = `n${++this.#added}`;
    const member = this.#living.find((node) => node.standing.role === "leader") ?? this.#living[0] ?? this.nodes[0];
    const begin: StartOptions["begin"] =
      member === undefined ? { kind: "bootstrap" } : { kind: "join", url: member.httpUrl, learner: false };
    const node = await this.#start(id, { begin });
    await node.ready();
    return node;
  }

  async remove(id: string): Promise<void> {
    const node = this.node(id);
    await this.#change("/remove", { id });
    this.#nodes.delete(id);
    await node.close();
    await removeDirectory(node.data);
  }

  async transfer(id: string): Promise<void> {
    await this.#change("/cluster/transfer", { to: this.node(id).id });
  }

  async restart(id: string): Promise<BalsaNode> {
    const before = this.node(id);
    await before.close();
    const { httpUrl, raftAddr } = before;
    return await this.#start(id, { begin: { kind: "continue" }, http: new URL(httpUrl).host, raft: raftAddr });
  }

  async partition(...groups: readonly (readonly string[])[]): Promise<void> {
    for (const id of groups.flat()) this.node(id);
    this.#links.partition(groups);
    await this.#applyLinks();
  }

  async cut({ from, to }: { readonly from: string; readonly to: string }): Promise<void> {
    this.#links.cut(this.node(from).id, this.node(to).id);
    await this.#applyLinks();
  }

  async heal(): Promise<void> {
    this.#links.heal();
    await this.#applyLinks();
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    // Crashed: handing leadership from one to the next would take long, and what is written here is removed.
    await Promise.all(this.nodes.map((node) => node.crash()));
    await removeDirectory(this.#directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #start(id: string, how: StartOptions): Promise<BalsaNode> {
    const say = this.#log;
    const node = await startNodeBehind(this.#links.cutsOf(id, [...this.#nodes.keys()]), {
      ...this.#shared,
      ...(say === undefined ? {} : { log: (line) => say(id, line) }),
      ...how,
      id,
      data: join(this.#directory, id),
    });
    this.#nodes.set(id, node);
    const end = (): void => void this.#ended.add(node);
    node.closed.then(end, end);
    // The others know this id now, and what was cut while it started is cut here too.
    await this.#applyLinks();
    return node;
  }

  get #living(): readonly BalsaNode[] {
    return this.nodes.filter((node) => !this.#ended.has(node));
  }

  /** On every node that lives; one that has ended has no links. */
  async #applyLinks(): Promise<void> {
    const ids = [...this.#nodes.keys()];
    const apply = (node: BalsaNode): Promise<void> => {
      const cuts: LinkCuts = this.#links.cutsOf(node.id, ids);
      return Promise.race([node.setCuts(cuts), node.closed]).catch(() => undefined);
    };
    await Promise.all(this.nodes.map(apply));
  }

  /** Asks the leader, and rejects with what it refuses with. */
  async #change(path: string, body: object): Promise<void> {
    const leader = await this.leader();
    const answer = await exchangeJson("POST", `${leader.httpUrl}${path}`, body, { timeoutMs: memberChangeMsMax });
    if (answer.status < 300) return;
    const { code, detail } = answer.body;
    const words = typeof detail === "string" ? detail : `${leader.id} answered ${answer.status}`;
    if (isErrorCode(code)) throw new BalsaError(code, words);
    throw new StartError(words);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
