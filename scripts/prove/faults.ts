/**
 * @module
 * Faults of real processes, one after the other and every kind in turn: kill -9 and a new start, pauses, partitions.
 */

import { leaderOf, pause, type StagedNode } from "../stage.ts";
import { leavesMajority, partitionsOf } from "./partitions.ts";
import type { Healing, PeerNetwork } from "./peer-network.ts";

interface Fault {
  readonly name: string;
  /** Whether those that are left can be expected to go on. */
  readonly leavesMajority: boolean;
  /** How long it lasts, from and to. */
  readonly lastsMs: readonly [number, number];
  begin(): Promise<void> | void;
  end(): Promise<void> | void;
}

/** One that was, and when, on the clock of `performance.now()`. */
export interface Injected extends Pick<Fault, "name" | "leavesMajority"> {
  readonly beganAt: number;
  /** Killed nodes are ready again. */
  readonly endedAt: number;
}

const settleMs = [300, 900] as const;
const killedMs = [200, 1_500] as const;
const pausedMs = [500, 3_000] as const;
const partitionedMs = [1_000, 2_500] as const;

/** Gives them in their order. Throws when no leader comes back after one within 15 s. */
export async function injectFaults(
  nodes: readonly StagedNode[],
  network: PeerNetwork,
  forMs: number,
): Promise<readonly Injected[]> {
  const injected: Injected[] = [];
  const until = performance.now() + forMs;
  let waiting: string[] = [];
  while (performance.now() < until) {
    const faults = faultsOf(nodes, await leaderOf(nodes), network);
    if (waiting.length === 0) waiting = faults.map(({ name }) => name);
    const name = pick(waiting);
    waiting = waiting.filter((other) => other !== name);
    const fault = faults.find((candidate) => candidate.name === name);
    if (fault === undefined) continue;
    const beganAt = performance.now();
    await fault.begin();
    await pause(between(fault.lastsMs));
    await fault.end();
    injected.push({ name, leavesMajority: fault.leavesMajority, beganAt, endedAt: performance.now() });
    await pause(between(settleMs));
  }
  await leaderOf(nodes);
  return injected;
}

function faultsOf(nodes: readonly StagedNode[], leader: StagedNode, network: PeerNetwork): readonly Fault[] {
  const follower = pick(nodes.filter((node) => node !== leader));
  const ids = nodes.map((node) => node.id);
  const partitions = partitionsOf(ids, leader.id, pick).map(
    ({ name, cut }): Fault => ({
      name: `partition: ${name}`,
      leavesMajority: leavesMajority(ids, cut),
      lastsMs: partitionedMs,
      begin: () => network.cut(cut),
      end: () => network.heal(pick<Healing>(["resume", "reset"])),
    }),
  );
  return [
    kill("kill -9 of the leader", [leader], true),
    kill("kill -9 of a follower", [follower], true),
    kill("kill -9 of all", nodes, false),
    stop("pause of the leader", leader),
    stop("pause of a follower", follower),
    ...partitions,
  ];
}

function kill(name: string, killed: readonly StagedNode[], majority: boolean): Fault {
  return {
    name,
    leavesMajority: majority,
    lastsMs: killedMs,
    begin: async () => void (await Promise.all(killed.map((node) => node.kill()))),
    end: async () => void (await Promise.all(killed.map((node) => node.start()))),
  };
}

function stop(name: string, node: StagedNode): Fault {
  return {
    name,
    leavesMajority: true,
    lastsMs: pausedMs,
    begin: () => node.process.signal("SIGSTOP"),
    end: () => node.process.signal("SIGCONT"),
  };
}

function between([least, most]: readonly [number, number]): number {
  return least + Math.random() * (most - least);
}

function pick<T>(from: readonly T[]): T {
  const picked = from[Math.floor(Math.random() * from.length)];
  if (picked === undefined) throw new RangeError("nothing to pick from");
  return picked;
}
