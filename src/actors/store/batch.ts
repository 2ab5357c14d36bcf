/**
 * @module
 * The store's batches: what is committed is executed in order, one batch at a time, and told once it is readable
 * (Figure 2, lastApplied).
 */

import { crc32 } from "node:zlib";
import { decode, encode } from "../../codec/codec.ts";
import { assert } from "../../errors/assert.ts";
import { scansOf } from "../../kv/execute.ts";
import { machineLimits } from "../../kv/limits.ts";
import { type AppliedBatch, applyBatch, type MachineEntry, type OwnResult } from "../../kv/machine.ts";
import { RowsMissingError } from "../../kv/read-ahead.ts";
import { resultToWire } from "../../kv/result.ts";
import type { Row } from "../../kv/row.ts";
import type { WireResult } from "../protocol/store-ingress.ts";
import { onLeasesChanged } from "./expiry.ts";
import { isInstalling, type StoreState } from "./state.ts";

/** Changes of keys after which a batch takes no more commands: entries alone do not bound a turn when each changes thousands. */
export const batchChangesMax = 4096;
/** So many commands that wait are looked at for rows that they need: leases that end together are read together. */
const entriesLookedAhead = 64;

export function beginBatch(state: StoreState): void {
  if (state.writing !== null || state.readingRows || isInstalling(state)) return;
  if (state.waiting.length === 0 && state.trim === null) return;
  const batch = nextBatch(state);
  if (batch === null) return;
  state.waiting.splice(0, batch.meta.appliedIndex - state.meta.appliedIndex);
  state.readAhead.clear();
  if (state.trim !== null) {
    const { historyFrom, deletedBytes } = state.trim;
    state.outbox.tasks.push({ kind: "reclaim", historyFrom, deletedBytes });
  }
  state.trim = null;
  state.writing = batch;
  state.outbox.applying = batch.meta;
  state.outbox.write = batch;
}

/** Null when rows have to be read first. */
function nextBatch(state: StoreState): AppliedBatch | null {
  const { options, generation, readAhead, trim } = state;
  const { origin, batchEntriesMax } = options;
  const entries = state.waiting.slice(0, batchEntriesMax);
  try {
    return applyBatch(state.meta, generation.reader, entries, {
      origin,
      crc32,
      codec: { encode, decode },
      limits: machineLimits,
      readAhead,
      changesMax: batchChangesMax,
      trim,
    });
  } catch (error) {
    if (!(error instanceof RowsMissingError)) throw error;
    const soon = entries.slice(0, entriesLookedAhead).flatMap(scansOfEntry);
    state.readingRows = true;
    state.outbox.tasks.push({ kind: "readRows", wanted: readAhead.wanted(error, soon) });
    return null;
  }
}

function scansOfEntry(entry: MachineEntry): ReturnType<typeof scansOf> {
  return entry.kind === "command" ? scansOf(entry.command.operation) : [];
}

/** Rows of one scan that was asked for. */
export interface ReadPiece {
  readonly wanted: RowsMissingError;
  readonly rows: readonly Row[];
  /** Whether the scan has no more. */
  readonly complete: boolean;
}

export function onRowsRead(state: StoreState, pieces: readonly ReadPiece[]): void {
  state.readingRows = false;
  for (const { wanted, rows, complete } of pieces) state.readAhead.add(wanted.scan, rows, complete);
}

export function onWritten(state: StoreState): void {
  const { writing } = state;
  assert(writing !== null, "a write is under way when one is done");
  state.writing = null;
  const { meta } = writing;
  const isNews = meta.appliedIndex > state.meta.appliedIndex;
  state.meta = meta;
  state.outbox.applied = meta;
  onLeasesChanged(state, writing.earliestDue);
  if (!isNews) return;
  for (const mark of writing.marks) state.outbox.toRaft.push({ kind: "stateMarked", mark });
  tellIngress(state, writing.results.map(wireResult));
  tellRaft(state);
}

function tellIngress(state: StoreState, results: readonly WireResult[]): void {
  const { appliedIndex, appliedTerm, revision } = state.meta;
  const message = { kind: "batchApplied", appliedIndex, appliedTerm, revision, results } as const;
  if (results.length > 0 || appliedTerm > state.toldTerm) state.outbox.toIngress.push(message);
  else state.outbox.progress = message;
  state.toldTerm = appliedTerm;
}

function tellRaft(state: StoreState): void {
  const { awaited, meta } = state;
  const reached = awaited.findLastIndex((index) => index <= meta.appliedIndex) + 1;
  if (reached === 0) return;
  awaited.splice(0, reached);
  state.outbox.toRaft.push({ kind: "applied", index: meta.appliedIndex });
}

function wireResult({ sequence, revision, result }: OwnResult): WireResult {
  return [sequence, revision, resultToWire(result)];
}
