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
    file: "raft/append-answer",
    before: "if (answer.readRound <= progress.ackedRound)",
    after: "if (answer.readRound < progress.ackedRound)",
    why: "a round that was counted is counted once more",
  },
  {
    file: "raft/apply",
    before: "if (index <= log.appliedIndex)",
    after: "if (index < log.appliedIndex)",
    why: "what is applied is found to be applied",
  },
  {
    file: "raft/apply",
    before: "const ready = from + read.length <= end ? read : read.slice(0, end - from);",
    after: "const ready = from + read.length < end ? read : read.slice(0, end - from);",
    why: "all of it is sliced off",
  },
  {
    file: "raft/boot-scan",
    before: "scan.committed = Math.min(scan.committed, scan.found.length);",
    after: "",
    why: "what a farewell proves is committed, and never overwritten",
  },
  {
    file: "raft/commit",
    before: "return true;",
    after: "return false;",
    why: "what is due by then is found to be due again",
  },
  {
    file: "raft/commit",
    before: "if (commitIndex <= log.commitIndex)",
    after: "if (commitIndex < log.commitIndex)",
    why: "it is set to what it is",
  },
  {
    file: "raft/inflights",
    before: "if (inflights.head < inflights.messagesMax)",
    after: "if (inflights.head <= inflights.messagesMax)",
    why: "one more number is kept before they are given back",
  },
  {
    file: "raft/log",
    before: "if (dropped < droppedEntriesMax || dropped * 2 < log.tail.length)",
    after: "if (dropped <= droppedEntriesMax || dropped * 2 < log.tail.length)",
    why: "one entry more is kept before they are given back",
  },
  {
    file: "raft/random",
    before: "mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;",
    after: "",
    why: "timeouts are spread a little worse",
  },
  {
    file: "raft/read-index",
    before: "if (granted > 0)",
    after: "if (granted >= 0)",
    why: "none are taken out then",
  },
  {
    file: "raft/removal",
    before: 'if (state.role === "leader" || !knowsItselfIn || notice.appliedIndex < state.log.appliedIndex)',
    after: 'if (state.role === "leader" || !knowsItselfIn || notice.appliedIndex <= state.log.appliedIndex)',
    why: "two nodes that have applied the same index have the same members",
  },
  {
    file: "raft/snapshot",
    before: 'progress.due = "no";',
    after: "",
    why: "what is paused is not sent, and is not due any more when the turn ends",
  },
  {
    file: "raft/term-runs",
    before: "if (itemAt(runs, high).firstIndex <= index)",
    after: "if (itemAt(runs, high).firstIndex < index)",
    why: "the search behind this short cut finds it too",
  },
  {
    file: "storage/data-directory",
    before: "await rm(temporary, { force: true });",
    after: "await rm(temporary, { force: false });",
    why: "what was written there is there",
  },
  {
    file: "storage/log/log-store",
    before: "#hasGraves = false;",
    after: "#hasGraves = true;",
    why: "it is set when the log opens",
  },
  {
    file: "storage/log/log-store",
    before: "image.last = { ...image.last, chainHash: Buffer.from(image.last.chainHash) };",
    after: "",
    why: "one row stays in memory until the next write",
  },
  {
    file: "storage/log/log-store",
    before: "for (let reset = 0; reset < resets; reset++) {",
    after: "for (let reset = 0; reset <= resets; reset++) {",
    why: "one more lane is emptied, and all but the present one are dead",
  },
  {
    file: "storage/log/log-store",
    before: "const to = Buffer.compare(end, range.to) < 0 ? end : range.to;",
    after: "const to = Buffer.compare(end, range.to) <= 0 ? end : range.to;",
    why: "both are the same key then",
  },
  {
    file: "storage/log/log-write",
    before: "this.#dropped = [];",
    after: "",
    why: "what the former life has dropped is deleted in the new one, where it has never been",
  },
  {
    file: "storage/log/log-write",
    before: "image.terms.compact(end);",
    after: "",
    why: "a few bytes a term stay in memory until the next start",
  },
  {
    file: "storage/log/meta",
    before: "if (row.byteLength < bodyOffset)",
    after: "if (row.byteLength <= bodyOffset)",
    why: "no row is without a body",
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
    file: "storage/snapshot/snapshot-directory",
    before: "this.#leftByEarlier = [];",
    after: "",
    why: "it is asked once a start, and what is received again leaves the list by itself",
  },
  {
    file: "storage/state/range-reader",
    before: "if (record.modRevision <= this.#query.revision)",
    after: "if (record.modRevision < this.#query.revision)",
    why: "the search for its past is over where it begins",
  },
  {
    file: "storage/watermark/mark",
    before: "if (bytes.byteLength < bodyOffset || !bytes.subarray(0, magic.byteLength).equals(magic))",
    after: "if (bytes.byteLength <= bodyOffset || !bytes.subarray(0, magic.byteLength).equals(magic))",
    why: "no slot is without a body",
  },
];
