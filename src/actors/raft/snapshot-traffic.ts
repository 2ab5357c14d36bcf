/**
 * @module
 * Snapshot chunks between the store's disk and a peer's connection, one at a time in each direction. They pass
 * through the raft thread, which owns the sockets, and never through the core.
 */

import type { LogIndex, NodeId, SnapshotMetadata } from "../../raft/types.ts";
import type { SnapshotAck } from "../../transport/snapshot-frame.ts";
import type { ReadSnapshotPart, SnapshotPart } from "../../transport/snapshot-sender.ts";
import type {
  ReadSnapshotChunk,
  SnapshotChunk,
  SnapshotChunkStored,
  StoreSnapshotChunk,
} from "../protocol/raft-store.ts";

const chunkBytesMax = 1024 * 1024;

/** Whoever waits for an answer, and what that says when it is not of an earlier transfer. */
interface Waiting<T> {
  readonly lastIncludedIndex: LogIndex;
  readonly offset: number;
  resolve(value: T): void;
  reject(cause: Error): void;
}

interface WaitingForStored extends Waiting<SnapshotAck> {
  readonly last: boolean;
}

export class SnapshotTraffic {
  readonly #toStore: (message: ReadSnapshotChunk | StoreSnapshotChunk) => void;
  /** By the peer that the snapshot goes to, or comes from. */
  readonly #reading = new Map<NodeId, Waiting<SnapshotPart>>();
  readonly #storing = new Map<NodeId, WaitingForStored>();

  constructor(toStore: (message: ReadSnapshotChunk | StoreSnapshotChunk) => void) {
    this.#toStore = toStore;
  }

  /** Reads the chunks of one snapshot for one peer. Rejects when the snapshot is gone or another transfer began. */
  reader(to: NodeId, { lastIncludedIndex, lastIncludedTerm }: SnapshotMetadata): ReadSnapshotPart {
    return (offset) =>
      new Promise((resolve, reject) => {
        this.#reading.get(to)?.reject(new Error("another snapshot goes to the same peer"));
        this.#reading.set(to, { lastIncludedIndex, offset, resolve, reject });
        const bytesMax = chunkBytesMax;
        this.#toStore({ kind: "readSnapshotChunk", to, lastIncludedIndex, lastIncludedTerm, offset, bytesMax });
      });
  }

  /** Hands a chunk to the store; resolves when it has it, for the last one when the whole is verified and durable. */
  store(chunk: Omit<StoreSnapshotChunk, "kind">): Promise<SnapshotAck> {
    return new Promise((resolve, reject) => {
      this.#storing.get(chunk.from)?.reject(new Error("another snapshot comes from the same peer"));
      const { snapshot, last } = chunk;
      const offset = chunk.offset + chunk.bytes.byteLength;
      this.#storing.set(chunk.from, { lastIncludedIndex: snapshot.lastIncludedIndex, offset, last, resolve, reject });
      this.#toStore({ kind: "storeSnapshotChunk", ...chunk });
    });
  }

  settle(message: SnapshotChunk | SnapshotChunkStored): void {
    if (message.kind === "snapshotChunk") this.#settleRead(message);
    else this.#settleStored(message);
  }

  #settleRead({ to, lastIncludedIndex, offset, bytes, last, found }: SnapshotChunk): void {
    const waiting = this.#reading.get(to);
    if (waiting?.lastIncludedIndex !== lastIncludedIndex || waiting.offset !== offset) return;
    this.#reading.delete(to);
    if (found) waiting.resolve({ bytes, last });
    else waiting.reject(new Error("the snapshot is gone; the next one will be sent"));
  }

  #settleStored({ from, lastIncludedIndex, offset, last, accepted }: SnapshotChunkStored): void {
    const waiting = this.#storing.get(from);
    if (waiting?.lastIncludedIndex !== lastIncludedIndex || waiting.last !== last) return;
    // One that was refused says from where to start again, which tells nothing of the chunk; and one that is accepted
    // may have been there already, with others after it.
    if (accepted && offset < waiting.offset) return;
    this.#storing.delete(from);
    waiting.resolve({ offset, accepted });
  }
}
