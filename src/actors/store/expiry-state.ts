/**
 * @module
 * How far the leader's store has looked for leases whose time is up.
 */

export interface Expiry {
  /** The term that this node leads; null when it does not. */
  term: number | null;
  /** Cluster time as the leader's core has it. */
  now: number;
  /** A word of the time has come for which nothing was read yet. */
  isTold: boolean;
  isReading: boolean;
  /** Where the pass under way goes on; null when there is none. */
  from: Uint8Array | null;
  /** The earliest time at which a lease that this pass has seen is due. */
  earliest: number;
  /** No lease is due before. */
  nextLook: number;
}

export function createExpiry(): Expiry {
  return {
    term: null,
    now: 0,
    isTold: false,
    isReading: false,
    from: null,
    earliest: Number.POSITIVE_INFINITY,
    nextLook: 0,
  };
}
