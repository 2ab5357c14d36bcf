/**
 * @module
 * Several stepped nodes and the network between them: messages are encoded, parsed as from a stranger, and
 * delivered in order, unless the link is cut.
 */

import type { RaftConfig } from "../../../src/actors/protocol/config.ts";
import { decodeUntrusted, encode } from "../../../src/codec/codec.ts";
import type { RaftOptions } from "../../../src/raft/options.ts";
import { MemoryRows } from "../../../src/storage/log/memory-rows.ts";
import { defaultLinkLimits } from "../../../src/transport/limits.ts";
import { parsePeerMessage, peerMessageToWire } from "../../../src/transport/message-parser.ts";
import { type Disk, type InFlight, SteppedNode } from "./stepped-node.ts";

export const tickMs = 100;
const stepsMax = 10_000;

export class SteppedCluster {
  readonly nodes: Map<string, SteppedNode> = new Map();
  /** What arrives comes again, behind what was on its way with it. */
  repeatsFrames = false;
  readonly #disks = new Map<string, Disk>();
  readonly #down = new Set<string>();
  readonly #paused = new Set<string>();
  readonly #leaseReads: boolean;

  constructor({ leaseReads = false }: { readonly leaseReads?: boolean } = {}) {
    this.#leaseReads = leaseReads;
  }

  /** A node alone, which begins a cluster when its disk is new, or waits to be taken in. */
  async start(id: string, bootstrap: boolean): Promise<SteppedNode> {
    const disk = this.#disks.get(id) ?? { log: new MemoryRows() };
    this.#disks.set(id, disk);
    const node = await SteppedNode.start(configOf(id, bootstrap, this.#leaseReads), disk);
    this.nodes.set(id, node);
    return node;
  }

  /** The process is gone; its log stays. */
  crash(id: string): void {
    this.nodes.delete(id);
  }

  /** Cuts all links of a node, or mends them. */
  setDown(id: string, down: boolean): void {
    if (down) this.#down.add(id);
    else this.#down.delete(id);
  }

  /** Stops a process, as SIGSTOP does: what comes for it waits, and its clock goes on. False lets it go on. */
  setPaused(id: string, paused: boolean): void {
    if (paused) this.#paused.add(id);
    else this.#paused.delete(id);
  }

  /** Steps and delivers until nothing moves. */
  async settle(): Promise<void> {
    for (let steps = 0; steps < stepsMax; steps++) {
      let moved = false;
      for (const node of this.nodes.values()) {
        if (!this.#paused.has(node.id)) moved = (await node.step()) || moved;
      }
      if (!(this.#deliver() || moved)) return;
    }
    throw new Error(`the cluster has not come to rest in ${stepsMax} steps`);
  }

  /** Lets time pass, a tick at a time, until `condition` holds. */
  async until(what: string, condition: () => boolean): Promise<void> {
    for (let ticks = 0; ticks < 200; ticks++) {
      await this.settle();
      if (condition()) return;
      for (const node of this.nodes.values()) {
        if (this.#paused.has(node.id)) node.sleep(tickMs);
        else node.tick(tickMs);
      }
    }
    throw new Error(`in 200 ticks there was no ${what}`);
  }

  /** Lets time pass. */
  async pass(ticks: number): Promise<void> {
    for (let tick = 0; tick < ticks; tick++) {
      await this.settle();
      for (const node of this.nodes.values()) node.tick(tickMs);
    }
  }

  leader(): SteppedNode | undefined {
    return [...this.nodes.values()].find((node) => node.role === "leader" && !this.#down.has(node.id));
  }

  #deliver(): boolean {
    const inFlight = [...this.nodes.values()].flatMap((node) => node.sent.splice(0));
    for (const one of this.repeatsFrames ? [...inFlight, ...inFlight] : inFlight) {
      if (this.#down.has(one.from) || this.#down.has(one.to)) continue;
      this.nodes.get(one.to)?.receive(overTheWire(one));
    }
    return inFlight.length > 0;
  }
}

function overTheWire({ from, to, message }: InFlight): InFlight {
  const wire = decodeUntrusted(encode(peerMessageToWire(message)), defaultLinkLimits.codec);
  return { from, to, message: parsePeerMessage(wire, { from, to }, defaultLinkLimits) };
}

export function configOf(id: string, bootstrap: boolean, leaseReads = false): RaftConfig {
  const seed = Number.parseInt(id.slice(1), 10);
  const address = (port: number): string => `127.0.0.1:${port + seed}`;
  return {
    identity: { nodeId: id, clusterId: "stepped", incarnation: `incarnation-of-${id}` },
    addresses: {
      httpListen: address(8090),
      raftListen: address(9090),
      httpAdvertise: address(8090),
      raftAdvertise: address(9090),
    },
    options: optionsOf(id, seed, leaseReads),
    bootstrap,
    snapshotLogBytes: 1 << 30,
    peerQueueBytesMax: 1 << 26,
    frameBytesMax: 1 << 24,
  };
}

function optionsOf(id: string, seed: number, leaseReads: boolean): RaftOptions {
  return {
    id,
    seed,
    tickMs,
    electionTimeoutTicks: 10,
    heartbeatTicks: 1,
    preVote: true,
    checkQuorum: true,
    voteHoldMs: leaseReads ? 10 * tickMs : 0,
    inflightMessagesMax: 16,
    inflightBytesMax: 1 << 20,
    appendBytesMax: 1 << 16,
    uncommittedBytesMax: 1 << 22,
    applyingBytesMax: 1 << 20,
    tailBytesMax: 1 << 14,
    pendingReadsMax: 100,
    trailingEntries: 100,
    commitNotice: "withEntries",
    readConfirmation: "asker",
  };
}
