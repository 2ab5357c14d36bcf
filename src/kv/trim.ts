/**
 * @module
 * Which chunks of history a copy of the state may drop, oldest first.
 *
 * Divergence: this is each copy's own doing, paced by its own writes; no command says so yet. So two nodes may
 * remember differently far back, and `historyFrom` must not be promised to clients as the compacted revision of
 * the cluster. The state's hash covers current records only, and is the same everywhere.
 */

import { summarizeChunk } from "./history.ts";
import type { StateMeta } from "./meta.ts";
import type { Crc32 } from "./record.ts";

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

/** A chunk as its row holds it. */
export interface StoredChunk {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What to drop, for `applyBatch` to write with its next batch. */
export interface Trim {
  readonly chunkKeys: readonly Uint8Array[];
  readonly bytes: number;
  /** The new `historyFrom`. */
  readonly historyFrom: number;
  /** Keys deleted in these chunks: what is left of them goes too, unless they have changed since. */
  readonly deletions: readonly { readonly key: Uint8Array; readonly revision: number }[];
}

/** Whether the history has outgrown its bytes. */
export function isHistoryTooLarge(meta: StateMeta, limits: HistoryLimits): boolean {
  return meta.historyBytes > limits.bytesMax;
}

/** `keptTime` is the cluster time of the oldest chunk read that stays; null when none of them does. */
export interface TrimPlan {
  readonly trim: Trim | null;
  readonly keptTime: number | null;
}

/** Which of `chunks`, the oldest that stand, have to go. Throws `RecordFormatError` on a damaged one. */
export function planTrim(
  meta: StateMeta,
  chunks: readonly StoredChunk[],
  limits: HistoryLimits,
  crc32: Crc32,
): TrimPlan {
  const chunkKeys: Uint8Array[] = [];
  const deletions: { key: Uint8Array; revision: number }[] = [];
  const bytesKept = isHistoryTooLarge(meta, limits) ? limits.bytesMax * (1 - slackOfBytes) : limits.bytesMax;
  let bytes = 0;
  let { historyFrom } = meta;
  let keptTime: number | null = null;
  for (const { key, value } of chunks) {
    const chunk = summarizeChunk(key, value, crc32);
    const tooLarge = meta.historyBytes - bytes > bytesKept;
    const tooOld = isTooOld(chunk.time, meta, limits) && chunk.lastRevision <= meta.revision - limits.revisionsMin;
    if (!tooLarge && !tooOld) {
      keptTime = chunk.time;
      break;
    }
    chunkKeys.push(key);
    bytes += value.byteLength;
    historyFrom = chunk.lastRevision;
    deletions.push(...chunk.deletions);
  }
  return { trim: chunkKeys.length === 0 ? null : { chunkKeys, bytes, historyFrom, deletions }, keptTime };
}

/** Whether a chunk written at `time` is past the history's age. */
export function isTooOld(time: number, meta: StateMeta, limits: HistoryLimits): boolean {
  return time < meta.time - limits.ageMax;
}
