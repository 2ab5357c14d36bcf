/**
 * @module
 * The log's two meta rows: term and vote (Figure 2, persistent state), and where the log starts.
 *
 * A row is a version byte, a checksum of 16 bytes over key and body, and the body in CBOR.
 */

import { decode, encodeBehind } from "../../codec/codec.ts";
import { StorageError } from "../../errors/balsa-error.ts";
import type { HardState, SnapshotMetadata } from "../../raft/types.ts";
import { hardStateKey, type Lane, startKey } from "./key.ts";
import { type ChainLink, checksum } from "./record.ts";

const metaVersion = 1;
const checksumOffset = 1;
const bodyOffset = 17;

/** Where the log starts, and the newest snapshot that this node has. */
export interface LogStart {
  readonly lane: Lane;
  /** The entry before the first one. */
  readonly link: ChainLink;
  /** Null when there has never been one. */
  readonly snapshot: SnapshotMetadata | null;
}

export function encodeHardState({ currentTerm, votedFor }: HardState): Buffer {
  return seal(hardStateKey, [currentTerm, votedFor]);
}

/** Throws `StorageError` with `place` in front when the row does not verify. */
export function decodeHardState(row: Buffer, place: string): HardState {
  const [currentTerm, votedFor] = unseal(hardStateKey, row, `${place}: the row of term and vote`);
  return { currentTerm: currentTerm as number, votedFor: votedFor as string | null };
}

export function encodeLogStart({ lane, link, snapshot }: LogStart): Buffer {
  return seal(startKey, [lane, link.index, link.term, link.time, link.chainHash, snapshot]);
}

/** Throws `StorageError` with `place` in front when the row does not verify. */
export function decodeLogStart(row: Buffer, place: string): LogStart {
  const [lane, index, term, time, chainHash, snapshot] = unseal(startKey, row, `${place}: the row of the log's start`);
  const link = { index: index as number, term: term as number, time: time as number };
  return {
    lane: lane as Lane,
    link: { ...link, chainHash: Buffer.from(chainHash as Uint8Array) },
    snapshot: snapshot as SnapshotMetadata | null,
  };
}

function seal(key: Buffer, body: readonly unknown[]): Buffer {
  const encoded = encodeBehind(bodyOffset, body);
  const row = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  row[0] = metaVersion;
  row.set(checksum(Buffer.concat([key, row.subarray(bodyOffset)])), checksumOffset);
  return row;
}

/** What verifies was written by this code in this version, so its shape is what `seal` was given. */
function unseal(key: Buffer, row: Buffer, what: string): readonly unknown[] {
  if (row.byteLength < bodyOffset) throw new StorageError(`${what} is cut off after ${row.byteLength} bytes`);
  if (row[0] !== metaVersion) {
    throw new StorageError(`${what} has format version ${row[0]}, this node reads ${metaVersion}`);
  }
  const body = row.subarray(bodyOffset);
  if (!checksum(Buffer.concat([key, body])).equals(row.subarray(checksumOffset, bodyOffset))) {
    throw new StorageError(`${what} does not verify: its checksum differs`);
  }
  return decode(body) as readonly unknown[];
}
