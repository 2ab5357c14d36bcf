/**
 * @module
 * What slices of two builds, measured in pairs, say of one against the other.
 */

import { formatCount, median, renderTable } from "../table.ts";
import type { Measurement } from "./scenario.ts";
import { formatSpread, spreadOf } from "./spread.ts";

export interface Slice extends Measurement {
  /** Of each node, the leader first, during the slice; NaN where the system does not tell. */
  readonly processorMs: readonly number[];
}

/** Each pair is a slice of this build and one of the other, measured one after the other. */
export interface ComparedSlices {
  readonly name: string;
  readonly pairs: readonly (readonly [Slice, Slice])[];
}

export interface Comparison {
  readonly text: string;
  /** Whether nothing failed, and the median of each ratio of rates is at least what was asked for. */
  readonly holds: boolean;
}

export function renderComparison(compared: readonly ComparedSlices[], atLeast: number | undefined): Comparison {
  const rates = [["", "this, a second", "the other", "ratio", "half of the pairs", "p99 ms", "", "failed", ""]];
  const times = [["processor time an answer, µs", "leader", "followers", "all", "ratio"]];
  const tooLow: string[] = [];
  let failed = 0;
  for (const { name, pairs } of compared) {
    const [ours, theirs] = [pairs.map(([one]) => one), pairs.map(([, other]) => other)];
    const ratio = spreadOf(pairs.map(([one, other]) => one.perSecond / other.perSecond));
    if (atLeast !== undefined && !(ratio.median >= atLeast)) tooLow.push(name);
    const sides = [ours, theirs].map((slices) => ({
      perSecond: formatCount(median(slices.map((slice) => slice.perSecond))),
      p99Ms: median(slices.map((slice) => slice.p99Ms)).toFixed(2),
      failed: slices.reduce((sum, slice) => sum + slice.failed, 0),
    }));
    const { from, to } = ratio.middleHalf;
    failed += sides.reduce((sum, side) => sum + side.failed, 0);
    rates.push([
      name,
      ...sides.map((side) => side.perSecond),
      formatSpread(ratio),
      `${from.toFixed(2)}–${to.toFixed(2)}`,
      ...sides.map((side) => side.p99Ms),
      ...sides.map((side) => String(side.failed)),
    ]);
    const timeRatio = spreadOf(pairs.map(([one, other]) => microseconds([one]).all / microseconds([other]).all));
    times.push([`${name}: this`, ...timeCells(ours), formatSpread(timeRatio)]);
    times.push([`${" ".repeat(name.length)}  the other`, ...timeCells(theirs), ""]);
  }
  const explained = "  a ratio is this build to the other: median of the pairs (where it surely lies)\n";
  const verdict = atLeast === undefined ? "" : `  ${verdictOf(tooLow, atLeast)}\n`;
  const doubt = failed === 0 ? "" : `  ${failed} requests failed: the figures say nothing\n`;
  const text = `${renderTable(rates)}\n${renderTable(times)}\n${explained}${doubt}${verdict}`;
  return { text, holds: tooLow.length === 0 && failed === 0 };
}

function verdictOf(tooLow: readonly string[], atLeast: number): string {
  return tooLow.length === 0
    ? `each is at least ${atLeast} times as fast`
    : `less than ${atLeast} times as fast: ${tooLow.join("; ")}`;
}

function timeCells(slices: readonly Slice[]): readonly string[] {
  const { nodes, all } = microseconds(slices);
  const [leader = Number.NaN, ...followers] = nodes;
  const written = (value: number): string => (Number.isFinite(value) ? value.toFixed(0) : "?");
  return [written(leader), followers.map(written).join(", "), written(all)];
}

/** Processor time an answer: of each node, and of all together. */
function microseconds(slices: readonly Slice[]): { readonly nodes: readonly number[]; readonly all: number } {
  const answered = slices.reduce((sum, slice) => sum + slice.answered, 0);
  const nodes = (slices[0]?.processorMs ?? []).map(
    (_, at) => (slices.reduce((sum, slice) => sum + (slice.processorMs[at] ?? Number.NaN), 0) * 1_000) / answered,
  );
  return { nodes, all: nodes.reduce((sum, node) => sum + node, 0) };
}
