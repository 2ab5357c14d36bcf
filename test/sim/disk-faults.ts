/**
 * @module
 * What goes wrong with disks: they hang, fail, are full, and change what they hold.
 */

import type { Cluster } from "./cluster.ts";
import type { Machine } from "./machine.ts";
import type { Random } from "./random.ts";
import type { FaultClass } from "./swarm.ts";
import type { World } from "./world.ts";

export class DiskFaults {
  readonly #cluster: Cluster;
  readonly #world: World;
  /** Does something so many microseconds later, unless the storm is over by then. */
  readonly #after: (delayUs: number, work: () => void) => void;

  constructor(cluster: Cluster, after: (delayUs: number, work: () => void) => void) {
    this.#cluster = cluster;
    this.#world = cluster.world;
    this.#after = after;
  }

  inflictions(): Partial<Record<FaultClass, (random: Random) => void>> {
    return {
      hungDisk: (random) => this.#hang(random),
      failingDisk: (random) => this.#fail(random),
      fullDisk: (random) => this.#fill(random),
      bitFlip: (random) => this.#flipBit(random),
    };
  }

  #machine(random: Random): Machine {
    return random.pick([...this.#cluster.machines.values()]);
  }

  #hang(random: Random): void {
    const machine = this.#machine(random);
    const lengthUs = random.logUniform(50_000, 6_000_000);
    this.#world.fault("hungDisk", machine.id, "forMs", [Math.round(lengthUs / 1000)], () => {
      const untilUs = this.#world.now + lengthUs;
      machine.disk.hang(untilUs);
      this.#world.restlessUntil = Math.max(this.#world.restlessUntil, untilUs);
    });
  }

  #fail(random: Random): void {
    const machine = this.#machine(random);
    const downUs = random.logUniform(50_000, 3_000_000);
    const operations = random.chance(0.5) ? 1 : Number.POSITIVE_INFINITY;
    this.#world.fault("failingDisk", machine.id, "", [], () => {
      machine.disk.fail(operations);
      // One that has failed its node is taken up again by somebody who looks after it.
      this.#after(downUs, () => this.#cluster.start(machine));
    });
  }

  /** Until somebody makes room; whoever starts the node before sees it end again with its first write. */
  #fill(random: Random): void {
    const machine = this.#machine(random);
    const fullUs = random.logUniform(50_000, 4_000_000);
    const impatientUs = fullUs * random.next();
    this.#world.fault("fullDisk", machine.id, "forMs", [Math.round(fullUs / 1000)], () => {
      machine.disk.isFull = true;
      this.#after(impatientUs, () => this.#cluster.start(machine));
      this.#after(fullUs, () => {
        machine.disk.isFull = false;
        this.#cluster.start(machine);
      });
    });
  }

  /** One bit of a log at rest reads wrong, until the disk is mended: so long its node must not begin. */
  #flipBit(random: Random): void {
    const machine = this.#machine(random);
    const wrongUs = random.logUniform(50_000, 4_000_000);
    if (machine.rows.isDamaged) return;
    this.#world.fault("bitFlip", machine.id, "forMs", [Math.round(wrongUs / 1000)], () => {
      this.#cluster.end(machine, { withPower: false });
      machine.rows.flipBit(random);
      this.#cluster.start(machine);
      this.#after(wrongUs, () => {
        this.#cluster.mend(machine);
        this.#cluster.start(machine);
      });
    });
  }
}
