/**
 * @module
 * The log as the core sees it: the terms of all of it, the newest entries, and how far it has come.
 *
 * Order of the pointers: startIndex ≤ applied ≤ emitted ≤ min(commit, persisted), commit ≤ last,
 * persisted ≤ written ≤ last. Only `written` and `persisted` ever go back, when a tail is overwritten.
 */

import { assert, itemAt } from "./assert.ts";
import type { RaftBoot } from "./options.ts";
import { addTerm, compactTerms, lastTermOf, type TermRuns, termAt, truncateTerms } from "./term-runs.ts";
import type { ClusterTime, Entry, EntryId, LogIndex, SnapshotMetadata } from "./types.ts";

export interface RaftLog extends TermRuns {
  /** Cluster time of the last entry. */
  lastTime: ClusterTime;
  /** The newest entries: those of [tailBase, lastIndex], of which [tailFirst, lastIndex] still count. */
  tail: Entry[];
  tailBase: LogIndex;
  tailFirst: LogIndex;
  /** Of the entries that count. */
  tailBytes: number;
  /** Handed to the disk. */
  writtenIndex: LogIndex;
  /** Durable here. */
  persistedIndex: LogIndex;
  commitIndex: LogIndex;
  /** Handed to the state machine. */
  emittedIndex: LogIndex;
  appliedIndex: LogIndex;
}

/** What an entry takes beside its command, roughly, in bytes. */
const entryOverheadBytes = 32;
const configurationBytes = 512;
/** Dropped entries are given back in blocks, so that dropping one costs nothing. */
const droppedEntriesMax = 1024;

export function createLog(boot: RaftBoot): RaftLog {
  const { snapshot, logStart, lastIndex, appliedIndex } = boot;
  assert(logStart.index <= appliedIndex && appliedIndex <= lastIndex, "what is applied is in the log");
  assert(snapshot.lastIncludedIndex <= lastIndex, "the log reaches as far as the snapshot");
  return {
    startIndex: logStart.index,
    startTerm: logStart.term,
    runs: boot.termRuns.slice(),
    lastIndex,
    lastTime: boot.lastTime,
    tail: [],
    tailBase: lastIndex + 1,
    tailFirst: lastIndex + 1,
    tailBytes: 0,
    writtenIndex: lastIndex,
    persistedIndex: lastIndex,
    commitIndex: Math.max(appliedIndex, snapshot.lastIncludedIndex),
    emittedIndex: appliedIndex,
    appliedIndex,
  };
}

export function entryBytes(entry: Entry): number {
  switch (entry.kind) {
    case "command":
      return entryOverheadBytes + entry.command.byteLength;
    case "noop":
      return entryOverheadBytes;
    case "configuration":
      return configurationBytes;
  }
}

export function lastEntryId(log: RaftLog): EntryId {
  return { term: lastTermOf(log), index: log.lastIndex };
}

/** The last entry that is known here to be committed; the one before the log when there is none in it. */
export function committedEntryId(log: RaftLog): EntryId {
  const term = termAt(log, log.commitIndex);
  assert(term !== null, "what is committed is in the log, or just before it");
  return { term, index: log.commitIndex };
}

/**
 * Is it the noop with which a leader that was removed took its leave, and not the first entry of a term? The one
 * before it must be in the log. It follows only on an applied change: all changes before it are committed.
 */
export function isFarewell(log: RaftLog, { kind, term, index }: Entry): boolean {
  return kind === "noop" && termAt(log, index - 1) === term;
}

/** How far entries may be executed: committed, and durable here, lest the state outrun its own log. */
export function appliableIndex(log: RaftLog): LogIndex {
  return Math.min(log.commitIndex, log.persistedIndex);
}

export function appendToLog(log: RaftLog, entry: Entry): void {
  addTerm(log, entry);
  log.tail.push(entry);
  log.tailBytes += entryBytes(entry);
  log.lastTime = entry.time;
}

/** Drops the entries from `index` on; others follow at once, so `lastTime` is theirs. */
export function truncateLog(log: RaftLog, index: LogIndex): void {
  assert(index > log.commitIndex, "a committed entry is never overwritten (§5.4)");
  while (log.tail.length > 0 && log.lastIndex >= index) {
    const dropped = itemAt(log.tail, log.tail.length - 1);
    if (dropped.index >= log.tailFirst) log.tailBytes -= entryBytes(dropped);
    log.tail.pop();
    log.lastIndex -= 1;
  }
  truncateTerms(log, index);
  if (log.tailFirst >= index) {
    log.tail = [];
    log.tailBase = index;
    log.tailFirst = index;
  }
  log.writtenIndex = Math.min(log.writtenIndex, index - 1);
  log.persistedIndex = Math.min(log.persistedIndex, index - 1);
}

/** Entries of [from, to) that are in memory: at least one, then as many as `bytesMax` holds. */
export function sliceLog(log: RaftLog, from: LogIndex, to: LogIndex, bytesMax: number): Entry[] {
  assert(log.tailFirst <= from && from < to && to <= log.lastIndex + 1, "the slice lies in the tail");
  const first = from - log.tailBase;
  const end = to - log.tailBase;
  let bytes = entryBytes(itemAt(log.tail, first));
  let next = first + 1;
  while (next < end) {
    bytes += entryBytes(itemAt(log.tail, next));
    if (bytes > bytesMax) break;
    next += 1;
  }
  return log.tail.slice(first, next);
}

export function bytesOf(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entryBytes(entry);
  return bytes;
}

/**
 * Keeps the tail within its bound. What is not durable must stay; what was not handed to the state machine
 * yet stays up to twice the bound, and is read back from disk beyond it.
 */
export function trimTail(log: RaftLog, tailBytesMax: number): void {
  const handedOn = Math.min(log.emittedIndex, log.persistedIndex);
  while (log.tailBytes > tailBytesMax) {
    const droppable = log.tailBytes > 2 * tailBytesMax ? log.persistedIndex : handedOn;
    if (log.tailFirst > droppable) break;
    dropFirst(log);
  }
  releaseDropped(log);
}

/** Forgets the entries up to and with `index`: a durable snapshot stands for them (§7). */
export function compactLog(log: RaftLog, index: LogIndex): void {
  compactTerms(log, index);
  while (log.tailFirst <= index && log.tailFirst <= log.lastIndex) dropFirst(log);
  releaseDropped(log);
}

/** The snapshot becomes the whole log (Figure 13, InstallSnapshot RPC, receiver 7). */
export function resetLog(log: RaftLog, snapshot: SnapshotMetadata): void {
  const { lastIncludedIndex, lastIncludedTerm, lastIncludedTime } = snapshot;
  Object.assign(log, {
    startIndex: lastIncludedIndex,
    startTerm: lastIncludedTerm,
    runs: [],
    lastIndex: lastIncludedIndex,
    lastTime: lastIncludedTime,
    tail: [],
    tailBase: lastIncludedIndex + 1,
    tailFirst: lastIncludedIndex + 1,
    tailBytes: 0,
    writtenIndex: lastIncludedIndex,
    persistedIndex: lastIncludedIndex,
    commitIndex: lastIncludedIndex,
    emittedIndex: lastIncludedIndex,
    appliedIndex: lastIncludedIndex,
  } satisfies RaftLog);
}

function dropFirst(log: RaftLog): void {
  log.tailBytes -= entryBytes(itemAt(log.tail, log.tailFirst - log.tailBase));
  log.tailFirst += 1;
}

function releaseDropped(log: RaftLog): void {
  const dropped = log.tailFirst - log.tailBase;
  if (dropped < droppedEntriesMax || dropped * 2 < log.tail.length) return;
  log.tail.splice(0, dropped);
  log.tailBase = log.tailFirst;
}
