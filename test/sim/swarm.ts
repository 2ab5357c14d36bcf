/**
 * @module
 * What one seed is made of: how large the cluster is, its bounds, its clients, and which classes of faults it meets
 * and how often. Each class is on in every second seed, so that no class hides behind another.
 */

import { Random } from "./random.ts";

export type FaultClass =
  | "delay"
  | "drop"
  | "duplicate"
  | "replay"
  | "reorder"
  | "reset"
  | "clog"
  | "cutNode"
  | "cutLeader"
  | "cutHalves"
  | "cutOneWay"
  | "cutRing"
  | "farNode"
  | "slowDisk"
  | "hungDisk"
  | "failingDisk"
  | "fullDisk"
  | "bitFlip"
  | "kill"
  | "powerCut"
  | "powerCutOfAll"
  | "crashWhileInstalling"
  | "pause"
  | "slowEdges"
  | "stalledActor"
  | "lateBoard"
  | "drift"
  | "clockJump"
  | "churn"
  | "jointChange"
  | "transfer"
  | "impatience";

/** Events a simulated second, from and to; of a share, the share of what could be hit. */
const rates: Readonly<Record<FaultClass, readonly [from: number, to: number]>> = {
  // Network.
  delay: [0.01, 0.5],
  drop: [0.001, 0.2],
  duplicate: [0.001, 0.2],
  replay: [0.001, 0.05],
  reorder: [0.001, 0.3],
  reset: [0.05, 5],
  clog: [0.05, 2],
  cutNode: [0.05, 1],
  cutLeader: [0.1, 1],
  cutHalves: [0.05, 1],
  cutOneWay: [0.05, 1],
  cutRing: [0.02, 0.5],
  farNode: [0.05, 1],
  // Disk.
  slowDisk: [0.01, 0.5],
  hungDisk: [0.02, 0.5],
  failingDisk: [0.01, 0.3],
  fullDisk: [0.01, 0.3],
  bitFlip: [0.02, 0.4],
  // Process.
  kill: [0.05, 1],
  powerCut: [0.05, 1],
  powerCutOfAll: [0.01, 0.2],
  crashWhileInstalling: [0.6, 1],
  pause: [0.05, 1],
  // Between the actors of a node.
  slowEdges: [0.01, 0.5],
  stalledActor: [0.05, 2],
  lateBoard: [0.05, 0.9],
  // Clocks.
  drift: [0.01, 0.3],
  clockJump: [0.02, 0.5],
  // Cluster.
  churn: [0.05, 1],
  jointChange: [0.02, 0.5],
  transfer: [0.2, 2],
  // Clients.
  impatience: [0.01, 0.5],
};

export const faultClasses: readonly FaultClass[] = Object.keys(rates) as FaultClass[];

/** Milliseconds. */
export const tickMs = 100;

/** So much may each clock differ from true time where leaders answer reads by their leases. */
const driftOfLeasesMax = 0.05;

export interface Swarm {
  readonly seed: number;
  /** Voters at the start, from 1 to 7. */
  readonly nodes: number;
  /** Simulated microseconds with faults. */
  readonly stormUs: number;
  readonly electionTimeoutTicks: number;
  readonly heartbeatTicks: number;
  readonly preVote: boolean;
  readonly checkQuorum: true | "eachTick";
  readonly snapshotLogBytes: number;
  readonly trailingEntries: number;
  readonly inflightMessagesMax: number;
  readonly appendBytesMax: number;
  readonly uncommittedBytesMax: number;
  readonly applyingBytesMax: number;
  readonly tailBytesMax: number;
  readonly commitNotice: "eager" | "withEntries";
  readonly readConfirmation: "round" | "asker";
  readonly batchEntriesMax: number;
  readonly proposalsInFlightMax: number;
  readonly historyBytesMax: number;
  readonly chunkBytesMax: number;
  readonly clients: number;
  readonly keys: number;
  readonly valueBytesMax: number;
  readonly thinkUs: number;
  readonly readShare: number;
  /** Whether leaders answer reads by their leases. Then clocks keep to what that rests on. */
  readonly leaseReads: boolean;
  /** Of the writes, those that have an idempotency key. */
  readonly keyedShare: number;
  /** Clients that hold leases. */
  readonly holders: number;
  readonly watches: number;
  /** The rate of each class that is on. */
  readonly faults: ReadonlyMap<FaultClass, number>;
}

export function drawSwarm(seed: number, without: ReadonlySet<string>): Swarm {
  const random = new Random(seed, "swarm");
  const faults = new Map<FaultClass, number>();
  for (const name of faultClasses) {
    const own = new Random(seed, `swarm of ${name}`);
    const [from, to] = rates[name];
    const rate = own.logUniform(from, to);
    if (own.chance(0.5) && !without.has(name)) faults.set(name, rate);
  }
  const own = new Random(seed, "swarm of clients");
  const leaseReads = own.chance(0.45);
  if (leaseReads) keepClocks(faults);
  return {
    seed,
    nodes: random.pick([1, 2, 3, 3, 3, 3, 4, 5, 5, 5, 6, 7]),
    stormUs: Math.round(random.logUniform(3e6, 15e6)),
    electionTimeoutTicks: random.pick([3, 3, 4, 4, 5, 6, 8, 10]),
    heartbeatTicks: random.pick([1, 1, 2]),
    preVote: random.chance(0.85),
    // Who steps down late leans on its lease alone.
    checkQuorum: random.pick([true, leaseReads || "eachTick", "eachTick"]),
    snapshotLogBytes: Math.round(random.logUniform(600, 20_000)),
    trailingEntries: Math.round(random.logUniform(1, 50)),
    inflightMessagesMax: random.pick([1, 2, 4, 16]),
    appendBytesMax: Math.round(random.logUniform(50, 20_000)),
    uncommittedBytesMax: Math.round(random.logUniform(1_000, 1_000_000)),
    applyingBytesMax: Math.round(random.logUniform(200, 100_000)),
    tailBytesMax: Math.round(random.logUniform(100, 100_000)),
    commitNotice: random.pick(["eager", "withEntries"]),
    readConfirmation: new Random(seed, "confirmation of reads").pick(["round", "asker"]),
    batchEntriesMax: random.pick([1, 2, 8, 64]),
    proposalsInFlightMax: random.pick([2, 8, 100]),
    historyBytesMax: Math.round(random.logUniform(200, 1_000_000)),
    chunkBytesMax: Math.round(random.logUniform(100, 20_000)),
    clients: random.between(1, 7),
    keys: random.between(1, 9),
    valueBytesMax: Math.round(random.logUniform(10, 400)),
    thinkUs: random.logUniform(10_000, 600_000),
    readShare: random.next() * 0.8,
    leaseReads,
    keyedShare: own.next() * 0.3,
    holders: own.below(3),
    watches: own.below(3),
    faults,
  };
}

/** To what the leases of leaders rest on: clocks that differ little in rate, and none that leaps ahead. */
function keepClocks(faults: Map<FaultClass, number>): void {
  faults.delete("clockJump");
  const drift = faults.get("drift");
  if (drift !== undefined) faults.set("drift", Math.min(drift, driftOfLeasesMax));
}
