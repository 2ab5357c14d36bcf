/**
 * @module
 * Rows in order, for a machine that can only read one row at a time at once.
 *
 * Storage reads ranges in the background. So whoever executes a command asks here, and when the rows have not
 * been read yet, `RowsMissingError` says which are wanted: they are read, and the command is executed anew. What has
 * been read is good until the next batch is written.
 */

import { compareBytes, keyName } from "./keys.ts";
import type { Row, Scan } from "./row.ts";
import { successorOf } from "./transaction.ts";

/** More rows of this scan are wanted: read `rest`, at least `rowsMin` of it, `add` them, and begin again. */
export class RowsMissingError extends Error {
  readonly scan: Scan;
  /** What of the scan has not been read. */
  readonly rest: Scan;
  readonly rowsMin: number;

  constructor(scan: Scan, rest: Scan, rowsMin: number) {
    super("rows have to be read first");
    this.name = "RowsMissingError";
    this.scan = scan;
    this.rest = rest;
    this.rowsMin = rowsMin;
  }
}

interface Piece {
  readonly rows: Row[];
  complete: boolean;
}

const rowsAtFirst = 256;

export class ReadAhead {
  readonly #pieces = new Map<string, Piece>();

  /** The rows that follow those of the scan that are here already; `complete` when there are no more. */
  add(scan: Scan, rows: readonly Row[], complete: boolean): void {
    const piece = this.#pieceOf(scan);
    for (const row of rows) piece.rows.push(row);
    piece.complete = complete;
  }

  /** The rows of the scan, in its order. Throws `RowsMissingError` where no more have been read. */
  *rows(scan: Scan): Generator<Row> {
    if (compareBytes(scan.from, scan.to) >= 0) return;
    const piece = this.#pieceOf(scan);
    for (let at = 0; ; at++) {
      const row = piece.rows[at];
      if (row !== undefined) yield row;
      else if (piece.complete) return;
      else throw this.#missing(scan, piece);
    }
  }

  /** What is to be read for `missing`, and for scans that will be wanted soon; none of them twice. */
  wanted(missing: RowsMissingError, soon: readonly Scan[]): readonly RowsMissingError[] {
    const wanted = new Map<Piece, RowsMissingError>([[this.#pieceOf(missing.scan), missing]]);
    for (const scan of soon) {
      const piece = this.#pieceOf(scan);
      if (!piece.complete && piece.rows.length === 0 && !wanted.has(piece))
        wanted.set(piece, this.#missing(scan, piece));
    }
    return [...wanted.values()];
  }

  clear(): void {
    this.#pieces.clear();
  }

  /** Each time as many rows as there are, so that beginning again costs no more than twice the last run. */
  #missing(scan: Scan, { rows }: Piece): RowsMissingError {
    const last = rows.at(-1);
    const rowsMin = Math.max(rowsAtFirst, rows.length);
    if (last === undefined) return new RowsMissingError(scan, scan, rowsMin);
    const rest = scan.order === "asc" ? { ...scan, from: successorOf(last.key) } : { ...scan, to: last.key };
    return new RowsMissingError(scan, rest, rowsMin);
  }

  #pieceOf({ from, to, order }: Scan): Piece {
    const name = `${order} ${from.byteLength} ${keyName(from)}${keyName(to)}`;
    let piece = this.#pieces.get(name);
    if (piece === undefined) {
      piece = { rows: [], complete: false };
      this.#pieces.set(name, piece);
    }
    return piece;
  }
}

interface Keyed<Value> {
  readonly key: Uint8Array;
  readonly value: Value;
}

/** `base` with `changes` laid over it; both in the order given, no key twice in either. Null takes a key away. */
export function* overlaid<Value>(
  base: Iterable<Keyed<Value>>,
  changes: readonly Keyed<Value | null>[],
  isBefore: (one: Uint8Array, other: Uint8Array) => boolean,
): Generator<Keyed<Value>> {
  let at = 0;
  for (const under of base) {
    for (; ; at++) {
      const change = changes[at];
      if (change === undefined || !isBefore(change.key, under.key)) break;
      if (change.value !== null) yield { key: change.key, value: change.value };
    }
    const change = changes[at];
    if (change === undefined || isBefore(under.key, change.key)) {
      yield under;
      continue;
    }
    at++;
    if (change.value !== null) yield { key: change.key, value: change.value };
  }
  for (; at < changes.length; at++) {
    const change = changes[at];
    if (change !== undefined && change.value !== null) yield { key: change.key, value: change.value };
  }
}

/** Whether a key comes before another in that order. */
export function isBefore(order: Scan["order"]): (one: Uint8Array, other: Uint8Array) => boolean {
  return order === "asc" ? (one, other) => compareBytes(one, other) < 0 : (one, other) => compareBytes(one, other) > 0;
}
