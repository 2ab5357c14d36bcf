/**
 * @module
 * Makes a failing seed small: leaves out whole classes of faults, then single faults, as long as the same invariant
 * breaks.
 */

import { type RunResult, simulate } from "./simulation.ts";
import { faultClasses } from "./swarm.ts";

export interface Shrunk {
  readonly result: RunResult;
  readonly without: ReadonlySet<string>;
  readonly skipped: ReadonlySet<number>;
  readonly runs: number;
}

const runsMax = 400;

/** `seed` must fail. */
export async function shrink(seed: number): Promise<Shrunk> {
  let best = await simulate({ seed });
  const invariant = best.violation?.invariant;
  let without: ReadonlySet<string> = new Set();
  let skipped: ReadonlySet<number> = new Set();
  let runs = 1;
  const stillFails = async (fewer: {
    without: ReadonlySet<string>;
    skipped: ReadonlySet<number>;
  }): Promise<boolean> => {
    runs += 1;
    const result = await simulate({ seed, ...fewer });
    if (result.violation === null || result.violation.invariant !== invariant) return false;
    best = result;
    return true;
  };
  for (const name of faultClasses) {
    const fewer = new Set([...without, name]);
    if (await stillFails({ without: fewer, skipped })) without = fewer;
  }
  // Numbers count all faults that were due, so that leaving one out renames no other.
  let piece = Math.ceil(best.faults.length / 2);
  while (piece >= 1 && runs < runsMax) {
    const numbers = best.faults.map(({ number }) => number);
    let hasShrunk = false;
    for (let at = 0; at < numbers.length && runs < runsMax; at += piece) {
      const fewer = new Set([...skipped, ...numbers.slice(at, at + piece)]);
      if (fewer.size === skipped.size || !(await stillFails({ without, skipped: fewer }))) continue;
      skipped = fewer;
      hasShrunk = true;
    }
    if (!hasShrunk || piece > 1) piece = piece === 1 ? 0 : Math.ceil(piece / 2);
  }
  return { result: best, without, skipped, runs };
}
