/**
 * @module
 * One machine of a simulated cluster: what outlives its processes, and its clock.
 */

import type { Identity } from "../../src/actors/protocol/config.ts";
import { SimulatedDisk } from "./disk.ts";
import { LogRows, SimulatedSlotFile } from "./log-disk.ts";
import type { SimulatedProcess } from "./process.ts";
import { StateDisk } from "./state-disk.ts";
import type { World } from "./world.ts";

const clusterId = "simulated";

export class Machine {
  readonly id: string;
  readonly identity: Identity;
  readonly disk: SimulatedDisk;
  readonly rows: LogRows;
  readonly slots: SimulatedSlotFile;
  readonly states: StateDisk;
  /** Whether it founds a cluster when its log is empty. */
  readonly founds: boolean;
  process: SimulatedProcess | null = null;
  /** Processes that it has had. */
  starts = 0;
  /** Whether it stays down, once it is. */
  isRetired = false;
  readonly #world: World;
  #rate = 1;
  #sinceUs = 0;
  #sinceMs = 0;

  constructor(world: World, id: string, founds: boolean) {
    this.#world = world;
    this.id = id;
    this.founds = founds;
    this.identity = { nodeId: id, clusterId, incarnation: incarnationOf(id) };
    this.disk = new SimulatedDisk(world, id);
    this.rows = new LogRows(world, this.disk);
    this.slots = new SimulatedSlotFile(world, this.disk);
    this.states = new StateDisk(world, this.disk);
  }

  /** Milliseconds of its own monotonic clock. */
  nowMs(): number {
    return this.#sinceMs + ((this.#world.now - this.#sinceUs) / 1000) * this.#rate;
  }

  /** How many of its own milliseconds pass in one true one. */
  get clockRate(): number {
    return this.#rate;
  }

  setClock(change: { readonly rate?: number; readonly aheadMs?: number }): void {
    this.#sinceMs = this.nowMs() + (change.aheadMs ?? 0);
    this.#sinceUs = this.#world.now;
    this.#rate = change.rate ?? this.#rate;
  }
}

/** The same for the whole life of a machine's disk. */
export function incarnationOf(id: string): string {
  return id.slice(1).padStart(32, "0");
}
