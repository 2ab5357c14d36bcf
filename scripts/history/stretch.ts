/**
 * @module
 * The smallest stretch of one key's history that shows that it has no order: for a reader, who cannot follow hundreds.
 *
 * Whatever is taken away here only makes an order easier to find. So what still has none shows why the whole has none.
 */

import { isUnknown, looksOnly, type Operation, type Value } from "./operation.ts";
import { anyValue, type Initial } from "./register.ts";
import { Search } from "./search.ts";

export interface Stretch {
  /** Which cannot all be true, by their starts. */
  readonly operations: readonly Operation[];
  /** Others of that time, which may have taken effect then or never: even so there is no order. */
  readonly optional: readonly Operation[];
  /** Whether the key had its first value when the stretch began; otherwise it may have had any. */
  readonly fromBeginning: boolean;
  /** As many as can be put in order, in one such order. */
  readonly longestOrder: readonly Operation[];
}

/** Every attempt to make the stretch smaller is given up after as many configurations. */
const configurationsMax = 50_000;

/** `operations` are those of one key, and have no order from `initial` on. */
export function stretchOf(operations: readonly Operation[], initial: Value): Stretch {
  const end = earliestEnd(operations, initial);
  const cut = endedAt(operations, end);
  const start = latestStart(cut);
  const begun = start === null ? cut : startedAt(cut, start);
  const before = start === null ? initial : anyValue;
  const needed = withoutNeedless(begun, before);
  const search = searchIn(needed, before);
  return {
    operations: needed.filter((operation) => !isUnknown(operation)).sort((a, b) => a.from - b.from),
    optional: needed.filter(isUnknown),
    fromBeginning: start === null,
    longestOrder: search.longestOrder,
  };
}

/** The end of the first operation by which there is no order any more. */
function earliestEnd(operations: readonly Operation[], initial: Value): number {
  const ends = operations.flatMap((operation) => (isUnknown(operation) ? [] : [operation.to])).sort((a, b) => a - b);
  const at = firstThat(ends.length, (position) => hasNoOrder(endedAt(operations, ends[position] ?? 0), initial));
  return ends[at] ?? Number.POSITIVE_INFINITY;
}

/** The start of the last operation from which on there is no order, whatever the key had then; null when it matters. */
function latestStart(operations: readonly Operation[]): number | null {
  const starts = operations.map((operation) => operation.from).sort((a, b) => b - a);
  const at = firstThat(starts.length, (position) => hasNoOrder(startedAt(operations, starts[position] ?? 0), anyValue));
  return starts[at] ?? null;
}

/** What ends later may still be under way; what starts later has not begun. */
function endedAt(operations: readonly Operation[], end: number): readonly Operation[] {
  return operations
    .filter((operation) => operation.from <= end)
    .flatMap((operation) => (operation.to > end ? unfinished(operation) : [operation]));
}

/** What ended before is forgotten; what was under way may have taken effect before, may do so now, or never. */
function startedAt(operations: readonly Operation[], start: number): readonly Operation[] {
  return operations
    .filter((operation) => operation.to >= start)
    .flatMap((operation) => (operation.from < start ? unfinished(operation) : [operation]));
}

/** As if its answer had never come: then one that has changed nothing says nothing. */
function unfinished(operation: Operation): readonly Operation[] {
  const { action } = operation;
  if (looksOnly(action)) return [];
  const to = Number.POSITIVE_INFINITY;
  if (action.kind === "delete") return [{ ...operation, to, action: { ...action, deleted: null } }];
  if (action.kind === "compareAndSet") return [{ ...operation, to, action: { ...action, applied: null } }];
  return [{ ...operation, to }];
}

/** One after the other loses its answer, as long as there is still no order without it. */
function withoutNeedless(operations: readonly Operation[], initial: Initial): readonly Operation[] {
  let left = operations;
  for (const operation of operations) {
    if (isUnknown(operation)) continue;
    const fewer = left.flatMap((other) => (other === operation ? unfinished(other) : [other]));
    if (hasNoOrder(fewer, initial)) left = fewer;
  }
  return left;
}

function hasNoOrder(operations: readonly Operation[], initial: Initial): boolean {
  return searchIn(operations, initial).finding === "no order";
}

function searchIn(operations: readonly Operation[], initial: Initial): Search {
  const search = new Search(operations, initial);
  search.advance(configurationsMax);
  return search;
}

/** The first position at which it holds, of those below `count`; `count` when at none. Once it holds, it holds on. */
function firstThat(count: number, holds: (position: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
