/**
 * @module
 * What many measurements of one ratio say together, without assuming how they are distributed.
 */

import { median } from "../table.ts";

/** Both ends inclusive. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

export interface Spread {
  readonly median: number;
  /** Where the true median lies, wrong in at most one case of twenty; of five values or fewer the least and the most, which are wrong more often. */
  readonly medianWithin: Interval;
  /** The middle half of the values. */
  readonly middleHalf: Interval;
}

const wrongMax = 0.05;

/** NaN throughout of nothing. At most a thousand values: of more the chances are too small for numbers. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const left = leftOut(sorted.length);
  return {
    median: median(sorted),
    medianWithin: { from: sorted[left] ?? Number.NaN, to: sorted[sorted.length - 1 - left] ?? Number.NaN },
    middleHalf: { from: quantile(sorted, 0.25), to: quantile(sorted, 0.75) },
  };
}

/** `1.02 (0.98–1.05)`: the median, and where it surely lies. */
export function formatSpread({ median: middle, medianWithin: { from, to } }: Spread): string {
  return `${middle.toFixed(2)} (${from.toFixed(2)}–${to.toFixed(2)})`;
}

/**
 * How many of the least and of the most of `count` values may be left out for the others to hold the median. Each value
 * lies below it as a coin falls: the interval misses it when so few of the tosses, or fewer, fall on one side.
 */
function leftOut(count: number): number {
  let exactly = 0.5 ** count;
  let atMost = exactly;
  for (let left = 0; ; left++) {
    exactly *= (count - left) / (left + 1);
    atMost += exactly;
    if (2 * atMost > wrongMax) return left;
  }
}

/** Between two values, in proportion. */
function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(place)] ?? Number.NaN, sorted[Math.ceil(place)] ?? Number.NaN];
  return below + (above - below) * (place - Math.floor(place));
}
