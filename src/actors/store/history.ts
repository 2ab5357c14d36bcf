/**
 * @module
 * The history within its bounds: the leader's store proposes up to where it is compacted, every store drops what
 * nobody can ask for any more, a few chunks at a time, each time with a batch.
 */

import { crc32 } from "node:zlib";
import { StorageError } from "../../errors/balsa-error.ts";
import type { StateMeta } from "../../kv/meta.ts";
import type { Row } from "../../kv/row.ts";
import { isHistoryTooLong, planCompaction, planTrim } from "../../kv/trim.ts";
import { propose } from "./propose.ts";
import { isInstalling, type StoreState } from "./state.ts";

/** A compaction that came to nothing is proposed again so much later, in cluster time. */
const retryMs = 1000;

export function beginTrim(state: StoreState): void {
  const { meta, oldest } = state;
  if (state.readingHistory || state.trim !== null || state.writing !== null || isInstalling(state)) return;
  if (meta.historyBytes === 0) return;
  const mayDrop = meta.compactedRevision > meta.historyFrom;
  const mayTrim = mayDrop && (oldest === null || oldest.lastRevision <= meta.compactedRevision);
  if (!mayTrim && !mayCompact(state)) return;
  state.readingHistory = true;
  state.outbox.tasks.push({ kind: "readHistory", fromRevision: meta.historyFrom });
}

/** Whether this store has to look what of the history is beyond its bounds. */
function mayCompact(state: StoreState): boolean {
  const { expiry, oldest, compaction, options } = state;
  if (expiry.term === null) return false;
  if (oldest !== null && !isHistoryTooLong(metaNow(state), oldest, options.limits)) return false;
  if (compaction === null || state.meta.compactedRevision >= compaction.revision) return true;
  return expiry.now >= compaction.time + retryMs;
}

export function onHistoryRead(state: StoreState, chunks: readonly Row[]): void {
  state.readingHistory = false;
  if (isInstalling(state)) return;
  if (chunks.length === 0) throw new StorageError("the history has lost the chunks that its size counts");
  const { trim, oldest } = planTrim(state.meta, chunks, crc32);
  state.trim = trim;
  state.oldest = oldest;
  if (trim !== null || !mayCompact(state)) return;
  const revision = planCompaction(metaNow(state), chunks, state.options.limits, crc32);
  if (revision === null) return;
  state.compaction = { revision, time: state.expiry.now };
  propose(state, { kind: "compact", revision });
}

/** The leader knows the time also when nothing is written. */
function metaNow({ meta, expiry }: StoreState): StateMeta {
  return expiry.now > meta.time ? { ...meta, time: expiry.now } : meta;
}
