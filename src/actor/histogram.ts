/**
 * @module
 * The buckets of every distribution on the board: four a doubling, around 200 ms exactly (two ticks).
 */

const centreMicroseconds = 200_000;
const bucketsPerDoubling = 4;

function makeBounds(): number[] {
  const bounds: number[] = [];
  for (let step = -14 * bucketsPerDoubling; step <= 8 * bucketsPerDoubling; step++) {
    bounds.push(Math.round(centreMicroseconds * 2 ** (step / bucketsPerDoubling)));
  }
  return bounds;
}

/** Upper bounds in microseconds, inclusive, ascending: 12 µs to 51 s. */
export const histogramBounds: readonly number[] = makeBounds();

/** The bucket of a value: the first whose bound is not below it, or the one above all. */
export function bucketOf(microseconds: number): number {
  let from = 0;
  let to = histogramBounds.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((histogramBounds[middle] ?? 0) < microseconds) from = middle + 1;
    else to = middle;
  }
  return from;
}
