/**
 * @module
 * The state as a reader sees it: what ingress answers reads from.
 */

export interface KeyRecord {
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  /** Puts since the key was created, from 1. */
  readonly version: number;
  /** 0: none. */
  readonly leaseId: number;
}

export interface KeyRead {
  /** The store revision that `record` belongs to, exactly. */
  readonly revision: number;
  readonly record: KeyRecord | undefined;
}

/** Read-only, synchronous, on the reader's own thread. */
export interface StateView {
  /** Throws a StorageError when the record does not verify: it is never answered. */
  read(key: Uint8Array): KeyRead;
  /** The revision applied here. */
  revision(): number;
  close(): Promise<void>;
}
