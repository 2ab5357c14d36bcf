/**
 * @module
 * A cluster of cores without threads, sockets, disks or time: every delivery and tick is a call.
 */

import type { Effects } from "../../src/raft/effect.ts";
import type { Message } from "../../src/raft/message.ts";
import type { RaftOptions } from "../../src/raft/options.ts";
import {
  type Configuration,
  type ConfigurationChange,
  type Entry,
  emptyConfiguration,
  type NodeId,
} from "../../src/raft/types.ts";
import { bytesOfText, CoreNode, configurationOf, optionsOf } from "./core-node.ts";

const tickMs = 100;

export class CoreCluster {
  readonly nodes: CoreNode[];
  /** On their way, oldest first. */
  network: Message[] = [];
  /** What the clocks of all nodes say, which know it with leases; ticks move it. */
  nowMs = 1_000_000;
  /** What the network loses. */
  loses: (message: Message) => boolean = () => false;
  /** The state that each snapshot stands for. */
  readonly #snapshots = new Map<number, readonly Entry[]>();

  constructor(
    ids: readonly NodeId[],
    changes: Partial<RaftOptions> = {},
    configuration: Configuration = configurationOf(ids),
  ) {
    this.nodes = ids.map((id) => this.#made(optionsOf(id, changes), configuration));
  }

  node(id: NodeId): CoreNode {
    const found = this.nodes.find((node) => node.id === id);
    if (found === undefined) throw new Error(`there is no node ${id}`);
    return found;
  }

  /** A new node, which knows nobody unless the cluster's configuration was not founded by an entry. */
  add(id: NodeId, configuration: Configuration = emptyConfiguration): CoreNode {
    const node = this.#made(optionsOf(id), configuration);
    this.nodes.push(node);
    return node;
  }

  /** Ends a node's turn: its messages are on their way. */
  turn(node: CoreNode): Effects {
    const effects = node.collect();
    this.network.push(...effects.messages.filter((message) => !this.loses(message)));
    for (const { to, message } of effects.sendSnapshots) {
      const { snapshot } = node.disk;
      this.#snapshots.set(snapshot.lastIncludedIndex, stateUpTo(node, snapshot.lastIncludedIndex));
      const delivered = !this.loses(message);
      if (delivered) this.network.push(message);
      node.step({ kind: "snapshotSent", to, delivered });
    }
    return effects;
  }

  deliver(message: Message): void {
    const node = this.nodes.find(({ id }) => id === message.to);
    if (node?.alive === true) node.step({ kind: "receive", message });
  }

  /** All that a node's own disk and state machine still have to do. */
  work(node: CoreNode): boolean {
    let worked = false;
    while (node.persist()) worked = true;
    while (node.read()) worked = true;
    if (node.install()) worked = true;
    return node.apply() || worked;
  }

  /** Runs until nothing is left to do; time stands still. */
  settle(): void {
    for (let round = 0; round < 10_000; round += 1) {
      let worked = false;
      for (const node of this.nodes) {
        if (!node.alive) continue;
        this.#tellTime(node);
        this.turn(node);
        worked = this.work(node) || worked;
        this.turn(node);
      }
      const arriving = this.network;
      this.network = [];
      for (const message of arriving) this.deliver(message);
      if (!worked && arriving.length === 0) return;
    }
    throw new Error("the cluster does not come to rest");
  }

  /** So many ticks on the nodes that live, or on those named, everything settled after each. */
  tick(ticks: number, ids?: readonly NodeId[]): void {
    for (let tick = 0; tick < ticks; tick += 1) {
      this.nowMs += tickMs;
      for (const node of this.nodes) {
        if (!node.alive) continue;
        this.#tellTime(node);
        if (ids === undefined || ids.includes(node.id)) node.step({ kind: "tick" });
      }
      this.settle();
    }
  }

  /** Makes a node campaign and settles. */
  elect(id: NodeId): CoreNode {
    const node = this.node(id);
    node.step({ kind: "campaign" });
    this.settle();
    if (node.state.role !== "leader") throw new Error(`${id} was not elected`);
    return node;
  }

  propose(id: NodeId, text: string, proposalId = 1): void {
    const proposal = { kind: "commands", commands: [bytesOfText(text)] } as const;
    this.node(id).step({ kind: "propose", proposalId, proposal });
  }

  change(id: NodeId, change: ConfigurationChange, proposalId = 1): void {
    this.node(id).step({ kind: "propose", proposalId, proposal: { kind: "configuration", change } });
  }

  /** Nodes named reach only each other; the others likewise. */
  isolate(...ids: readonly NodeId[]): void {
    this.loses = ({ from, to }) => ids.includes(from) !== ids.includes(to);
  }

  heal(): void {
    this.loses = () => false;
  }

  get leaders(): CoreNode[] {
    return this.nodes.filter((node) => node.alive && node.state.role === "leader");
  }

  #tellTime(node: CoreNode): void {
    if (node.options.voteHoldMs > 0) node.step({ kind: "clock", nowMs: this.nowMs });
  }

  #made(options: RaftOptions, configuration: Configuration): CoreNode {
    const node = new CoreNode(options, configuration);
    node.stateOf = ({ lastIncludedIndex }) => this.#snapshots.get(lastIncludedIndex) ?? [];
    return node;
  }
}

function stateUpTo(node: CoreNode, index: number): Entry[] {
  return node.disk.applied.filter((entry) => entry.index <= index);
}
