/**
 * @module
 * The history: every change in order of revisions, in chunks of one or many, each change with the record that it
 * made and the record that it replaced.
 *
 * Because a change holds both, every question about revisions from `historyFrom` on is answered by the current
 * rows and the chunks that stand, whatever was dropped before: what a key was at revision q is the replaced
 * record of its first change above q, else its current record; what a watcher from q sees are the changes
 * above q. So a chunk is dropped by deleting one row, and nothing has to be saved from it first.
 *
 * A chunk: crc-32 of its row's key and of all that follows; version of the format (1 byte); count of changes (4),
 * and how many of them are deletions (4); cluster time of the batch (8); revision of the last change (8); then each
 * change: lengths of key, of the record after and of the one before (4 each), and these three. Its row's key has
 * the position of the first change.
 */

import { allocate } from "./arena.ts";
import { type ChangePosition, historyKey, positionOfHistory, readWhole, viewOf, writeWhole } from "./keys.ts";
import {
  type Crc32,
  type CurrentRecord,
  decodeRecord,
  isDeletedRow,
  modRevisionOfRow,
  RecordFormatError,
} from "./record.ts";

/** One key's change, as rows: `before` is null when nothing was known of the key. */
export interface Change {
  readonly key: Uint8Array;
  readonly after: Uint8Array;
  readonly before: Uint8Array | null;
}

/** One key's change, verified. */
export interface DecodedChange extends ChangePosition {
  readonly key: Uint8Array;
  readonly after: CurrentRecord;
  readonly before: CurrentRecord | null;
}

/** What dropping a chunk has to know of it. */
export interface ChunkSummary {
  /** Cluster time of the batch that wrote it, in milliseconds. */
  readonly time: number;
  readonly lastRevision: number;
  readonly deletions: readonly { readonly key: Uint8Array; readonly revision: number }[];
  /** Bytes of the records that these deletions have replaced. */
  readonly deletedBytes: number;
}

export interface Chunk {
  /** Cluster time of the batch that wrote it, in milliseconds. */
  readonly time: number;
  readonly changes: readonly DecodedChange[];
}

/** A chunk is closed once it has this many bytes; one change may exceed it. */
export const chunkBytesTarget = 65_536;

const formatVersion = 1;
const chunkHeaderBytes = 29;
const changeHeaderBytes = 12;

export function changeBytes(change: Change): number {
  return changeHeaderBytes + change.key.byteLength + change.after.byteLength + (change.before?.byteLength ?? 0);
}

export interface ChunkRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** `first` is the position of the first of `changes`, which follow each other without a gap. */
export function encodeChunk(first: ChangePosition, changes: readonly Change[], time: number, crc32: Crc32): ChunkRow {
  const bytes = changes.reduce((total, change) => total + changeBytes(change), chunkHeaderBytes);
  const value = allocate(bytes);
  const view = viewOf(value);
  value[4] = formatVersion;
  view.setUint32(5, changes.length);
  view.setUint32(9, changes.filter((change) => isDeletedRow(change.after)).length);
  writeWhole(view, 13, time);
  const last = changes.at(-1);
  if (last !== undefined) writeWhole(view, 21, modRevisionOfRow(last.after));
  let offset = chunkHeaderBytes;
  for (const { key, after, before } of changes) {
    view.setUint32(offset, key.byteLength);
    view.setUint32(offset + 4, after.byteLength);
    view.setUint32(offset + 8, before?.byteLength ?? 0);
    offset += changeHeaderBytes;
    value.set(key, offset);
    offset += key.byteLength;
    value.set(after, offset);
    offset += after.byteLength;
    if (before === null) continue;
    value.set(before, offset);
    offset += before.byteLength;
  }
  const rowKey = historyKey(first);
  view.setUint32(0, crc32(value.subarray(4), crc32(rowKey)));
  return { key: rowKey, value };
}

/** Verifies the chunk, and every record in it. Bytes in the result are views of `row`. Throws `RecordFormatError`. */
export function decodeChunk(rowKey: Uint8Array, row: Uint8Array, crc32: Crc32): Chunk {
  verifyChunk(rowKey, row, crc32);
  const changes: DecodedChange[] = [];
  for (const change of changesOfChunk(rowKey, row)) changes.push(decodeChange(change, crc32));
  return { time: readWhole(viewOf(row), 13), changes };
}

/** Throws `RecordFormatError` unless the chunk as a whole is what was written. */
export function verifyChunk(rowKey: Uint8Array, row: Uint8Array, crc32: Crc32): void {
  verifiedView(rowKey, row, crc32);
}

/** A change as it lies in a verified chunk: its records are still rows. */
export interface StoredChange extends Change, ChangePosition {}

/** The changes of a verified chunk, in order. Bytes in them are views of `row`. */
export function* changesOfChunk(rowKey: Uint8Array, row: Uint8Array): Generator<StoredChange> {
  const view = viewOf(row);
  let offset = chunkHeaderBytes;
  let { revision, ordinal } = positionOfHistory(rowKey);
  for (let left = view.getUint32(5), isFirst = true; left > 0; left--, isFirst = false) {
    const [keyEnd, afterEnd, end] = endsOf(view, offset);
    const after = row.subarray(keyEnd, afterEnd);
    const modRevision = modRevisionOfRow(after);
    if (!isFirst) ordinal = modRevision === revision ? ordinal + 1 : 0;
    revision = modRevision;
    const key = row.subarray(offset + changeHeaderBytes, keyEnd);
    yield { revision, ordinal, key, after, before: end === afterEnd ? null : row.subarray(afterEnd, end) };
    offset = end;
  }
  if (offset !== row.byteLength) throw new RecordFormatError("a chunk of history has bytes left over");
}

/** Throws `RecordFormatError` when a record does not verify. */
export function decodeChange({ revision, ordinal, key, after, before }: StoredChange, crc32: Crc32): DecodedChange {
  return {
    revision,
    ordinal,
    key,
    after: decodeRecord(key, after, crc32),
    before: before === null ? null : decodeRecord(key, before, crc32),
  };
}

/** The revision of the last change of a verified chunk. */
export function lastRevisionOfChunk(row: Uint8Array): number {
  return readWhole(viewOf(row), 21);
}

/** Verifies the chunk as a whole, and looks at its changes only when some are deletions. Throws `RecordFormatError`. */
export function summarizeChunk(rowKey: Uint8Array, row: Uint8Array, crc32: Crc32): ChunkSummary {
  const view = verifiedView(rowKey, row, crc32);
  const deletions: { key: Uint8Array; revision: number }[] = [];
  let deletedBytes = 0;
  let offset = chunkHeaderBytes;
  for (let left = view.getUint32(9); left > 0; ) {
    const [keyEnd, afterEnd, end] = endsOf(view, offset);
    const after = row.subarray(keyEnd, afterEnd);
    if (isDeletedRow(after)) {
      deletions.push({ key: row.subarray(offset + changeHeaderBytes, keyEnd), revision: modRevisionOfRow(after) });
      deletedBytes += end - afterEnd;
      left--;
    }
    offset = end;
  }
  return { time: readWhole(view, 13), lastRevision: readWhole(view, 21), deletions, deletedBytes };
}

function verifiedView(rowKey: Uint8Array, row: Uint8Array, crc32: Crc32): DataView {
  const view = viewOf(row);
  if (row.byteLength < chunkHeaderBytes || view.getUint32(0) !== crc32(row.subarray(4), crc32(rowKey)))
    throw new RecordFormatError("the checksum of a chunk of history is wrong");
  if (row[4] !== formatVersion) throw new RecordFormatError(`a chunk of format ${row[4] ?? 0}`);
  return view;
}

function endsOf(view: DataView, offset: number): readonly [keyEnd: number, afterEnd: number, end: number] {
  const keyEnd = offset + changeHeaderBytes + view.getUint32(offset);
  const afterEnd = keyEnd + view.getUint32(offset + 4);
  return [keyEnd, afterEnd, afterEnd + view.getUint32(offset + 8)];
}
