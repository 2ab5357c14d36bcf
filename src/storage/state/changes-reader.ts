/**
 * @module
 * The changes after a position of the history, in order and whole commands at a time: what watches are fed with.
 */

import { crc32 } from "node:zlib";
import { changesOfChunk, decodeChange, type StoredChange } from "../../kv/history.ts";
import { afterRevision, type ChangePosition, positionOfHistory } from "../../kv/keys.ts";
import type { ChangesAsk, ChangesRead, KeyChange } from "../../kv/state-view.ts";
import { isInRange } from "../../kv/transaction.ts";
import { type HistoryReader, verifiedChunk } from "./history-reader.ts";
import type { Row, RowCursor } from "./state-storage.ts";

const chunksAtOnce = 16;

/** Reads up to `revision`, which is the moment's. */
export async function readChanges(history: HistoryReader, revision: number, ask: ChangesAsk): Promise<ChangesRead> {
  const { after } = ask;
  if (!isAbove(afterRevision(revision), after)) return { changes: [], through: after, more: false };
  const chunks = new Chunks(history.chunksFrom(await startOf(history, after)));
  try {
    return await readFrom(chunks, revision, ask);
  } finally {
    await chunks.close();
  }
}

/** Where the chunk begins that holds the first change above the position. */
async function startOf(history: HistoryReader, after: ChangePosition): Promise<ChangePosition> {
  const isEnd = after.ordinal === afterRevision(after.revision).ordinal;
  const next = isEnd ? { revision: after.revision + 1, ordinal: 0 } : { ...after, ordinal: after.ordinal + 1 };
  const cursor = history.chunksFrom(next);
  try {
    // Whoever follows the newest changes finds a chunk that begins right there.
    const [row] = await cursor.next(1);
    if (row !== undefined) {
      const first = positionOfHistory(row.key);
      if (first.revision === next.revision && first.ordinal === next.ordinal) return next;
    }
  } finally {
    await cursor.close();
  }
  return (await history.chunkBefore(next))?.first ?? next;
}

async function readFrom(chunks: Chunks, revision: number, ask: ChangesAsk): Promise<ChangesRead> {
  let changes: KeyChange[] = [];
  let through = ask.after;
  let bytes = 0;
  for (;;) {
    const row = await chunks.next();
    if (row === undefined) return { changes, through: afterRevision(revision), more: false };
    verifiedChunk(row.key, row.value);
    bytes += row.value.byteLength;
    for (const change of changesOfChunk(row.key, row.value)) {
      if (!isAbove(change, ask.after)) continue;
      through = { revision: change.revision, ordinal: change.ordinal };
      if (isAskedFor(change, ask)) changes.push(keyChange(change));
    }
    if (bytes < ask.bytesMax) continue;
    const next = await chunks.peek();
    if (next === undefined) continue;
    if (positionOfHistory(next.key).ordinal === 0)
      return { changes, through: afterRevision(through.revision), more: true };
    // The last command goes on in the next chunk: it is left for then, unless there is nothing else to give.
    const before = afterRevision(through.revision - 1);
    if (!isAbove(before, ask.after)) return { changes, through, more: true };
    changes = changes.filter((change) => change.revision <= before.revision);
    return { changes, through: before, more: true };
  }
}

function isAskedFor({ key }: StoredChange, { ranges, isWanted }: ChangesAsk): boolean {
  const isInRanges = ranges === null || ranges.some((range) => isInRange(key, range));
  return isInRanges && (isWanted === undefined || isWanted(key));
}

function keyChange(change: StoredChange): KeyChange {
  const { revision, ordinal, key, after, before } = decodeChange(change, crc32);
  return {
    revision,
    ordinal,
    key,
    record: after.kind === "value" ? after : null,
    previous: before?.kind === "value" ? before : null,
  };
}

function isAbove(one: ChangePosition, other: ChangePosition): boolean {
  return one.revision > other.revision || (one.revision === other.revision && one.ordinal > other.ordinal);
}

/** Chunks one by one, with a look at the next. */
class Chunks {
  readonly #cursor: RowCursor;
  #read: readonly Row[] = [];
  #place = 0;

  constructor(cursor: RowCursor) {
    this.#cursor = cursor;
  }

  async next(): Promise<Row | undefined> {
    const row = await this.peek();
    this.#place++;
    return row;
  }

  async peek(): Promise<Row | undefined> {
    if (this.#place >= this.#read.length) {
      this.#read = await this.#cursor.next(chunksAtOnce);
      this.#place = 0;
    }
    return this.#read[this.#place];
  }

  close(): Promise<void> {
    return this.#cursor.close();
  }
}
