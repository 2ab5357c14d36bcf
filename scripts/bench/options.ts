/**
 * @module
 * What the bench is told on its command line.
 */

import { parseArgs } from "node:util";

export const usage = `npm run bench                           against a bare node:http server, and etcd where it is installed
npm run bench -- --against REV|DIR      against the build of a revision, or the one in a directory
    --all             puts and gets; without it puts alone
    --pairs N         slices of each, for each scenario (default 24)
    --at-least X      exit 1 when the median of a ratio of rates is below X
`;

const pairsDefault = 24;
const pairsMax = 1_000;

export interface AgainstOptions {
  /** A revision or a directory. */
  readonly against: string;
  readonly all: boolean;
  readonly pairs: number;
  /** Which ratio of rates is enough; undefined: any. */
  readonly atLeast: number | undefined;
}

/** Null: the bench against yardsticks. Throws an Error that says what is wrong. */
export function parseOptions(args: readonly string[]): AgainstOptions | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      against: { type: "string" },
      all: { type: "boolean" },
      pairs: { type: "string" },
      "at-least": { type: "string" },
    },
  });
  const { against, all = false, pairs, "at-least": atLeast } = values;
  if (against === undefined) {
    const [lone] = Object.keys(values);
    if (lone !== undefined) throw new Error(`--${lone} belongs to --against`);
    return null;
  }
  if (against === "") throw new Error("--against wants a revision or a directory");
  return {
    against,
    all,
    pairs: pairs === undefined ? pairsDefault : pairsIn(pairs),
    atLeast: atLeast === undefined ? undefined : ratioIn(atLeast),
  };
}

function pairsIn(text: string): number {
  const pairs = Number(text);
  if (/^\d+$/.test(text) && pairs >= 1 && pairs <= pairsMax) return pairs;
  throw new Error(`--pairs wants a whole number from 1 to ${pairsMax}, not ${JSON.stringify(text)}`);
}

function ratioIn(text: string): number {
  const ratio = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && ratio > 0) return ratio;
  throw new Error(`--at-least wants a ratio such as 0.85, not ${JSON.stringify(text)}`);
}
