/**
 * @module
 * Whether a history is linearizable: key by key, since keys know nothing of each other, and all keys at once under
 * growing budgets, since one bad key can cost more than all good ones together.
 */

import { byKey, type History, isUnknown, type Operation } from "./operation.ts";
import { Search } from "./search.ts";
import { type Stretch, stretchOf } from "./stretch.ts";

export type Verdict = "linearizable" | "not linearizable" | "undecided";

export interface Report {
  readonly verdict: Verdict;
  readonly operations: number;
  readonly unknown: number;
  readonly keys: number;
  /** What the search has met, over all keys: what the verdict has cost. */
  readonly configurations: number;
  /** The key that has no order, and why not. */
  readonly violation: Violation | null;
  /** Keys that would have needed more than they were given. */
  readonly undecidedKeys: readonly string[];
}

export interface Violation {
  readonly key: string;
  readonly stretch: Stretch;
}

export interface CheckOptions {
  /** For each key. A configuration costs some 200 bytes of memory. Default 3 000 000. */
  readonly configurationsMax?: number;
}

const firstBudget = 1_000;
const growth = 10;

export function checkHistory(history: History, options: CheckOptions = {}): Report {
  const configurationsMax = options.configurationsMax ?? 3_000_000;
  const keys = byKey(history.operations);
  const racing = new Map<string, Search>();
  for (const [key, operations] of keys) racing.set(key, new Search(operations, history.initial));
  let violatedKey: string | null = null;
  let configurations = 0;
  for (let budget = firstBudget; racing.size > 0 && violatedKey === null; budget *= growth) {
    for (const [key, search] of racing) {
      const before = search.configurations;
      const finding = search.advance(Math.min(budget, configurationsMax));
      configurations += search.configurations - before;
      if (finding === "order") racing.delete(key);
      if (finding !== "no order") continue;
      violatedKey = key;
      break;
    }
    if (budget >= configurationsMax) break;
  }
  const undecidedKeys = violatedKey === null ? [...racing.keys()] : [];
  return {
    verdict: verdictOf(violatedKey, undecidedKeys),
    operations: history.operations.length,
    unknown: history.operations.filter(isUnknown).length,
    keys: keys.size,
    configurations,
    violation: violatedKey === null ? null : violationOf(violatedKey, keys.get(violatedKey) ?? [], history),
    undecidedKeys,
  };
}

function verdictOf(violatedKey: string | null, undecidedKeys: readonly string[]): Verdict {
  if (violatedKey !== null) return "not linearizable";
  return undecidedKeys.length === 0 ? "linearizable" : "undecided";
}

function violationOf(key: string, operations: readonly Operation[], { initial }: History): Violation {
  return { key, stretch: stretchOf(operations, initial) };
}
