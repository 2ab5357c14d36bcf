/**
 * @module
 * What somebody meant who misspelt a name.
 */

/** The candidate that takes the fewest edits to reach, when that is at most a third of its letters; else undefined. */
export function nearest(given: string, candidates: readonly string[]): string | undefined {
  const plain = lettersOf(given);
  let best: string | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const letters = lettersOf(candidate);
    const edits = editsBetween(plain, letters);
    if (edits >= fewest || edits > Math.max(1, letters.length / 3)) continue;
    best = candidate;
    fewest = edits;
  }
  return best;
}

/** Dashes and capitals aside: `logLevel` and `log_level` are `log-level`. */
function lettersOf(name: string): string {
  return name.toLowerCase().replace(/[^a-z]/g, "");
}

/** Levenshtein's distance: insertions, deletions and replacements, row by row of the table. */
function editsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let at = 1; at <= from.length; at++) {
    const next = [at];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (row[column - 1] ?? 0) + (from[at - 1] === to[column - 1] ? 0 : 1);
      next.push(Math.min((row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
