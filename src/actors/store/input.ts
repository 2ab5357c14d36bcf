/**
 * @module
 * All that can happen to the store, and all that it wants done.
 */

import type { AppliedBatch } from "../../kv/machine.ts";
import type { StateMeta } from "../../kv/meta.ts";
import type { RowsMissingError } from "../../kv/read-ahead.ts";
import type { Row, RowReader } from "../../kv/row.ts";
import type { Configuration, SnapshotMetadata } from "../../raft/types.ts";
import type {
  RaftToStore,
  ReadSnapshotChunk,
  SnapshotChunk,
  SnapshotChunkStored,
  StoreSnapshotChunk,
  StoreToRaft,
} from "../protocol/raft-store.ts";
import type { BatchApplied, IngressToStore, StoreToIngress } from "../protocol/store-ingress.ts";
import type { ReadPiece } from "./batch.ts";

/** A generation of the state as the actor works on it. */
export interface Generation {
  readonly generation: number;
  readonly path: string;
  readonly reader: RowReader;
  readonly meta: StateMeta;
  readonly configuration: Configuration;
}

export type StoreInput =
  | { readonly kind: "raft"; readonly message: RaftToStore }
  | { readonly kind: "ingress"; readonly message: IngressToStore }
  /** The write under way is done, and readable by all threads. */
  | { readonly kind: "written" }
  /** Answers `readHistory`. */
  | { readonly kind: "historyRead"; readonly chunks: readonly Row[] }
  /** Answers `readRows`. */
  | { readonly kind: "rowsRead"; readonly pieces: readonly ReadPiece[] }
  /** Answers `readDue`. */
  | { readonly kind: "dueRead"; readonly rows: readonly Row[] }
  | { readonly kind: "snapshotMade"; readonly snapshot: SnapshotMetadata | null; readonly bytes: number }
  | { readonly kind: "chunkRead"; readonly chunk: SnapshotChunk }
  | { readonly kind: "chunkStored"; readonly verdict: SnapshotChunkStored }
  /** The generation that `build` asked for is the valid one on disk, and open. */
  | { readonly kind: "built"; readonly generation: Generation };

/** Work for the disk; each is answered by an input, and none is asked for again before that. */
export type StoreTask =
  | { readonly kind: "readHistory"; readonly fromRevision: number }
  /** Rows that the next batch needs; nothing is written before they are read. */
  | { readonly kind: "readRows"; readonly wanted: readonly RowsMissingError[] }
  /** The next leases in order of time, from this row on (null: the first). */
  | { readonly kind: "readDue"; readonly from: Uint8Array | null; readonly rowsMax: number }
  /** The history up to there is dropped, and with it what is left of deleted keys: their space is to come back when the disk has time. Not answered. */
  | { readonly kind: "reclaim"; readonly historyFrom: number; readonly deletedBytes: number }
  | { readonly kind: "makeSnapshot" }
  | { readonly kind: "readChunk"; readonly message: ReadSnapshotChunk }
  | { readonly kind: "storeChunk"; readonly message: StoreSnapshotChunk }
  | { readonly kind: "build"; readonly snapshot: SnapshotMetadata }
  /** Not answered. */
  | { readonly kind: "keepSnapshot"; readonly snapshot: SnapshotMetadata | null }
  /** Ingress has left it: close and remove every generation but `kept`. Not answered. */
  | { readonly kind: "retire"; readonly kept: number };

export interface StoreEffects {
  /** To be shown on the board before `write` begins, and before anything else is done. */
  readonly applying: StateMeta | null;
  /** Written and readable: to be shown on the board before any message leaves. */
  readonly applied: StateMeta | null;
  readonly toRaft: readonly StoreToRaft[];
  readonly toIngress: readonly StoreToIngress[];
  /** To be sent only if the board, once it shows `applied`, says that ingress waits for the state. */
  readonly progress: BatchApplied | null;
  /** One atomic batch, answered by `written`; never two at a time. */
  readonly write: AppliedBatch | null;
  readonly tasks: readonly StoreTask[];
}
