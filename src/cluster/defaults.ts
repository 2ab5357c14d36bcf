/**
 * @module
 * Every bound of a node, in one place, with its unit last in its name.
 */

import type { RaftOptions } from "../raft/options.ts";

const mebibyte = 1024 * 1024;

interface Defaults {
  readonly tickMs: number;
  readonly electionTimeoutTicks: number;
  readonly valueBytesMax: number;
  readonly historyBytesMax: number;
  readonly snapshotLogBytes: number;
  readonly slowRequestMs: number;
}

interface NodeLimits {
  readonly keyBytesMax: number;
  readonly headerBytesMax: number;
  readonly connectionsMax: number;
  readonly pendingRequestsMax: number;
  readonly proposalsInFlightMax: number;
  readonly defaultTimeoutMs: number;
  readonly peerQueueBytesMax: number;
  /** Between nodes; holds the largest command with room to spare. */
  readonly frameBytesMax: number;
  /** What `valueBytesMax` may be set to. */
  readonly valueBytesMaxMax: number;
  readonly tickMsMin: number;
  readonly tickMsMax: number;
  /** With fewer, one late heartbeat is an election. */
  readonly electionTimeoutTicksMin: number;
  readonly electionTimeoutTicksMax: number;
}

export const defaults: Defaults = {
  tickMs: 100,
  /** One to two seconds without a leader before an election: loaded machines pause for that long. */
  electionTimeoutTicks: 10,
  valueBytesMax: mebibyte,
  historyBytesMax: 256 * mebibyte,
  snapshotLogBytes: 64 * mebibyte,
  slowRequestMs: 1_000,
};

export const nodeLimits: NodeLimits = {
  keyBytesMax: 4096,
  /** A key percent-encoded whole is three times its bytes; the rest is for the other headers. */
  headerBytesMax: 32 * 1024,
  connectionsMax: 12_000,
  /** Requests that wait in ingress, in all. */
  pendingRequestsMax: 20_000,
  proposalsInFlightMax: 4_096,
  defaultTimeoutMs: 5_000,
  peerQueueBytesMax: 64 * mebibyte,
  frameBytesMax: 32 * mebibyte,
  valueBytesMaxMax: 8 * mebibyte,
  tickMsMin: 10,
  tickMsMax: 10_000,
  electionTimeoutTicksMin: 3,
  electionTimeoutTicksMax: 1_000,
};

interface Pace {
  readonly tickMs: number;
  readonly electionTimeoutTicks: number;
  readonly leaseReads: boolean;
}

/** An election timeout: without a leader for so long, nodes would elect another anyway. */
export function voteHoldMs({ tickMs, electionTimeoutTicks, leaseReads }: Pace): number {
  return leaseReads ? tickMs * electionTimeoutTicks : 0;
}

export function raftOptions(id: string, seed: number, pace: Pace): RaftOptions {
  const { tickMs, electionTimeoutTicks } = pace;
  return {
    id,
    seed,
    tickMs,
    electionTimeoutTicks,
    voteHoldMs: voteHoldMs(pace),
    heartbeatTicks: 1,
    preVote: true,
    checkQuorum: "eachTick",
    inflightMessagesMax: 256,
    inflightBytesMax: 16 * mebibyte,
    appendBytesMax: 2 * mebibyte,
    uncommittedBytesMax: 32 * mebibyte,
    applyingBytesMax: 16 * mebibyte,
    tailBytesMax: 4 * mebibyte,
    pendingReadsMax: 10_000,
    trailingEntries: 10_000,
    commitNotice: "withEntries",
    readConfirmation: "asker",
  };
}
