/**
 * @module
 * What all parts of one simulated run share: time, randomness, the trace, what was covered, and how it fails.
 */

import type { Coverage } from "./coverage.ts";
import { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";
import type { FaultClass, Swarm } from "./swarm.ts";
import type { Trace } from "./trace.ts";

/** Something happened that must never happen. */
export class Violation extends Error {
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.name = "Violation";
    this.invariant = invariant;
  }
}

export class World {
  readonly schedule: Schedule;
  readonly swarm: Swarm;
  readonly trace: Trace;
  readonly coverage: Coverage;
  /** Faults by their number that are left out. */
  readonly #skipped: ReadonlySet<number>;
  /** Whether faults still happen. */
  stormy = false;
  /** What was stopped goes on by then. */
  restlessUntil = 0;
  /** Whether a promise may have something to do before the next event. */
  isTouched = false;
  readonly #streams = new Map<string, Random>();
  #faults = 0;
  violation: Violation | null = null;
  readonly faultLines: { readonly number: number; readonly line: string }[] = [];

  constructor(
    swarm: Swarm,
    parts: { readonly schedule: Schedule; readonly trace: Trace; readonly coverage: Coverage },
    skipped: ReadonlySet<number>,
  ) {
    this.swarm = swarm;
    this.schedule = parts.schedule;
    this.trace = parts.trace;
    this.coverage = parts.coverage;
    this.#skipped = skipped;
  }

  get now(): number {
    return this.schedule.now;
  }

  random(stream: string): Random {
    const known = this.#streams.get(stream);
    if (known !== undefined) return known;
    const made = new Random(this.swarm.seed, stream);
    this.#streams.set(stream, made);
    return made;
  }

  /** The rate of a class that is on while faults happen, else 0. */
  rate(name: FaultClass): number {
    return this.stormy ? (this.swarm.faults.get(name) ?? 0) : 0;
  }

  /** Whether one thing that might be hit by a class is hit: its rate is a share. */
  hits(name: FaultClass): boolean {
    const rate = this.rate(name);
    return rate > 0 && this.random(name).chance(rate);
  }

  /** Does what a single fault does, unless that fault is left out. */
  fault(name: FaultClass, node: string, names: string, numbers: readonly number[], inflict: () => void): void {
    this.#faults += 1;
    if (this.#skipped.has(this.#faults)) return;
    this.coverage.fault(name);
    const [one = 0, two = 0] = numbers;
    this.trace.note(`fault ${name}`, node, `number ${names}`.trim(), this.#faults, one, two);
    const time = (this.now / 1e6).toFixed(3);
    const said =
      names === ""
        ? ""
        : ` ${names
            .split(" ")
            .map((word, at) => `${word} ${numbers[at] ?? 0}`)
            .join(", ")}`;
    this.faultLines.push({ number: this.#faults, line: `${time} s ${name} ${node}${said}` });
    inflict();
  }

  check(holds: boolean, invariant: string, message: () => string): void {
    if (!holds) throw new Violation(invariant, message());
  }

  /** The run ends before its next event. */
  report(violation: Violation): void {
    this.violation ??= violation;
  }

  touch(): void {
    this.isTouched = true;
  }
}
