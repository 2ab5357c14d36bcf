/**
 * @module
 * The bounds of the history. What can be asked for is the log's doing: the leader's store proposes `compact` when the
 * history outgrows its bounds, and `compactedRevision` is the same everywhere. The chunks below it go afterwards, at
 * each copy's own pace.
 */

import { summarizeChunk } from "./history.ts";
import type { StateMeta } from "./meta.ts";
import type { Crc32 } from "./record.ts";
import type { Row } from "./row.ts";

export interface HistoryLimits {
  readonly bytesMax: number;
  /** Milliseconds of cluster time. */
  readonly ageMax: number;
  /** That many of the newest revisions do not go because of their age, only because of their bytes. */
  readonly revisionsMin: number;
}

/** A history that is too large is cut by that share more than it has to be, so that this happens seldom. */
const slackOfBytes = 1 / 32;

export const historyAgeMax: number = 60 * 60 * 1000;
export const historyRevisionsMin: number = 10_000;

/** What to drop, for `applyBatch` to write with its next batch. */
export interface Trim {
  readonly chunkKeys: readonly Uint8Array[];
  readonly bytes: number;
  /** The new `historyFrom`. */
  readonly historyFrom: number;
  /** Keys deleted in these chunks: what is left of them goes too, unless they have changed since. */
  readonly deletions: readonly { readonly key: Uint8Array; readonly revision: number }[];
  /** Bytes of what was in them. */
  readonly deletedBytes: number;
}

/** The oldest chunk that stands, once it has been looked at. */
export interface OldestChunk {
  /** Cluster time of the batch that wrote it, in milliseconds. */
  readonly time: number;
  readonly lastRevision: number;
}

/** Either is null when there is nothing of the kind. */
export interface TrimPlan {
  readonly trim: Trim | null;
  /** The oldest of the chunks that stays. */
  readonly oldest: OldestChunk | null;
}

/** Which of `chunks`, the oldest that stand, nobody can ask for any more. Throws `RecordFormatError` on a damaged one. */
export function planTrim(meta: StateMeta, chunks: readonly Row[], crc32: Crc32): TrimPlan {
  const chunkKeys: Uint8Array[] = [];
  const deletions: { key: Uint8Array; revision: number }[] = [];
  let bytes = 0;
  let deletedBytes = 0;
  let { historyFrom } = meta;
  let oldest: OldestChunk | null = null;
  for (const { key, value } of chunks) {
    const chunk = summarizeChunk(key, value, crc32);
    if (chunk.lastRevision > meta.compactedRevision) {
      oldest = { time: chunk.time, lastRevision: chunk.lastRevision };
      break;
    }
    chunkKeys.push(key);
    bytes += value.byteLength;
    historyFrom = chunk.lastRevision;
    deletions.push(...chunk.deletions);
    deletedBytes += chunk.deletedBytes;
  }
  const trim = { chunkKeys, bytes, historyFrom, deletions, deletedBytes };
  return { trim: chunkKeys.length === 0 ? null : trim, oldest };
}

/** Whether the history has outgrown its bounds, when its oldest chunk is that. */
export function isHistoryTooLong(meta: StateMeta, oldest: OldestChunk, limits: HistoryLimits): boolean {
  return isTooLarge(meta, limits) || isTooOld(oldest, meta, limits);
}

/**
 * The revision to compact to so that the history is within its bounds again, as far as `chunks`, the oldest that
 * stand, reach; null when it is. Throws `RecordFormatError` on a damaged chunk.
 */
export function planCompaction(
  meta: StateMeta,
  chunks: readonly Row[],
  limits: HistoryLimits,
  crc32: Crc32,
): number | null {
  const bytesKept = isTooLarge(meta, limits) ? limits.bytesMax * (1 - slackOfBytes) : limits.bytesMax;
  let bytes = meta.historyBytes;
  let compactTo: number | null = null;
  for (const { key, value } of chunks) {
    const chunk = summarizeChunk(key, value, crc32);
    if (bytes <= bytesKept && !isTooOld(chunk, meta, limits)) break;
    bytes -= value.byteLength;
    compactTo = chunk.lastRevision;
  }
  return compactTo;
}

function isTooLarge(meta: StateMeta, limits: HistoryLimits): boolean {
  return meta.historyBytes > limits.bytesMax;
}

/** The newest revisions do not go because of their age. */
function isTooOld({ time, lastRevision }: OldestChunk, meta: StateMeta, limits: HistoryLimits): boolean {
  return time < meta.time - limits.ageMax && lastRevision <= meta.revision - limits.revisionsMin;
}
