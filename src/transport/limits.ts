/**
 * @module
 * Every bound of the peers' connections, in one place.
 */

import { defaultEntryLimits, type EntryLimits } from "../codec/entries.ts";
import { type CodecLimits, defaultCodecLimits } from "../codec/well-formed.ts";

export interface LinkLimits {
  /** Of one frame, its length field not counted. Above the bytes of one append or one batch of commands. */
  readonly frameBytesMax: number;
  /** Of the first frame in each direction. */
  readonly helloBytesMax: number;
  /** Waiting to be written to one peer; more is dropped, and Raft sends it again. At least one frame. */
  readonly queueBytesMax: number;
  /** Accepted connections altogether, from peers and strangers. */
  readonly connectionsMax: number;
  /** Among them those that have not said hello; the oldest makes room for the newest. */
  readonly strangersMax: number;
  readonly helloTimeoutMs: number;
  /** For the name's resolution and the connection together. */
  readonly connectTimeoutMs: number;
  /** The first pause before a peer is dialled again; doubled each time, with jitter, up to the next. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** An established link is asked for a sign of life this often. */
  readonly pingIntervalMs: number;
  /** Without an answer, and without progress of what waits to be written, the link is given up. */
  readonly linkDeadMs: number;
  /** An accepted connection that has said nothing for so long, pings included, is closed. */
  readonly incomingIdleMs: number;
  /** A snapshot on its way that makes no progress for so long is given up. */
  readonly snapshotStallMs: number;
  /** The same for its last chunk, after which the receiver verifies the whole. */
  readonly snapshotFinishMs: number;
  /** One line a reason and peer in so long. */
  readonly logIntervalMs: number;
  readonly codec: CodecLimits;
  readonly entries: EntryLimits;
}

export const defaultLinkLimits: LinkLimits = {
  frameBytesMax: 16 * 1024 * 1024,
  helloBytesMax: 4096,
  queueBytesMax: 64 * 1024 * 1024,
  connectionsMax: 64,
  strangersMax: 32,
  helloTimeoutMs: 5000,
  connectTimeoutMs: 2000,
  backoffMinMs: 20,
  backoffMaxMs: 2000,
  pingIntervalMs: 1000,
  linkDeadMs: 5000,
  incomingIdleMs: 15_000,
  snapshotStallMs: 10_000,
  snapshotFinishMs: 120_000,
  logIntervalMs: 10_000,
  codec: defaultCodecLimits,
  entries: defaultEntryLimits,
};
