/**
 * @module
 * Many seeds, one after the other: what they have covered, how quick they were, and the first that failed.
 */

import { Coverage } from "./coverage.ts";
import { type RunResult, simulate } from "./simulation.ts";

export interface CampaignOptions {
  readonly firstSeed: number;
  readonly seeds: number;
  /** Milliseconds after which no further seed is begun. */
  readonly wallMsMax: number;
  /** One of so many seeds is run a second time, and must give the same trace. */
  readonly repeatEvery: number;
  readonly onProgress: (done: Progress) => void;
}

export interface Progress {
  readonly seeds: number;
  /** Of all runs: a seed that is run twice counts twice. */
  readonly simulatedSeconds: number;
  readonly wallSeconds: number;
}

export interface CampaignResult extends Progress {
  readonly events: number;
  readonly repeated: number;
  readonly coverage: Coverage;
  readonly failure: Failure | null;
}

export interface Failure {
  readonly seed: number;
  readonly message: string;
}

/** So many seeds are enough to have seen everything that is to be seen. */
export const coveringSeeds = 200;

/** Stops at the first seed that fails. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const coverage = new Coverage();
  const beganAt = performance.now();
  let [seeds, simulatedUs, events, repeated] = [0, 0, 0, 0];
  let failure: Failure | null = null;
  const progress = (): Progress => ({
    seeds,
    simulatedSeconds: simulatedUs / 1e6,
    wallSeconds: (performance.now() - beganAt) / 1000,
  });
  while (failure === null && seeds < options.seeds && performance.now() - beganAt < options.wallMsMax) {
    const seed = (options.firstSeed + seeds) % 2 ** 31;
    const result = await simulate({ seed, coverage });
    seeds += 1;
    simulatedUs += result.simulatedUs;
    events += result.events;
    failure = failureOf(result);
    if (failure === null && seeds % options.repeatEvery === 0) {
      repeated += 1;
      const again = await simulate({ seed });
      simulatedUs += again.simulatedUs;
      failure = differenceOf(result, again);
    }
    options.onProgress(progress());
  }
  return { ...progress(), events, repeated, coverage, failure };
}

function failureOf({ seed, violation }: RunResult): Failure | null {
  return violation === null ? null : { seed, message: violation.message };
}

function differenceOf(first: RunResult, second: RunResult): Failure | null {
  if (first.digest === second.digest && first.events === second.events) return null;
  const message = `the same seed gave ${first.events} events (${first.digest}), then ${second.events} (${second.digest})`;
  return { seed: first.seed, message: `Determinism: ${message}` };
}
