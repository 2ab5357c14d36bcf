/**
 * @module
 * Sessions: what became of commands that had an idempotency key, so that the same command sent again is answered
 * and not executed (§8, dissertation §6.3).
 *
 * A session's row: crc-32 of its key and of all that follows (4 bytes); version of the format (1); hash of the
 * request (16); its number (8); the store's revision after the command (8); the result in the codec's bytes. The
 * queue has a row for each number: crc-32 as before (4), cluster time of the command (8), the idempotency key.
 *
 * Sessions go in the order of their numbers, once they are old enough, a few with each new one: when they go is the
 * log's doing alone. When they take all bytes that they may, new ones are refused and none goes early.
 */

import type { Idempotency } from "./command.ts";
import { compareBytes, readWhole, sessionKey, sessionQueueKey, viewOf, writeWhole } from "./keys.ts";
import { type MachineLimits, requestHashBytes } from "./limits.ts";
import { type Crc32, RecordFormatError } from "./record.ts";
import { type Result, resultFromWire, resultToWire } from "./result.ts";
import type { StagedRows } from "./staged-rows.ts";

/** Turns the wire form of results into bytes and back; the same bytes on every node. */
export interface ResultCodec {
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

export interface SessionCounters {
  /** The oldest number that stands. */
  readonly sessionsFrom: number;
  /** The number of the next one. */
  readonly sessionsEnd: number;
  /** Bytes of all rows of sessions and of their queue. */
  readonly sessionBytes: number;
}

export interface Remembered {
  readonly result: Result;
  readonly revision: number;
}

const formatVersion = 1;
const headerBytes = 5 + requestHashBytes + 16;
const queueHeaderBytes = 12;
/** That many old ones go with a new one; more only when there is no room otherwise. */
const expiredPerCommand = 4;
const expiredPerCommandMax = 64;

export class SessionTable {
  readonly #rows: StagedRows;
  readonly #crc32: Crc32;
  readonly #codec: ResultCodec;
  readonly #limits: MachineLimits;
  #from: number;
  #end: number;
  #bytes: number;

  constructor(
    rows: StagedRows,
    counters: SessionCounters,
    { crc32, codec, limits }: { readonly crc32: Crc32; readonly codec: ResultCodec; readonly limits: MachineLimits },
  ) {
    this.#rows = rows;
    this.#crc32 = crc32;
    this.#codec = codec;
    this.#limits = limits;
    this.#from = counters.sessionsFrom;
    this.#end = counters.sessionsEnd;
    this.#bytes = counters.sessionBytes;
  }

  get counters(): SessionCounters {
    return { sessionsFrom: this.#from, sessionsEnd: this.#end, sessionBytes: this.#bytes };
  }

  /** What the key was first answered with; "mismatch" when that was another request. */
  find({ key, requestHash }: Idempotency): Remembered | "mismatch" | undefined {
    const rowKey = sessionKey(key);
    const row = this.#rows.get(rowKey);
    if (row === undefined) return undefined;
    const view = this.#verified(rowKey, row, headerBytes);
    if (row[4] !== formatVersion) throw new RecordFormatError(`a session of format ${row[4] ?? 0}`);
    if (compareBytes(row.subarray(5, 5 + requestHashBytes), requestHash) !== 0) return "mismatch";
    const wire = this.#codec.decode(row.subarray(headerBytes));
    if (!Array.isArray(wire)) throw new RecordFormatError("a session without a result");
    return { result: resultFromWire(wire), revision: readWhole(view, 13 + requestHashBytes) };
  }

  /** Lets old sessions go. */
  expire(time: number): void {
    for (let gone = 0; gone < expiredPerCommandMax && this.#from < this.#end; gone++) {
      if (gone >= expiredPerCommand && this.hasRoom()) return;
      const queueKey = sessionQueueKey(this.#from);
      const queued = this.#rows.get(queueKey);
      if (queued === undefined) throw new RecordFormatError(`session ${this.#from} is not in the queue`);
      const view = this.#verified(queueKey, queued, queueHeaderBytes);
      if (readWhole(view, 4) > time - this.#limits.sessionAgeMin) return;
      const rowKey = sessionKey(queued.subarray(queueHeaderBytes));
      const row = this.#rows.get(rowKey);
      if (row === undefined) throw new RecordFormatError(`session ${this.#from} is not there`);
      this.#bytes -= bytesOf(rowKey, row) + bytesOf(queueKey, queued);
      this.#rows.set(rowKey, null);
      this.#rows.set(queueKey, null);
      this.#from++;
    }
  }

  /** Whether one more can be remembered. The last one may go beyond the bound. */
  hasRoom(): boolean {
    return this.#bytes < this.#limits.sessionBytesMax;
  }

  remember({ key, requestHash }: Idempotency, { result, revision }: Remembered, time: number): void {
    const number = this.#end++;
    const bytes = this.#resultBytes(result);
    const rowKey = sessionKey(key);
    const row = new Uint8Array(headerBytes + bytes.byteLength);
    const view = viewOf(row);
    row[4] = formatVersion;
    row.set(requestHash, 5);
    writeWhole(view, 5 + requestHashBytes, number);
    writeWhole(view, 13 + requestHashBytes, revision);
    row.set(bytes, headerBytes);
    view.setUint32(0, this.#crc32(row.subarray(4), this.#crc32(rowKey)));
    const queueKey = sessionQueueKey(number);
    const queued = new Uint8Array(queueHeaderBytes + key.byteLength);
    const queueView = viewOf(queued);
    writeWhole(queueView, 4, time);
    queued.set(key, queueHeaderBytes);
    queueView.setUint32(0, this.#crc32(queued.subarray(4), this.#crc32(queueKey)));
    this.#rows.set(rowKey, row);
    this.#rows.set(queueKey, queued);
    this.#bytes += bytesOf(rowKey, row) + bytesOf(queueKey, queued);
  }

  /** Only transactions answer with what others have written; every other result is small. */
  #resultBytes(result: Result): Uint8Array {
    const bytes = this.#codec.encode(resultToWire(result));
    if (result.kind !== "txn" || bytes.byteLength <= this.#limits.sessionResultBytesMax) return bytes;
    return this.#codec.encode(resultToWire({ ...result, results: null }));
  }

  #verified(rowKey: Uint8Array, row: Uint8Array, bytesMin: number): DataView {
    const view = viewOf(row);
    if (row.byteLength < bytesMin || view.getUint32(0) !== this.#crc32(row.subarray(4), this.#crc32(rowKey)))
      throw new RecordFormatError("the checksum of a session is wrong");
    return view;
  }
}

function bytesOf(key: Uint8Array, value: Uint8Array): number {
  return key.byteLength + value.byteLength;
}
