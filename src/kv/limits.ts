/**
 * @module
 * The bounds of what commands may ask for. Part of the replicated machine: were they to differ between nodes, the
 * same command would change one and be refused by another.
 */

/** Operations of a transaction, in all branches, nested transactions and what is in them counted. */
export const operationsMax = 128;
/** Compares of a transaction, nested ones counted. */
export const comparesMax = 128;
/** Items of one `range` in a transaction. */
export const rangeLimitMax = 10_000;
export const leaseTtlMsMin = 1000;
/** A year. */
export const leaseTtlMsMax: number = 365 * 24 * 60 * 60 * 1000;
/** Leases that one keep-alive names. */
export const keepAliveLeasesMax = 1000;
export const idempotencyKeyBytesMax = 128;
export const requestHashBytes = 16;

/** Bounds that hold while a command is executed; tests make them small. */
export interface MachineLimits {
  /** Keys that one command deletes, and the bytes of what they held. */
  readonly deletedKeysMax: number;
  readonly deletedBytesMax: number;
  /** Keys and values in the results of one transaction, and how many keys: they are found and answered in one go. */
  readonly resultBytesMax: number;
  readonly resultKeysMax: number;
  /** Keys attached to one lease, and the bytes of what they hold: they are deleted by one command. */
  readonly leaseKeysMax: number;
  readonly leaseBytesMax: number;
  /** What is remembered of commands with an idempotency key, in bytes of rows. */
  readonly sessionBytesMax: number;
  /** Milliseconds of cluster time for which each is remembered at least. */
  readonly sessionAgeMin: number;
  /** Of one outcome; a larger one is remembered without the results of its operations. */
  readonly sessionResultBytesMax: number;
}

export const machineLimits: MachineLimits = {
  deletedKeysMax: 100_000,
  deletedBytesMax: 64 * 1024 * 1024,
  resultBytesMax: 16 * 1024 * 1024,
  resultKeysMax: rangeLimitMax,
  leaseKeysMax: 10_000,
  leaseBytesMax: 64 * 1024 * 1024,
  sessionBytesMax: 64 * 1024 * 1024,
  sessionAgeMin: 10 * 60 * 1000,
  sessionResultBytesMax: 4096,
};
