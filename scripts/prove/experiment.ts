/**
 * @module
 * What an experiment is: a claim of the README, what is done to real processes, and what that shows.
 */

import type { Stage } from "../stage.ts";
import { formatCount } from "../table.ts";
import type { Verdict } from "./load-protocol.ts";

/** One thing that the claim says, and whether it was seen. */
export interface Check {
  readonly what: string;
  readonly wanted: string;
  readonly measured: string;
  readonly holds: boolean;
}

/** What the command line says; an experiment that has no use for it passes it over. */
export interface RunOptions {
  /** How long faults are injected. */
  readonly seconds?: number;
  /** How many keys there are. */
  readonly keys?: number;
}

export interface Experiment {
  readonly name: string;
  /** The sentence of the README that it proves. */
  readonly claim: string;
  /** What it does, in a sentence or two. */
  readonly does: string;
  run(stage: Stage, options: RunOptions): Promise<readonly Check[]>;
}

/** Nothing acknowledged may be missing, on any node. */
export function lossChecks(verdicts: readonly Verdict[], names: readonly string[]): readonly Check[] {
  return verdicts.map((verdict, at) => ({
    what: `acknowledged writes wrong or missing on ${names[at] ?? verdict.url}`,
    wanted: "0",
    measured: `${verdict.wrong} of ${formatCount(verdict.checked)}${verdict.example === null ? "" : ` (${verdict.example})`}`,
    holds: verdict.wrong === 0 && verdict.checked > 0,
  }));
}
