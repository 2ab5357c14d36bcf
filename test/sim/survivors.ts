/**
 * @module
 * Mechanical changes that nothing notices because nothing comes of them, each with a word why.
 */

export interface KnownSurvivor {
  /** Below `dist/src`, without `.js`. */
  readonly file: string;
  /** The line as it is built, and what it is changed to; empty when it is left out. */
  readonly before: string;
  readonly after: string;
  readonly why: string;
}

export const knownSurvivors: readonly KnownSurvivor[] = [
  {
    file: "raft/inflights",
    before: "if (inflights.head < inflights.messagesMax)",
    after: "if (inflights.head <= inflights.messagesMax)",
    why: "one more number is kept before they are given back",
  },
  {
    file: "raft/random",
    before: "mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;",
    after: "",
    why: "timeouts are spread a little worse",
  },
  {
    file: "raft/removal",
    before: 'if (state.role === "leader" || !knowsItselfIn || notice.appliedIndex < state.log.appliedIndex)',
    after: 'if (state.role === "leader" || !knowsItselfIn || notice.appliedIndex <= state.log.appliedIndex)',
    why: "two nodes that have applied the same index have the same members",
  },
  {
    file: "raft/term-runs",
    before: "if (itemAt(runs, high).firstIndex <= index)",
    after: "if (itemAt(runs, high).firstIndex < index)",
    why: "the search behind this short cut finds it too",
  },
  {
    file: "storage/log/log-store",
    before: "const readTo = before?.index ?? firstRow - 1;",
    after: "const readTo = before?.index ?? firstRow;",
    why: "where the last index is known it lies above the first row",
  },
  {
    file: "storage/log/log-write",
    before: "this.#highestRow = index;",
    after: "",
    why: "rows that are not in the new lane are deleted once more",
  },
  {
    file: "storage/snapshot/format",
    before: 'if (typeof value !== "object" || value === null)',
    after: 'if (typeof value !== "object" && value === null)',
    why: "what is no object has none of the lists that are asked for next",
  },
  {
    file: "storage/snapshot/incoming-snapshot",
    before: "if (transfer === null || last || bytes.byteLength === 0)",
    after: "if (transfer === null || last && bytes.byteLength === 0)",
    why: "no chunk is empty, and a last one that begins is longer than what is there of the same file",
  },
  {
    file: "raft/snapshot",
    before: 'progress.due = "no";',
    after: "",
    why: "what is paused is not sent, and is not due any more when the turn ends",
  },
  {
    file: "storage/snapshot/snapshot-directory",
    before: "this.#leftByEarlier = [];",
    after: "",
    why: "it is asked once a start, and what is received again leaves the list by itself",
  },
  {
    file: "storage/state/memory-state-storage",
    before: "if (found.length > 0 && (found.length >= rowsMax || bytes >= bytesMax))",
    after: "if (found.length > 0 && (found.length >= rowsMax || bytes > bytesMax))",
    why: "a bound in bytes that is met exactly lets one row more in",
  },
];
