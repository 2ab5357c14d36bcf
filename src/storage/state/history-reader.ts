/**
 * @module
 * The history as of one moment: what a key was at a revision, and which changes came after one (DESIGN.md, "The data
 * model").
 *
 * A key's past is found backwards: its current record says at which revision it was made, the chunk of that revision
 * holds the record that it replaced, and so on, one chunk at a time (`past-search.ts` also looks from the other end). Chunks that were read
 * lately are kept, since keys that change together stand in the same ones.
 */

import { crc32 } from "node:zlib";
import { changesOfChunk, lastRevisionOfChunk, verifyChunk } from "../../kv/history.ts";
import {
  afterRevision,
  type ChangePosition,
  compareBytes,
  historyKey,
  positionOfHistory,
  rangeOf,
  rowPrefixes,
} from "../../kv/keys.ts";
import { type CurrentRecord, decodeRecord, RecordFormatError } from "../../kv/record.ts";
import type { RowCursor, RowMoment } from "./state-storage.ts";

/** A verified one. */
export interface HistoryChunk {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly first: ChangePosition;
  readonly lastRevision: number;
}

const chunksKept = 16;
const history = rangeOf(rowPrefixes.history);

export class HistoryReader {
  readonly #rows: RowMoment;
  /** The newest last. */
  #kept: HistoryChunk[] = [];

  constructor(rows: RowMoment) {
    this.#rows = rows;
  }

  /** The last chunk that begins before this position. */
  async chunkBefore(position: ChangePosition): Promise<HistoryChunk | undefined> {
    const cursor = this.#rows.scan({ from: history.from, to: historyKey(position), order: "desc" });
    try {
      const [row] = await cursor.next(1);
      return row === undefined ? undefined : verifiedChunk(row.key, row.value);
    } finally {
      await cursor.close();
    }
  }

  /** All chunks from this position on. To be closed. */
  chunksFrom(position: ChangePosition): RowCursor {
    return this.#rows.scan({ from: historyKey(position), to: history.to, order: "asc" });
  }

  /** All chunks from the one on that holds the first change above the revision. To be closed. */
  async chunksAbove(revision: number): Promise<RowCursor> {
    const first = { revision: revision + 1, ordinal: 0 };
    return this.chunksFrom((await this.chunkBefore({ ...first, ordinal: 1 }))?.first ?? first);
  }

  /**
   * One step into a key's past: what it was before the change that made `record`, which is newer than `revision`; or
   * further back, but not beyond that revision. Null: it was not there.
   */
  async stepBack(key: Uint8Array, record: CurrentRecord, revision: number): Promise<CurrentRecord | null> {
    // A key created after the revision was absent or deleted before that: its later versions need no look.
    const isNewer = record.kind === "value" && record.createRevision > revision;
    const changedAt = isNewer ? record.createRevision : record.modRevision;
    for (const chunk of this.#kept) {
      const mayHoldIt = chunk.first.revision <= changedAt && changedAt <= chunk.lastRevision;
      const replaced = mayHoldIt ? replacedAfter(chunk, key, revision) : undefined;
      if (replaced !== undefined) return replaced;
    }
    for (let position = afterRevision(changedAt); ; ) {
      const chunk = await this.chunkBefore(position);
      const replaced = chunk === undefined ? undefined : replacedAfter(chunk, key, revision);
      if (chunk !== undefined && replaced !== undefined) {
        this.#kept = [...this.#kept.slice(1 - chunksKept), chunk];
        return replaced;
      }
      // A command's changes may fill several chunks.
      if (chunk === undefined || chunk.first.revision !== changedAt || chunk.first.ordinal === 0)
        throw new RecordFormatError(`the history has lost what was changed at revision ${changedAt}`);
      position = chunk.first;
    }
  }
}

export function verifiedChunk(key: Uint8Array, value: Uint8Array): HistoryChunk {
  verifyChunk(key, value, crc32);
  return { key, value, first: positionOfHistory(key), lastRevision: lastRevisionOfChunk(value) };
}

/** What the chunk's first change of the key above that revision replaced; undefined when it has none. */
export function replacedAfter(
  chunk: HistoryChunk,
  key: Uint8Array,
  revision: number,
): CurrentRecord | null | undefined {
  for (const change of changesOfChunk(chunk.key, chunk.value))
    if (change.revision > revision && compareBytes(change.key, key) === 0)
      return change.before === null ? null : decodeRecord(key, change.before, crc32);
  return undefined;
}
