/**
 * @module
 * Reads a histogram from a node's Prometheus text, and what was added to it between two moments.
 */

/** Cumulative counts by upper bound, in the unit of the metric, ascending; the last bound is Infinity. */
export type Histogram = ReadonlyMap<number, number>;

/** Sums over all label sets. Throws when the node does not answer 200. */
export async function readHistogram(url: string, name: string): Promise<Histogram> {
  const answer = await fetch(`${url}/metrics`);
  if (answer.status !== 200) throw new Error(`${url}/metrics answered ${answer.status}`);
  return parseHistogram(await answer.text(), name);
}

export function parseHistogram(text: string, name: string): Histogram {
  const counts = new Map<number, number>();
  for (const line of text.split("\n")) {
    if (!line.startsWith(`${name}_bucket{`)) continue;
    const [, bound, count] = /le="([^"]+)"[^}]*\} (\S+)/.exec(line) ?? [];
    if (bound === undefined || count === undefined) continue;
    const upper = bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound);
    counts.set(upper, (counts.get(upper) ?? 0) + Number(count));
  }
  return new Map([...counts].sort(([a], [b]) => a - b));
}

export interface Quantile {
  /** How many were added. */
  readonly count: number;
  /** The upper bound of the bucket that holds the quantile; NaN when nothing was added. */
  readonly upperBound: number;
}

export function quantileBetween(before: Histogram, after: Histogram, quantile: number): Quantile {
  const added = [...after].map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)] as const);
  const count = added.at(-1)?.[1] ?? 0;
  if (count === 0) return { count, upperBound: Number.NaN };
  const found = added.find(([, cumulative]) => cumulative >= count * quantile);
  return { count, upperBound: found?.[0] ?? Number.POSITIVE_INFINITY };
}
