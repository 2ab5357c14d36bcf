/**
 * @module
 * A small block of shared memory in which each actor shows where it stands: one writer a cell, any reader.
 *
 * It serves display, metrics and the depth of edges, and works while the writer is stalled. Nothing is decided
 * by it that the order of messages must decide.
 */

import { bucketOf, histogramBounds } from "./histogram.ts";

/** Single numbers, each written by one actor. Whole, up to 2^53. */
export const boardCells = [
  // raft
  /** 1 once log and state have been read and the core exists: before that the cells below say nothing. */
  "raftStarted",
  "role",
  "term",
  "commitIndex",
  "lastLogIndex",
  "persistedIndex",
  "snapshotIndex",
  "elections",
  "termsSeen",
  "peerQueueBytes",
  "leaderKnown",
  /** When the newest confirmed read index that is applied here was asked for, in monotonic ms; see Balsa-Age-Ms. */
  "freshAtMs",
  /** Members whose state is not this leader's; 0 while this node does not lead. */
  "stateMismatches",
  // store
  "revisionApplying",
  "revisionApplied",
  "appliedIndex",
  /** When `appliedIndex` moved last, in monotonic microseconds. */
  "appliedAtUs",
  "compactedRevision",
  "stateHash",
  /** Bytes of superseded versions that this node holds. */
  "historyBytes",
  "leases",
  /** Idempotency keys that are remembered. */
  "sessions",
  "sessionBytes",
  // ingress
  /** 1 while ingress waits for the state to move on: the store then tells it of every batch. */
  "stateAwaited",
  // log
  "logBytes",
  "logSyncs",
  "logEntries",
  // frames sent and received on each edge: the difference is the depth of its queue
  "ingress>raft:sent",
  "ingress>raft:received",
  "raft>ingress:sent",
  "raft>ingress:received",
  "raft>log:sent",
  "raft>log:received",
  "log>raft:sent",
  "log>raft:received",
  "raft>store:sent",
  "raft>store:received",
  "store>raft:sent",
  "store>raft:received",
  "store>ingress:sent",
  "store>ingress:received",
  "ingress>store:sent",
  "ingress>store:received",
] as const;

export type BoardCell = (typeof boardCells)[number];

/** Distributions, each written by one actor, in microseconds. */
export const boardHistograms = [
  /** Between two rounds of heartbeats of this node while it leads. */
  "heartbeatGap",
  /** Between two heartbeats heard from the leader. */
  "heartbeatHeardGap",
  /** One synced batch of the log. */
  "logSync",
  /** From committed to applied, by batch. */
  "applyLag",
  "applyBatch",
  /** How late the event loop of each actor ran a timer. */
  "loopDelay:ingress",
  "loopDelay:raft",
  "loopDelay:log",
  "loopDelay:store",
  "loopDelay:main",
] as const;

export type BoardHistogram = (typeof boardHistograms)[number];

const cellAt = new Map<string, number>(boardCells.map((cell, position) => [cell, position]));
const histogramAt = new Map<string, number>(boardHistograms.map((histogram, position) => [histogram, position]));
/** Each histogram: a count a bucket, one above all bounds, and the sum of what was recorded. */
const histogramCells = histogramBounds.length + 2;
const cellsTotal = boardCells.length + boardHistograms.length * histogramCells;

export function createBoardMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(cellsTotal * BigInt64Array.BYTES_PER_ELEMENT);
}

export class Board {
  readonly memory: SharedArrayBuffer;
  readonly #cells: BigInt64Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#cells = new BigInt64Array(memory);
  }

  get(cell: BoardCell): number {
    return Number(Atomics.load(this.#cells, position(cellAt, cell)));
  }

  /** Only the cell's one writer may call this. */
  set(cell: BoardCell, value: number): void {
    Atomics.store(this.#cells, position(cellAt, cell), BigInt(value));
  }

  /** Only the cell's one writer may call this. */
  add(cell: BoardCell, amount: number): void {
    Atomics.add(this.#cells, position(cellAt, cell), BigInt(amount));
  }

  /** Only the histogram's one writer may call this. */
  record(histogram: BoardHistogram, microseconds: number): void {
    const start = this.#start(histogram);
    const whole = Math.max(0, Math.round(microseconds));
    Atomics.add(this.#cells, start + bucketOf(whole), 1n);
    Atomics.add(this.#cells, start + histogramCells - 1, BigInt(whole));
  }

  /** Counts by bucket (the last: above all bounds) and the sum, in microseconds. */
  histogram(histogram: BoardHistogram): { readonly counts: readonly number[]; readonly sum: number } {
    const start = this.#start(histogram);
    const counts: number[] = [];
    for (let offset = 0; offset < histogramCells - 1; offset++)
      counts.push(Number(Atomics.load(this.#cells, start + offset)));
    return { counts, sum: Number(Atomics.load(this.#cells, start + histogramCells - 1)) };
  }

  #start(histogram: BoardHistogram): number {
    return boardCells.length + position(histogramAt, histogram) * histogramCells;
  }
}

function position(positions: ReadonlyMap<string, number>, name: string): number {
  const found = positions.get(name);
  if (found === undefined) throw new RangeError(`the board has no ${name}`);
  return found;
}
